"""The servers of the harness with what these tests do to them: kill, restart, slow down, damage."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import harness
import requests
from driver_run import Section, write_config


class VCenter(harness.VCenter):
    """The simulated vCenter with its control port."""

    def __init__(self, work: Path) -> None:
        super().__init__(work, drivers=False)
        self.usual_settings = self.control("GET", "/settings")

    def control(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.greeting["control"] + path, data, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def fault(self, kind: str, action: str, *, method: str = "", path: str = "", **more: object) -> None:
        """The next matching call goes wrong; `count=0` means every one until `heal`."""
        match = {"kind": kind, "method": method, "path_regex": path}
        match = {key: value for key, value in match.items() if value}
        self.control("POST", "/faults", {"match": match, "action": action, "count": 1, **more})

    def set(self, **settings: object) -> None:
        self.control("POST", "/settings", settings)

    def expire_sessions(self, shape: str) -> int:
        return int(self.control("POST", "/sessions/expire", {"shape": shape})["expired"])

    def heal(self) -> None:
        """No faults, usual speed."""
        self.control("DELETE", "/faults")
        self.set(**self.usual_settings)

    def folder(self, datacenter: str, datastore: str) -> Path:
        """Where a datastore lies on this machine."""
        for center in self.greeting["datacenters"]:
            for store in center["datastores"]:
                if center["path"].strip("/") == datacenter and store["name"] == datastore:
                    return Path(store["dir"])
        raise harness.HarnessError(f"no datastore {datacenter}/{datastore}")

    def calls(self, method: str) -> list[harness.JournalEntry]:
        """The SOAP calls of this method since the journal was cleared."""
        return [entry for entry in self.journal() if entry.kind == "soap" and entry.method == method]


class Slipway(harness.Slipway):
    """A slipway that can be killed and started again on the same catalogue and ports."""

    def __init__(
        self,
        work: Path,
        backend: harness.Backend,
        options: dict[str, Section] | None = None,
        trust: Path | None = None,
    ) -> None:
        """`options`: sections of the configuration, laid over the usual ones; `trust`: who signed the
        certificate, where they name one."""
        work.mkdir(parents=True, exist_ok=True)
        self.work = work
        self.backend = backend
        self.store = backend.name.split(":")[0]
        self.ports = (harness.free_port(), harness.free_port())
        self.verify = str(trust) if trust else True
        scheme = "https" if trust else "http"
        self.url, self.service_url = (f"{scheme}://127.0.0.1:{port}" for port in self.ports)
        sections: dict[str, dict[str, object]] = {
            "DEFAULT": {
                "bind_host": "127.0.0.1",
                "bind_port": self.ports[0],
                "enabled_backends": backend.name,
            },
            "glance_store": {"default_backend": self.store},
            self.store: dict(backend.options),
            "database": {"connection": f"sqlite:///{work / 'catalog.sqlite'}"},
            "paste_deploy": {"flavor": ""},
            "service_api": {"bind_host": "127.0.0.1", "bind_port": self.ports[1]},
        }
        for name, section in (options or {}).items():
            sections.setdefault(name, {}).update(section)
        self.config = write_config(work / "glance-api.conf", sections)
        self.config.chmod(0o600)
        self.start()

    def start(self) -> None:
        command = [harness.slipway_binary(), "serve", "--config-file", self.config]
        self.child = harness.Child(command, self.work / "slipway.log")
        try:
            for url in (self.url, self.service_url):
                self._wait_until_ready(url)
        except harness.HarnessError:
            self.child.stop()
            raise

    def _wait_until_ready(self, url: str) -> None:
        deadline = time.monotonic() + harness.START_SECONDS
        while self.child.process.poll() is None and time.monotonic() < deadline:
            try:
                if requests.get(f"{url}/healthcheck", timeout=2, verify=self.verify).ok:
                    return
            except requests.RequestException:
                time.sleep(0.05)
        raise self.child.died(f"slipway at {url}")

    def kill(self) -> None:
        """As by kill -9: nothing is tidied up."""
        self.child.process.kill()
        self.child.stop()

    def restart(self) -> None:
        self.kill()
        self.start()

    def log(self) -> str:
        return self.child.log.read_text(encoding="utf-8", errors="replace")


def files_below(folder: Path) -> Iterator[Path]:
    """The files below a folder that may change while we look; none if there is no such folder."""
    for directory, _, names in os.walk(folder):
        yield from (Path(directory) / name for name in names)


def paths_below(folder: Path) -> Iterator[Path]:
    """As `files_below`, and the folders."""
    for directory, folders, names in os.walk(folder):
        yield from (Path(directory) / name for name in [*folders, *names])


def object_files(slipway: Slipway, vcenter: VCenter | None) -> Callable[[], list[str]]:
    """What lists the stored files of a slipway, each as DIRECTORY/FILE."""
    if vcenter is None:
        root = Path(str(slipway.backend.options["filesystem_store_datadir"]))
    else:
        directory = str(slipway.backend.options["vmware_store_image_dir"]).strip("/")
        root = vcenter.folders[vcenter.datastore] / directory

    def list_files() -> list[str]:
        return sorted(str(path.relative_to(root)) for path in files_below(root) if path.parent != root)

    return list_files
