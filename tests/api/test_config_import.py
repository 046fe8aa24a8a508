"""`slipway config import`: a server from the configuration of a Glance."""

from __future__ import annotations

import subprocess
from pathlib import Path

import certifi
import harness
import pytest

SHAPES = harness.ROOT / "tests" / "data" / "glance-conf"
SECRETS = ("database-secret", "keystone-secret", "rabbit-secret", "memcache-secret")


def slipway(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [harness.slipway_binary(), *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("shape", ["kolla-ansible", "devstack", "openstack-helm"])
def test_a_glance_s_configuration_starts_slipway(shape: str, tmp_path: Path) -> None:
    port = harness.free_port()
    text = (SHAPES / f"{shape}.conf").read_text(encoding="utf-8")
    conf = tmp_path / "glance-api.conf"
    conf.write_text(text.replace("/srv/glance", str(tmp_path)).replace("29292", str(port)), encoding="utf-8")
    conf.chmod(0o600)
    (tmp_path / "images").mkdir()
    (tmp_path / "policy.yaml").write_text("{}\n", encoding="utf-8")
    (tmp_path / "ca-bundle.pem").write_bytes(Path(certifi.where()).read_bytes())

    imported = slipway("config", "import", conf)
    for secret in SECRETS:
        assert secret not in imported.stdout + imported.stderr
    for line in ("transport_url: not needed", "bind_port: kept", "lock_path: not needed", "connection: not supported"):
        assert f"] {line}" in imported.stdout
    second = tmp_path / "second.conf"
    second.write_text(imported.stdout.replace("/var/lib/slipway", str(tmp_path)), encoding="utf-8")

    log = tmp_path / "log"
    child = harness.Child(
        [harness.slipway_binary(), "serve", "--config-file", conf, "--config-file", second], log
    )
    try:
        harness.wait_until_healthy(child, f"http://127.0.0.1:{port}")
    finally:
        child.stop()
    assert (tmp_path / "catalog.db").exists()
