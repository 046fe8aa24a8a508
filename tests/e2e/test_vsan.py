"""Images on a vSAN datastore, where a disk is an object: Nova and Cinder take them by copies alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import disks
import harness
import pytest
import requests
from conftest import Disk
from vsphere_flows import assert_guest_reads, store, upload, watched

pytestmark = pytest.mark.vcenter

GIB = 1 << 30
TASK_SECONDS = 120.0
VSAN = "vsan1"
COLD = ["CopyDatastoreFile_Task", "CopyVirtualDisk_Task", "CopyVirtualDisk_Task", "ExtendVirtualDisk_Task"]
FROM_IMAGE = ["CopyDatastoreFile_Task", "CopyVirtualDisk_Task", "CloneVM_Task", "ExtendVirtualDisk_Task"]


@pytest.fixture(scope="module")
def slipway(vcenter: harness.VCenter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.Slipway]:
    """One that keeps its images on vSAN; compute services have another datastore."""
    backend = harness.vcenter_backend(vcenter, datastore=VSAN)
    server = harness.Slipway(tmp_path_factory.mktemp("slipway-vsan"), backend)
    yield server
    server.stop()


@pytest.fixture(scope="module", params=["raw", "qcow2"])
def image_id(
    request: pytest.FixtureRequest,
    slipway: harness.Slipway,
    raw_disk: Disk,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """An image whose disk has been imported, too."""
    path = raw_disk.path
    if request.param == "qcow2":
        path = disks.convert(path, tmp_path_factory.mktemp("disks") / "disk.qcow2", "qcow2")
    uploaded = upload(slipway, path, disk_format=request.param)
    task = finished(slipway, only_task(slipway, uploaded)["id"])
    assert (task["kind"], task["account"]["path"]) == ("boot_form", "nfc")
    return uploaded


def only_task(slipway: harness.Slipway, image_id: str) -> dict[str, Any]:
    listed = requests.get(f"{slipway.service_url}/slipway/v1/tasks", timeout=60).json()["tasks"]
    [task] = [task for task in listed if task["image_id"] == image_id]
    return dict(task)


def finished(slipway: harness.Slipway, task_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + TASK_SECONDS
    while True:
        task: dict[str, Any] = requests.get(
            f"{slipway.service_url}/slipway/v1/tasks/{task_id}", timeout=60
        ).json()
        if task["status"] not in ("pending", "running"):
            assert task["status"] == "success", task
            return task
        assert time.monotonic() < deadline, task
        time.sleep(0.05)


def seed(slipway: harness.Slipway, image_id: str, datastore: str, prefix: str) -> None:
    body = {"datacenter": "DC0", "datastore": datastore, "cache_prefix": prefix, "sizes_gb": [1]}
    url = f"{slipway.service_url}/slipway/v1/images/{image_id}/seeds"
    started = requests.post(url, json=body, timeout=60)
    assert started.status_code == 202, started.text
    account = finished(slipway, started.json()["id"])["account"]
    assert (account["bytes_through"], account["path"]) == (0, "copy_disk")


def test_services_are_shown_a_file_that_they_can_copy(slipway: harness.Slipway, image_id: str) -> None:
    shown = requests.get(f"{slipway.service_url}/v2/images/{image_id}", timeout=60).json()
    assert (shown["disk_format"], shown["vmware_disktype"]) == ("vmdk", "sparse")
    [location] = shown["locations"]
    assert f"dsName={VSAN}" in location["url"]
    data = requests.get(f"{slipway.service_url}/v2/images/{image_id}/file", timeout=600).content
    assert len(data) == shown["size"]
    copies = requests.get(f"{slipway.service_url}/slipway/v1/images/{image_id}/copies", timeout=60).json()
    assert copies["boot_form_reason"] is None


def test_nova_boots_it_cold(
    vcenter: harness.VCenter, slipway: harness.Slipway, image_id: str, raw_disk: Disk
) -> None:
    with watched(vcenter, slipway.service_url) as (url, traffic):
        boot = harness.nova_boot(vcenter, url, image_id)
    assert boot["ok"], boot["error"]
    assert (traffic.image_bytes, traffic.datastore_bytes, traffic.calls) == (0, 0, COLD)
    assert_guest_reads(vcenter, boot["disks"][0]["parent"], raw_disk.path, GIB)


def test_nova_boots_it_seeded(
    vcenter: harness.VCenter, slipway: harness.Slipway, image_id: str, raw_disk: Disk
) -> None:
    seed(slipway, image_id, vcenter.compute_datastore, "warm")
    with watched(vcenter, slipway.service_url) as (url, traffic):
        boot = harness.nova_boot(vcenter, url, image_id, "--cache-prefix=warm")
    assert boot["ok"], boot["error"]
    assert (traffic.image_bytes, traffic.datastore_bytes, traffic.calls) == (0, 0, [])
    assert_guest_reads(vcenter, boot["disks"][0]["parent"], raw_disk.path, GIB)


def test_cinder_makes_a_volume_of_it_and_leaves_the_disk_alone(
    vcenter: harness.VCenter, slipway: harness.Slipway, image_id: str, raw_disk: Disk, tmp_path: Path
) -> None:
    with watched(vcenter, slipway.service_url) as (url, traffic):
        made = harness.cinder_create(vcenter, url, image_id, tmp_path)
    assert made["ok"], made["error"]
    assert (traffic.image_bytes, traffic.datastore_bytes, traffic.calls) == (0, 0, FROM_IMAGE)
    [disk] = made["disks"]
    assert_guest_reads(vcenter, disk["file"], raw_disk.path, GIB)
    # Cinder deletes what it has copied, as a disk: that must not be ours.
    seed(slipway, image_id, vcenter.compute_datastore, "after-cinder")


def test_nova_boots_a_stream_on_vsan_alone(
    vcenter: harness.VCenter, slipway: harness.Slipway, raw_disk: Disk, tmp_path: Path
) -> None:
    """There Nova takes stream-optimised images only; from its cache it takes them without a byte."""
    stream = disks.make_vmdk(raw_disk.path, tmp_path / "stream.vmdk", "streamOptimized")
    record = {"disk_format": "vmdk", "vmware_disktype": "streamOptimized", "slipway_boot_form": "off"}
    image_id = store(slipway, stream, record)
    finished(slipway, only_task(slipway, image_id)["id"])
    seed(slipway, image_id, VSAN, "stream")
    with watched(vcenter, slipway.service_url) as (url, traffic):
        boot = harness.nova_boot(
            vcenter, url, image_id, f"--datastore-regex=^{VSAN}$", "--cache-prefix=stream"
        )
    assert boot["ok"], boot["error"]
    assert (traffic.image_bytes, traffic.datastore_bytes, traffic.calls) == (0, 0, [])
    assert boot["disks"][0]["parent"] == f"[{VSAN}] stream_base/{image_id}/{image_id}.1.vmdk"


def test_caches_on_vsan_are_seeded(vcenter: harness.VCenter, slipway: harness.Slipway, image_id: str) -> None:
    seed(slipway, image_id, VSAN, "objects")
    cached = {path.name for path in (vcenter.folders[VSAN] / "objects_base" / image_id).iterdir()}
    assert cached == {f"{image_id}.vmdk", f"{image_id}.1.vmdk"}
