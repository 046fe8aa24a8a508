"""The package is installed by pip into a folder of its own: glance_store finds drivers by entry points."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1]


def pytest_configure(config: pytest.Config) -> None:
    work = Path(tempfile.mkdtemp(prefix="slipway-glance-store-"))
    config.add_cleanup(lambda: shutil.rmtree(work, ignore_errors=True))
    source = shutil.copytree(PACKAGE, work / "source", ignore=shutil.ignore_patterns("tests", "__pycache__"))
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*install, "--target", work / "installed", source], check=True)
    sys.path.insert(0, str(work / "installed"))


@pytest.fixture
def slipway() -> Iterator[object]:
    from fake_slipway import FakeSlipway

    server = FakeSlipway()
    yield server
    server.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    files = (folder / "cert.pem", folder / "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-out", str(files[0]), "-keyout", str(files[1])],
        check=True, capture_output=True,
    )  # fmt: skip
    return files
