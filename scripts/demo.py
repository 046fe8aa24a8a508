#!/usr/bin/env python3
"""The main job on a simulated vCenter: upload a bootable disk, clone it, read the clone back.

The disk is grub-rescue-pc's USB image, as Debian ships it. Prints what moved which bytes: slipway's own
account, and what the simulated vCenter saw of every transfer with a datastore or a host.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import ssl
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "peers"))

import harness  # noqa: E402

DISK = Path("/usr/lib/grub-rescue/grub-rescue-usb.img")
CHUNK = 1 << 20
TARGET = "vm7/vm7.vmdk"


class Progress:
    """A bar on a terminal, nothing elsewhere. Ends its line once."""

    def __init__(self, label: str, total: int) -> None:
        self.label = label
        self.total = total
        self.visible = sys.stderr.isatty()
        self.ended = False

    def show(self, done: int) -> None:
        if not self.visible or self.ended:
            return
        share = done / self.total
        bar = ("=" * int(share * 30) + ">").ljust(31)
        self.ended = done >= self.total
        end = "\n" if self.ended else ""
        print(f"\r{self.label:<10} [{bar}] {share:4.0%}", end=end, file=sys.stderr, flush=True)


def call(url: str, method: str = "GET", body: dict[str, Any] | None = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read()
    parsed: dict[str, Any] = json.loads(text) if text else {}
    return parsed


def upload(base: str, image: str, path: Path) -> None:
    size = path.stat().st_size
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(base).netloc, timeout=60)
    connection.putrequest("PUT", f"/v2/images/{image}/file")
    connection.putheader("Content-Type", "application/octet-stream")
    connection.putheader("Content-Length", str(size))
    connection.endheaders()
    bar = Progress("upload", size)
    sent = 0
    with path.open("rb") as disk:
        while chunk := disk.read(CHUNK):
            connection.send(chunk)
            sent += len(chunk)
            bar.show(sent)
    answer = connection.getresponse()
    if answer.status != 204:
        raise SystemExit(f"demo: the upload was answered {answer.status}: {answer.read().decode()}")
    connection.close()


def wait_for(what: str, read: Any, done: Any) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        state: dict[str, Any] = read()
        if done(state):
            return state
        time.sleep(0.1)
    raise SystemExit(f"demo: {what} took more than two minutes")


def clone(base: str, image: str, datacenter: str, datastore: str) -> dict[str, Any]:
    target = {"datacenter": datacenter, "datastore": datastore, "path": TARGET}
    task = call(f"{base}/slipway/v1/images/{image}/clones", "POST", target)
    bar = Progress("clone", 100)

    def read() -> dict[str, Any]:
        state = call(f"{base}/slipway/v1/tasks/{task['id']}")
        bar.show(100 if state["status"] == "success" else min(state["progress"], 99))
        return state

    ended = wait_for("the clone", read, lambda state: state["status"] not in ("pending", "running"))
    if ended["status"] != "success":
        raise SystemExit(f"demo: the clone failed: {ended['error']}")
    return ended


@dataclass(frozen=True)
class Seen:
    """What the simulated vCenter saw since its journal was cleared."""

    image_bytes: int  # in either direction, by /folder, at a host, or by an NFC lease
    copies: int  # calls of CopyVirtualDisk_Task that it took


def look(vcenter: harness.VCenter) -> Seen:
    journal = vcenter.journal()
    transfers = [entry for entry in journal if entry.kind in ("folder", "esx-folder", "nfc")]
    copies = [entry for entry in journal if entry.kind == "soap" and entry.method == "CopyVirtualDisk_Task"]
    return Seen(
        image_bytes=sum(entry.bytes_in + entry.bytes_out for entry in transfers),
        copies=sum(entry.status == 200 for entry in copies),
    )


class Datastore:
    """Reads files of the simulated vCenter as any of its clients would."""

    def __init__(self, vcenter: harness.VCenter) -> None:
        context = ssl.create_default_context(cafile=str(vcenter.ca_file))
        self.connection = http.client.HTTPSConnection(vcenter.host, vcenter.port, context=context, timeout=60)
        login = (
            '<Login xmlns="urn:vim25"><_this type="SessionManager">SessionManager</_this>'
            f"<userName>{vcenter.USER}</userName><password>{vcenter.PASSWORD}</password></Login>"
        )
        envelope = (
            '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/">'
            f"<Body>{login}</Body></Envelope>"
        )
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": "urn:vim25/7.0"}
        self.connection.request("POST", "/sdk", envelope, headers)
        answer = self.connection.getresponse()
        answer.read()
        cookie = re.search(r"vmware_soap_session=[^;]+", answer.getheader("Set-Cookie") or "")
        if answer.status != 200 or cookie is None:
            raise SystemExit(f"demo: the simulated vCenter refused the login ({answer.status})")
        self.cookie = cookie.group(0)

    def digest(self, datacenter: str, datastore: str, path: str, length: int) -> str:
        """SHA-512 of the first `length` bytes of a file."""
        query = urllib.parse.urlencode({"dcPath": datacenter, "dsName": datastore})
        self.connection.request("GET", f"/folder/{path}?{query}", headers={"Cookie": self.cookie})
        answer = self.connection.getresponse()
        if answer.status != 200:
            raise SystemExit(f"demo: reading {path} was answered {answer.status}")
        bar = Progress("read back", length)
        digest = hashlib.sha512()
        left = length
        while left > 0 and (chunk := answer.read(min(CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
            bar.show(length - left)
        self.connection.close()
        return digest.hexdigest()


def main() -> None:
    size = DISK.stat().st_size
    source = hashlib.sha512(DISK.read_bytes()).hexdigest()
    with tempfile.TemporaryDirectory(prefix="slipway-demo-") as folder:
        vcenter = harness.VCenter(Path(folder) / "vcenter", drivers=False)
        slipway = harness.Slipway(Path(folder) / "slipway", harness.vcenter_backend(vcenter))
        try:
            datacenter = vcenter.datacenter["path"].strip("/")
            print(f"disk       {DISK} ({size} bytes)")
            record = {"name": "grub-rescue", "disk_format": "raw", "container_format": "bare"}
            image = call(f"{slipway.url}/v2/images", "POST", record)["id"]
            upload(slipway.url, image, DISK)
            wait_for(
                "the image",
                lambda: call(f"{slipway.url}/v2/images/{image}"),
                lambda state: state["status"] == "active",
            )
            shown = call(f"{slipway.service_url}/v2/images/{image}")
            print(f"image      {image} active, stored as {shown['disk_format']}")
            print(f"location   {shown['direct_url']}")
            # The upload shows that the journal counts; the clone then begins at zero.
            if look(vcenter).image_bytes < size:
                raise SystemExit("demo: the vCenter's journal does not show the upload")
            vcenter.clear_journal()
            task = clone(slipway.url, image, datacenter, vcenter.compute_datastore)
            seen = look(vcenter)
            flat = TARGET.replace(".vmdk", "-flat.vmdk")
            copy = Datastore(vcenter).digest(datacenter, vcenter.compute_datastore, flat, size)
            account = task["account"]
            print(f"clone      [{vcenter.compute_datastore}] {TARGET} by {account['path']}")
            print(f"bytes      {account['bytes_copied']} copied by the storage")
            print(f"           {account['bytes_through']} through slipway, by its own account")
            print(f"           {seen.image_bytes} in or out of a datastore or a host, by the vCenter's journal")
            print(f"calls      {seen.copies} CopyVirtualDisk_Task")
            print(f"digest     {'equal' if copy == source else 'DIFFERENT'} (SHA-512 {source[:16]}…)")
            if copy != source:
                raise SystemExit("demo: the clone is not what was uploaded")
            if account["bytes_through"] != 0 or seen != Seen(image_bytes=0, copies=1):
                raise SystemExit("demo: the clone was not made by the storage alone")
        finally:
            slipway.stop()
            vcenter.stop()


if __name__ == "__main__":
    main()
