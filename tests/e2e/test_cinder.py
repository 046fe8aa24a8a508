"""Cinder's vmdk driver makes volumes from slipway's datastore, and images from volumes."""

from __future__ import annotations

from pathlib import Path

import disks
import harness
import pytest
import requests
from conftest import Disk
from vsphere_flows import assert_guest_reads, upload, watched

pytestmark = pytest.mark.vcenter

GIB = 1 << 30
FROM_IMAGE = ["CopyDatastoreFile_Task", "CopyVirtualDisk_Task", "CloneVM_Task", "ExtendVirtualDisk_Task"]


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cinder's database, shared so that it is migrated once."""
    return tmp_path_factory.mktemp("cinder")


@pytest.mark.parametrize("disk_format", ["vmdk", "raw"])
def test_a_volume_is_made_by_copies_alone(
    vcenter: harness.VCenter,
    vcenter_slipway: harness.Slipway,
    sparse_vmdk: Disk,
    raw_disk: Disk,
    state: Path,
    disk_format: str,
) -> None:
    if disk_format == "raw":
        image_id = upload(vcenter_slipway, raw_disk.path, disk_format="raw")
    else:
        image_id = upload(vcenter_slipway, sparse_vmdk.path, disk_format="vmdk", vmware_disktype="sparse")
    with watched(vcenter, vcenter_slipway.service_url) as (url, traffic):
        made = harness.cinder_create(vcenter, url, image_id, state)
    assert made["ok"], made["error"]
    assert made["volume"]["status"] == "available"
    assert traffic.image_bytes == 0
    assert traffic.datastore_bytes == 0
    assert traffic.calls == FROM_IMAGE
    [disk] = made["disks"]
    assert_guest_reads(vcenter, disk["file"], raw_disk.path, GIB)


def test_without_a_location_the_volume_host_downloads(
    vcenter: harness.VCenter,
    vcenter_slipway: harness.Slipway,
    sparse_vmdk: Disk,
    raw_disk: Disk,
    state: Path,
) -> None:
    """The control: users are shown no location, and the same counting sees every byte."""
    image_id = upload(vcenter_slipway, sparse_vmdk.path, disk_format="vmdk", vmware_disktype="sparse")
    with watched(vcenter, vcenter_slipway.url) as (url, traffic):
        made = harness.cinder_create(vcenter, url, image_id, state)
    assert made["ok"], made["error"]
    assert traffic.image_bytes == sparse_vmdk.size
    assert traffic.datastore_bytes >= sparse_vmdk.size
    assert_guest_reads(vcenter, made["disks"][0]["file"], raw_disk.path, GIB)


def test_a_volume_becomes_an_image_again(
    vcenter: harness.VCenter,
    vcenter_slipway: harness.Slipway,
    sparse_vmdk: Disk,
    raw_disk: Disk,
    state: Path,
    tmp_path: Path,
) -> None:
    image_id = upload(vcenter_slipway, sparse_vmdk.path, disk_format="vmdk", vmware_disktype="sparse")
    made = harness.cinder_create(vcenter, vcenter_slipway.service_url, image_id, state)
    assert made["ok"], made["error"]
    with watched(vcenter, vcenter_slipway.service_url) as (url, traffic):
        sent = harness.cinder_upload(vcenter, url, made["volume"]["id"], state)
    assert sent["ok"], sent["error"]
    assert sent["image"]["status"] == "active"

    image = f"{vcenter_slipway.url}/v2/images/{sent['image']['id']}"
    shown = requests.get(image, timeout=60).json()
    assert shown["vmware_disktype"] == "streamOptimized"
    assert shown["size"] == traffic.sent_bytes > 0
    saved = tmp_path / "saved.vmdk"
    saved.write_bytes(requests.get(f"{image}/file", timeout=600).content)
    assert disks.digest(saved) == shown["os_hash_value"]
    assert disks.same_guest_data(raw_disk.path, saved, "vmdk")
