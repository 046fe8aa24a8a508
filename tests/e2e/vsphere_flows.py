"""What the tests of Nova's and Cinder's drivers have in common."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import disks
import harness
import requests
from proxy import CountingProxy

BOOT_FORM_SECONDS = 120.0

# Every call that makes or fills a disk. A test names those it expects, in their order.
DATA_CALLS = (
    "CloneVM_Task",
    "CopyDatastoreFile_Task",
    "CopyVirtualDisk_Task",
    "ExportVm",
    "ExtendVirtualDisk_Task",
    "ImportVApp",
)


def upload(slipway: harness.Slipway, path: Path, **record: str) -> str:
    """Create an image as a user does, and wait until it can be booted without bytes."""
    image_id = store(slipway, path, record)
    wait_until_published(slipway, image_id)
    return image_id


def store(slipway: harness.Slipway, path: Path, record: Mapping[str, str]) -> str:
    """Create an image as a user does."""
    images = f"{slipway.url}/v2/images"
    body = {"name": path.name, "container_format": "bare", **record}
    created = requests.post(images, json=body, timeout=60)
    assert created.status_code == 201, created.text
    image_id: str = created.json()["id"]
    with path.open("rb") as data:
        headers = {"Content-Type": "application/octet-stream"}
        stored = requests.put(f"{images}/{image_id}/file", data=data, headers=headers, timeout=600)
    assert stored.status_code == 204, stored.text
    return image_id


def wait_until_published(slipway: harness.Slipway, image_id: str) -> None:
    """The boot form may follow the upload as a task."""
    deadline = time.monotonic() + BOOT_FORM_SECONDS
    while True:
        shown = requests.get(f"{slipway.service_url}/v2/images/{image_id}", timeout=60).json()
        if str(shown.get("direct_url", "")).startswith("vsphere://"):
            return
        assert time.monotonic() < deadline, f"services are shown no location: {shown}"
        time.sleep(0.1)


def wait_for_copies(slipway: harness.Slipway, image_id: str, count: int) -> None:
    """Copies follow the upload as tasks."""
    deadline = time.monotonic() + BOOT_FORM_SECONDS
    while True:
        answer = requests.get(f"{slipway.url}/slipway/v1/images/{image_id}/copies", timeout=60).json()
        if len(answer["copies"]) == count:
            return
        assert time.monotonic() < deadline, f"there are not {count} copies: {answer}"
        time.sleep(0.1)


@dataclass
class Traffic:
    """What moved while a peer was at work."""

    image_bytes: int = 0
    sent_bytes: int = 0
    calls: list[str] = field(default_factory=list)
    datastore_bytes: int = 0
    sources: list[str] = field(default_factory=list)  # of copied files


@contextmanager
def watched(
    vcenter: harness.VCenter, url: str, client: str | None = None
) -> Iterator[tuple[str, Traffic]]:
    """Put the counting proxy before `url`, which is told of `client`, and read the journal afterwards."""
    traffic = Traffic()
    vcenter.clear_journal()
    with CountingProxy(url, client) as proxy:
        yield proxy.url, traffic
        traffic.image_bytes = proxy.image_bytes_out
        traffic.sent_bytes = proxy.image_bytes_in
    entries = vcenter.journal()
    transfers = [entry for entry in entries if entry.kind in ("folder", "esx-folder", "nfc")]
    traffic.datastore_bytes = sum(entry.bytes_in + entry.bytes_out for entry in transfers)
    traffic.sources = [
        entry.arguments["sourceName"]
        for entry in entries
        if entry.kind == "soap" and entry.method == "CopyDatastoreFile_Task"
    ]
    traffic.calls = [
        entry.method
        for entry in entries
        if entry.kind == "soap" and entry.method in DATA_CALLS and entry.status == 200
    ]


def assert_guest_reads(vcenter: harness.VCenter, datastore_path: str, raw: Path, capacity: int) -> None:
    """The disk that stands at `[datastore] path` holds what `raw` holds, and has that capacity."""
    disk = disks.on_host(datastore_path, vcenter.folders)
    assert disks.same_guest_data(raw, disk, "vmdk"), f"{datastore_path} differs from {raw.name}"
    assert disks.virtual_size(disk, "vmdk") == capacity
