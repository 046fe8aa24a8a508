"""Start and watch the servers that the real peers talk to: slipway and the simulated vCenter.

Every server listens on the loopback interface, on a port that nobody else was given, keeps its files in
a folder of the caller and writes its output into a log there. A server that does not come up, or a
program that is missing, is an error that quotes the log.

Environment: SLIPWAY_BINARY and VCENTER_BINARY name other builds than those under build/.
"""

from __future__ import annotations

import fcntl
import functools
import json
import os
import random
import re
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import venvs
import wsdl
from driver_run import Section, write_config

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "tests" / "peers"
START_SECONDS = 60.0
STOP_SECONDS = 20.0
PEER_SECONDS = 600.0


class HarnessError(RuntimeError):
    """A server or a tool of the harness is not as it should be."""


_own_ports: set[int] = set()


@functools.cache
def _locked_ports() -> IO[bytes]:
    """A file in which a process locks, until it ends, the byte at the number of each port that it was given."""
    return (Path(tempfile.gettempdir()) / f"slipway-ports-{os.getuid()}").open("ab")


def free_port() -> int:
    """A port that stays free while its server is away: no connection gets one of these for its own end, and
    nobody is given it a second time, neither here nor in a run beside this one."""
    while True:
        port = random.randrange(15000, 32000)
        if port in _own_ports:
            continue
        try:
            fcntl.lockf(_locked_ports(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except BlockingIOError:
            continue
        _own_ports.add(port)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def slipway_binary() -> Path:
    return _existing(Path(os.environ.get("SLIPWAY_BINARY", ROOT / "build" / "release" / "slipway")))


def vcenter_binary() -> Path:
    """The simulator: VCENTER_BINARY, or built from tests/vcenter, which takes no time when it is current."""
    given = os.environ.get("VCENTER_BINARY")
    if given:
        return _existing(Path(given))
    binary = ROOT / "build" / "vcenter" / "vcenter"
    go = subprocess.run(
        [ROOT / "scripts" / "go.sh"], check=True, capture_output=True, text=True
    ).stdout.strip()
    subprocess.run([go, "build", "-o", str(binary), "."], cwd=ROOT / "tests" / "vcenter", check=True)
    return binary


def _existing(path: Path) -> Path:
    if not os.access(path, os.X_OK):
        raise HarnessError(f"{path} is not an executable file")
    return path


class Child:
    """A process of ours with its log."""

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        *,
        stdout: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`environment` is added to our own."""
        self.log = log
        self._log_file = log.open("ab")
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,  # closed when we are gone, however that happened
            stdout=stdout if stdout is not None else self._log_file,
            stderr=self._log_file,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )

    def peak_memory_bytes(self) -> int:
        """VmHWM: the most memory the process ever held."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    def stop(self) -> int:
        """Ask it to end, insist after a while, and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
        code = self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
        self._log_file.close()
        return code

    def tail(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-4000:]

    def died(self, what: str) -> HarnessError:
        return HarnessError(f"{what} does not run (status {self.process.poll()}):\n{self.tail()}")


@dataclass(frozen=True)
class JournalEntry:
    """One call, file transfer or finished task, as the simulator recorded it."""

    kind: str
    method: str
    path: str
    arguments: Mapping[str, str]
    status: int
    fault: str
    user_agent: str
    bytes_in: int
    bytes_out: int


class VCenter:
    """The simulated vCenter, on a fresh inventory."""

    USER = "user"
    PASSWORD = "pass"
    host = "127.0.0.1"

    def __init__(self, work: Path, *options: str, drivers: bool = True) -> None:
        """`drivers`: serve the WSDL that Nova and Cinder ask for; needs the `compute` environment."""
        work.mkdir(parents=True, exist_ok=True)
        address = f"{self.host}:{free_port()}"  # one port, as in the field: Nova knows no other for hosts
        command: list[str | Path] = [vcenter_binary(), "-stdin-exit", "-state", work / "state"]
        command += ["-listen", address, "-esx-listen", address]
        if drivers:
            schema = work / "wsdl"
            _write_wsdl(schema)
            command += ["-wsdl-dir", schema]
        command += ["-username", self.USER, "-password", self.PASSWORD, *options]
        self.child = Child(command, work / "vcenter.log", stdout=subprocess.PIPE)
        line = next_line(self.child)
        if not line:
            error = self.child.died("the simulated vCenter")
            self.child.stop()
            raise error
        self.greeting: dict[str, Any] = json.loads(line)

    @property
    def port(self) -> int:
        return int(self.greeting["port"])

    @property
    def ca_file(self) -> Path:
        return Path(self.greeting["ca_file"])

    @property
    def datacenter(self) -> dict[str, Any]:
        """The first datacenter: `path` and its datastores."""
        first: dict[str, Any] = self.greeting["datacenters"][0]
        return first

    @property
    def datastore(self) -> str:
        """The datastore that slipway gets in the tests: the first one."""
        return str(self.datacenter["datastores"][0]["name"])

    @property
    def compute_datastore(self) -> str:
        """The datastore of VMs and volumes: another than that of the images."""
        return str(self.datacenter["datastores"][1]["name"])

    @property
    def cluster(self) -> str:
        """The simulator's name for the cluster of a datacenter."""
        return f"{self.datacenter['name']}_C0"

    @property
    def folders(self) -> dict[str, Path]:
        """Where each datastore of the first datacenter lies on this machine."""
        return {store["name"]: Path(store["dir"]) for store in self.datacenter["datastores"]}

    def journal(self) -> list[JournalEntry]:
        with urllib.request.urlopen(f"{self.greeting['control']}/journal", timeout=30) as answer:
            entries = json.load(answer)
        return [
            JournalEntry(
                kind=entry["kind"],
                method=entry["method"],
                path=entry.get("path", ""),
                arguments=entry.get("args") or {},
                status=entry["status"],
                fault=entry.get("fault", ""),
                user_agent=entry.get("user_agent", ""),
                bytes_in=entry["bytes_in"],
                bytes_out=entry["bytes_out"],
            )
            for entry in entries
        ]

    def clear_journal(self) -> None:
        request = urllib.request.Request(f"{self.greeting['control']}/journal", method="DELETE")
        urllib.request.urlopen(request, timeout=30).close()

    def stop(self) -> None:
        self.child.stop()


@dataclass(frozen=True)
class Backend:
    """Where a slipway of the tests keeps its images."""

    name: str
    options: Section


def local_backend(work: Path) -> Backend:
    folder = work / "images"
    folder.mkdir(parents=True, exist_ok=True)
    return Backend("local:file", {"filesystem_store_datadir": folder})


def vcenter_backend(vcenter: VCenter, name: str = "vcenter", datastore: str | None = None) -> Backend:
    """A datastore (default: the first), in a folder that no other catalogue has a hand in."""
    path = vcenter.datacenter["path"].strip("/")
    return Backend(
        f"{name}:vmware",
        {
            "vmware_server_host": f"{vcenter.host}:{vcenter.port}",
            "vmware_server_username": vcenter.USER,
            "vmware_server_password": vcenter.PASSWORD,
            "vmware_datastores": f"{path}:{datastore or vcenter.datastore}:100",
            "vmware_store_image_dir": f"/openstack_glance_{uuid.uuid4().hex[:8]}",
            "vmware_ca_file": vcenter.ca_file,
            "esx_port": vcenter.port,
        },
    )


class Slipway:
    """One `slipway serve` without authentication, with a listener for users and one for services."""

    def __init__(
        self,
        work: Path,
        *backends: Backend,
        ports: tuple[int, int] | None = None,
        sections: Mapping[str, Section] | None = None,
    ) -> None:
        """The first backend is the default. `ports`: of the listeners for users and for services; free ones
        unless given. `sections`: more of the configuration."""
        work.mkdir(parents=True, exist_ok=True)
        stores = {backend.name.split(":")[0]: backend.options for backend in backends}
        self.store = next(iter(stores))
        ports = ports or (free_port(), free_port())
        self.url, self.service_url = (f"http://127.0.0.1:{port}" for port in ports)
        self.config = write_config(
            work / "glance-api.conf",
            {
                "DEFAULT": {
                    "bind_host": "127.0.0.1",
                    "bind_port": ports[0],
                    "enabled_backends": ", ".join(backend.name for backend in backends),
                },
                "glance_store": {"default_backend": self.store},
                **stores,
                "database": {"connection": f"sqlite:///{work / 'catalog.sqlite'}"},
                "paste_deploy": {"flavor": ""},
                "service_api": {"bind_host": "127.0.0.1", "bind_port": ports[1]},
                **(sections or {}),
            },
        )
        self.config.chmod(0o600)
        self.child = Child([slipway_binary(), "serve", "--config-file", self.config], work / "slipway.log")
        try:
            for url in (self.url, self.service_url):
                wait_until_healthy(self.child, url)
        except HarnessError:
            self.child.stop()
            raise

    def stop(self) -> int:
        return self.child.stop()


def wait_until_healthy(child: Child, url: str, seconds: float = START_SECONDS) -> None:
    """Until slipway or Glance says that it serves."""
    deadline = time.monotonic() + seconds
    while child.process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/healthcheck", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise child.died(f"the server at {url}")


def nova_boot(vcenter: VCenter, image_url: str, image_id: str, *options: str) -> dict[str, Any]:
    """Boot one VM with Nova's driver; the answer of nova_boot.py."""
    common = _driver_options(vcenter, image_url)
    return _drive("nova_boot.py", *common, "--image-id", image_id, *options)


def cinder_create(
    vcenter: VCenter, image_url: str, image_id: str, state: Path, *options: str
) -> dict[str, Any]:
    """Make a volume with Cinder's driver; the answer of cinder_volume.py."""
    common = _driver_options(vcenter, image_url)
    return _drive(
        "cinder_volume.py", "create", *common, "--state", str(state), "--image-id", image_id, *options
    )


def cinder_upload(vcenter: VCenter, image_url: str, volume_id: str, state: Path) -> dict[str, Any]:
    """Make an image from a volume of `cinder_create`; the answer of cinder_volume.py."""
    common = _driver_options(vcenter, image_url)
    return _drive("cinder_volume.py", "upload", *common, "--state", str(state), "--volume-id", volume_id)


class Driver:
    """A driver that stays: nova_boot.py or cinder_volume.py, one answer to each `ask`."""

    def __init__(
        self, script: str, vcenter: VCenter, image_url: str, work: Path, *options: str | Path
    ) -> None:
        work.mkdir(parents=True, exist_ok=True)
        self._script = script
        command = [_python("compute"), PEERS / script, *options, *_driver_options(vcenter, image_url)]
        self.child = Child(command, work / f"{script}.log", stdout=subprocess.PIPE)
        try:
            self._answer()  # that it is ready
        except HarnessError:
            self.child.stop()
            raise

    def ask(self, **request: str | int | None) -> dict[str, Any]:
        """What the driver did with these options, as the script prints it."""
        pipe = self.child.process.stdin
        assert pipe is not None
        try:
            pipe.write(json.dumps(request).encode() + b"\n")
            pipe.flush()
        except BrokenPipeError:
            raise self.child.died(self._script) from None
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        while line := next_line(self.child, PEER_SECONDS):
            if line.startswith("{"):  # libraries print too
                answer: dict[str, Any] = json.loads(line)
                return answer
        raise self.child.died(self._script)

    def stop(self) -> None:
        self.child.stop()


def _driver_options(vcenter: VCenter, image_url: str) -> list[str]:
    return [
        f"--vcenter-host={vcenter.host}",
        f"--vcenter-port={vcenter.port}",
        f"--vcenter-user={vcenter.USER}",
        f"--vcenter-password={vcenter.PASSWORD}",
        f"--vcenter-ca={vcenter.ca_file}",
        f"--cluster={vcenter.cluster}",
        f"--datastore-regex=^{re.escape(vcenter.compute_datastore)}$",
        f"--image-url={image_url}",
    ]


def _drive(script: str, *arguments: str) -> dict[str, Any]:
    """Run one of the driver scripts; its log goes to our standard error, where pytest keeps it."""
    done = subprocess.run(
        [_python("compute"), str(PEERS / script), *arguments],
        capture_output=True,
        text=True,
        timeout=PEER_SECONDS,
        check=False,
    )
    print(done.stderr, file=sys.stderr)
    if done.returncode not in (0, 1):
        raise HarnessError(f"{script} ended with status {done.returncode}:\n{done.stderr[-4000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _python(environment: str) -> str:
    return str(venvs.ensure(environment, ROOT / "build" / "venvs") / "bin" / "python")


def _write_wsdl(directory: Path) -> None:
    """The schemas are those of the environment that holds oslo.vmware, not of our own Python."""
    subprocess.run([_python("compute"), wsdl.__file__, str(directory)], check=True, stdout=subprocess.DEVNULL)


def next_line(child: Child, seconds: float = START_SECONDS) -> str:
    """The next line on standard output, or nothing when it ended or is silent for so long."""
    stream: IO[bytes] | None = child.process.stdout
    assert stream is not None
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        # Byte by byte, past any buffer: what lies in one would not wake the selector.
        while not line.endswith(b"\n") and selector.select(seconds):
            byte = os.read(stream.fileno(), 1)
            if not byte:
                break
            line += byte
    return line.decode()
