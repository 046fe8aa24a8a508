"""A stock Glance that keeps its images on datastores by glance_store's own VMware driver, as operators have it.

The driver knows one port, 443, so the vCenter has to be behind it: `Port443` forwards from there, at an
address of the loopback network that nobody else has taken.
"""

from __future__ import annotations

import random
import shutil
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import harness
import venvs
from driver_run import Section
from stock_glance import StockGlance


class VmwareGlance(StockGlance):
    """One glance-api whose only store is on datastores, which it does not name: the old kind of configuration,
    since a store of several must have a type that is a URL's scheme, and the VMware driver has not."""

    # They would be stronger than `vmware_insecure`, since no certificate names the forwarded address.
    ENVIRONMENT = {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": ""}

    def __init__(
        self, work: Path, database: str, store: Mapping[str, Any], encryption_key: str | None = None
    ) -> None:
        """`store`: options of the driver. `encryption_key`: of what the database says of locations."""
        self._database = database
        self._store = dict(store)
        self._encryption_key = encryption_key
        super().__init__(work, {})

    def _configuration(self, work: Path, backends: Mapping[str, Section]) -> dict[str, Section]:
        sections = super()._configuration(work, {"none": {}})
        sections.pop("none")
        staging = work / "staging"
        sections["DEFAULT"] = {
            "log_file": work / "glance.log",
            "metadata_encryption_key": self._encryption_key,
            "node_staging_uri": f"file://{staging}",
            "transport_url": "fake://",
        }
        sections["database"] = {"connection": self._database}
        sections["glance_store"] = {"stores": "vmware", "default_store": "vsphere", **self._store}
        return sections

    def _install_driver(self, work: Path) -> Path:
        libraries = venvs.ensure_libraries("glance", harness.ROOT / "build" / "venvs")
        folder = shutil.copytree(libraries, work / "driver")
        shutil.copy(harness.PEERS / "glance_identity.py", folder)
        return folder

    def load_metadefs(self) -> None:
        """Those that come with Glance."""
        self._manage(self.config, "db_load_metadefs", str(self._bin.parent / "etc" / "glance" / "metadefs"))


class Port443:
    """Forwards connections to port 443 of `address` to a port of 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.socket()
        for _ in range(20):
            self.address = "127." + ".".join(str(random.randint(1, 254)) for _ in range(3))
            try:
                self._listener.bind((self.address, 443))
                break
            except PermissionError:
                raise harness.HarnessError(
                    "port 443 is not for us: be root, or sysctl net.ipv4.ip_unprivileged_port_start=443"
                ) from None
            except OSError:
                continue
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._port))
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=_forward, args=(source, target), daemon=True).start()


def _forward(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, target):
            end.close()
