"""Throw-away SQL servers: PostgreSQL, and the MariaDB that a stock Glance is happiest with.

Each keeps everything in a folder of its own below /tmp, since neither serves as root and the folders of
pytest belong to root alone; `stop` removes it. Both trust whoever can reach the loopback interface.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import harness

START_SECONDS = 60.0


class Postgres:
    """One server on a free port; `url(name)` makes a database and names it."""

    def __init__(self) -> None:
        self._bin = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/nowhere"))
        if not (self._bin / "postgres").exists():
            raise harness.HarnessError("there is no PostgreSQL: apt-get install postgresql")
        self._folder, self._user = _folder_of("postgres")
        self._port = harness.free_port()
        data = self._folder / "data"
        command = [self._bin / "initdb", "--no-sync", "-D", data, "-A", "trust", "-U", "os", "-E", "UTF8"]
        _run([*self._user, *command])
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "shared_buffers=32MB"]
        self._child = harness.Child(
            [*self._user, self._bin / "postgres", "-D", data, "-k", self._folder]
            + ["-p", str(self._port), *options],
            self._folder / "log",
        )
        _wait(self._child, [self._bin / "pg_isready", "-q", *self._where(), "-d", "postgres"])

    def url(self, name: str) -> str:
        _run([self._bin / "createdb", *self._where(), name])
        return f"postgresql://os@127.0.0.1:{self._port}/{name}"

    def stop(self) -> None:
        self._child.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _where(self) -> list[str]:
        return ["-h", "127.0.0.1", "-p", str(self._port), "-U", "os"]


class MariaDb:
    """One server on a free port, with TLS for those who ask; `url(name)` makes a database and names it.

    `ca_file` is of the authority that vouches for it.
    """

    def __init__(self) -> None:
        if not shutil.which("mariadbd"):
            raise harness.HarnessError("there is no MariaDB: apt-get install mariadb-server")
        self._folder, self._user = _folder_of("mysql")
        self._port = harness.free_port()
        data = f"--datadir={self._folder / 'data'}"
        _run(
            [*self._user, "mariadb-install-db", "--no-defaults", data, "--skip-test-db"]
            + ["--auth-root-authentication-method=normal"]
        )
        self.ca_file, certificate, key = _certificate(self._folder)
        socket = self._folder / "s.sock"
        self._client = ["mariadb", "--no-defaults", "-uroot", "-S", str(socket), "-e"]
        self._child = harness.Child(
            [*self._user, "mariadbd", "--no-defaults", data, f"--socket={socket}"]
            + [f"--pid-file={self._folder / 'pid'}", "--bind-address=127.0.0.1", f"--port={self._port}"]
            + [f"--ssl-cert={certificate}", f"--ssl-key={key}"],
            self._folder / "log",
        )
        _wait(self._child, [*self._client, "select 1"])
        for host in ("%", "localhost"):
            self._query(f"create user os@'{host}' identified by 'secret'")
            self._query(f"grant all on *.* to os@'{host}'")

    def url(self, name: str) -> str:
        self._query(f"create database {name} character set utf8mb4")
        return f"mysql+pymysql://os:secret@127.0.0.1:{self._port}/{name}?charset=utf8mb4"

    def stop(self) -> None:
        self._child.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _query(self, statement: str) -> None:
        _run([*self._client, statement])


def _certificate(folder: Path) -> tuple[Path, Path, Path]:
    """An authority, and a certificate of 127.0.0.1 with its key."""
    ca, ca_key, certificate, key = (folder / name for name in ("ca.pem", "ca.key", "tls.pem", "tls.key"))
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    _run([*make, "-subj", "/CN=test authority", "-days", "2", "-keyout", ca_key, "-out", ca])
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    names += ["-addext", "basicConstraints=critical,CA:FALSE"]
    _run([*make, *names, "-days", "2", "-CA", ca, "-CAkey", ca_key, "-keyout", key, "-out", certificate])
    key.chmod(0o644)  # in a folder of the server's own
    return ca, certificate, key


def _folder_of(server: str) -> tuple[Path, list[str]]:
    """A folder that the server may use, and what to put before its commands to be its user."""
    folder = Path(tempfile.mkdtemp(prefix=f"slipway-{server}-"))
    if os.geteuid() != 0:
        return folder, []
    user = pwd.getpwnam(server)
    os.chown(folder, user.pw_uid, user.pw_gid)
    return folder, ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def _run(command: Sequence[str | Path]) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise harness.HarnessError(f"{command[-1]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def _wait(child: harness.Child, question: Sequence[str | Path]) -> None:
    """Until `question` succeeds."""
    deadline = time.monotonic() + START_SECONDS
    command = [str(part) for part in question]
    while child.process.poll() is None and time.monotonic() < deadline:
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.1)
    error = child.died(command[0])
    child.stop()
    raise error
