"""What `./dev run` prints to paste into a shell works as it was printed."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import harness
import pytest

SERVERS = ["dev", pytest.param("vcenter", marks=pytest.mark.vcenter)]


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[harness.Child]:
    """`slipway serve --dev`, or scripts/run_vcenter.py; both on free ports."""
    if request.param == "dev":
        command: list[str | Path] = [harness.slipway_binary(), "serve", "--dev", tmp_path / "served"]
    else:
        command = [sys.executable, harness.ROOT / "scripts" / "run_vcenter.py"]
    ports = {
        name: str(harness.free_port()) for name in ("OS_DEFAULT__BIND_PORT", "OS_SERVICE_API__BIND_PORT")
    }
    child = harness.Child(command, tmp_path / "server.log", stdout=subprocess.PIPE, environment=ports)
    yield child
    child.stop()


def printed_lines(server: harness.Child) -> list[str]:
    """The lines to paste: indented, the last of them deletes what the others made."""
    lines = [""]
    while not lines[-1].endswith("image delete try"):
        line = harness.next_line(server)
        assert line, f"the server ended before its last line:\n{server.tail()}"
        lines.append(line.rstrip("\n"))
    return [line.strip() for line in lines if line.startswith("  ")]


def test_the_printed_lines_work(server: harness.Child, tmp_path: Path) -> None:
    get_client, *lines = printed_lines(server)
    shell = tmp_path / "shell"
    shell.mkdir()
    script = [f"cd {shlex.quote(str(harness.ROOT))}", get_client, f"cd {shlex.quote(str(shell))}", *lines]
    without_options = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", "\n".join(script)],
        env={**without_options, "HOME": str(shell)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "equal" in done.stdout.splitlines()
    assert any("| try " in line and "| active |" in line for line in done.stdout.splitlines()), done.stdout
    assert (shell / "copy.raw").read_bytes() == (shell / "try.raw").read_bytes()
    # Only the vCenter can clone, and only its lines do.
    assert ("cloned by task" in done.stdout) == any(" clone " in line for line in lines)
