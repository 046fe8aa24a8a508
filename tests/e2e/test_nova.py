"""Nova's VMwareVCDriver boots from slipway's datastore without one image byte over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import harness
import pytest
import requests
from conftest import Disk
from vsphere_flows import assert_guest_reads, upload, wait_for_copies, watched

pytestmark = pytest.mark.vcenter

GIB = 1 << 30
COLD = ["CopyDatastoreFile_Task", "CopyVirtualDisk_Task"]  # into the cache, converted
RESIZED = ["CopyVirtualDisk_Task", "ExtendVirtualDisk_Task"]


@pytest.fixture(scope="module")
def sites_slipway(
    vcenter: harness.VCenter, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[harness.Slipway]:
    """Every image lies on a datastore of each of two sites."""
    backend = harness.vcenter_backend(vcenter)
    backend.options.update(vmware_datastores=["DC0:images:10", "DC0:work"], copies=2)
    sections: dict[str, dict[str, object]] = {
        "site:east": {"networks": "198.51.100.0/24", "datastores": "DC0:images"},
        "site:west": {"networks": "203.0.113.0/24", "datastores": "DC0:work"},
        "oslo_middleware": {"enable_proxy_headers_parsing": "true"},
    }
    server = harness.Slipway(tmp_path_factory.mktemp("sites"), backend, sections=sections)
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("options", "calls"),
    [
        pytest.param(["--root-gb=1"], COLD + RESIZED, id="linked-1gb"),
        pytest.param(["--root-gb=0"], COLD, id="linked-as-image"),
        pytest.param(["--root-gb=1", "--full-clone"], COLD + RESIZED, id="full-1gb"),
        pytest.param(["--root-gb=0", "--full-clone"], COLD + RESIZED[:1], id="full-as-image"),
    ],
)
def test_a_sparse_vmdk_boots_by_copies_alone(
    vcenter: harness.VCenter,
    vcenter_slipway: harness.Slipway,
    sparse_vmdk: Disk,
    raw_disk: Disk,
    options: list[str],
    calls: list[str],
) -> None:
    image_id = upload(vcenter_slipway, sparse_vmdk.path, disk_format="vmdk", vmware_disktype="sparse")
    boot_without_bytes(vcenter, vcenter_slipway, image_id, raw_disk, options, calls)


def test_a_raw_image_boots_through_the_service_face(
    vcenter: harness.VCenter, vcenter_slipway: harness.Slipway, raw_disk: Disk
) -> None:
    image_id = upload(vcenter_slipway, raw_disk.path, disk_format="raw")

    def shown(url: str, **headers: str) -> dict[str, Any]:
        record: dict[str, Any] = requests.get(f"{url}/v2/images/{image_id}", headers=headers, timeout=60).json()
        return record

    for_users = shown(vcenter_slipway.url)
    for_services = shown(vcenter_slipway.service_url)
    assert shown(vcenter_slipway.url, **{"X-Service-Token": "any"}) == for_services
    assert (for_users["disk_format"], for_users["size"]) == ("raw", raw_disk.size)
    assert for_users["os_hash_value"] == raw_disk.sha512
    assert "direct_url" not in for_users
    assert (for_services["disk_format"], for_services["vmware_disktype"]) == ("vmdk", "sparse")
    boot_without_bytes(vcenter, vcenter_slipway, image_id, raw_disk, [], COLD + RESIZED)


def test_a_second_boot_uses_the_cache(
    vcenter: harness.VCenter, vcenter_slipway: harness.Slipway, sparse_vmdk: Disk, raw_disk: Disk
) -> None:
    image_id = upload(vcenter_slipway, sparse_vmdk.path, disk_format="vmdk", vmware_disktype="sparse")
    boot_without_bytes(vcenter, vcenter_slipway, image_id, raw_disk, [], COLD + RESIZED)
    boot_without_bytes(vcenter, vcenter_slipway, image_id, raw_disk, [], [])


@pytest.mark.parametrize(("client", "datastore"), [("198.51.100.7", "images"), ("203.0.113.7", "work")])
def test_a_boot_copies_from_the_nearest_datastore(
    vcenter: harness.VCenter, sites_slipway: harness.Slipway, sparse_vmdk: Disk, client: str, datastore: str
) -> None:
    image_id = upload(sites_slipway, sparse_vmdk.path, disk_format="vmdk", vmware_disktype="sparse")
    wait_for_copies(sites_slipway, image_id, 2)
    with watched(vcenter, sites_slipway.service_url, client) as (url, traffic):
        boot = harness.nova_boot(vcenter, url, image_id)
    assert boot["ok"], boot["error"]
    assert traffic.image_bytes == 0
    [source] = traffic.sources
    assert source.startswith(f"[{datastore}] ")


def test_without_a_location_the_compute_host_downloads(
    vcenter: harness.VCenter, vcenter_slipway: harness.Slipway, sparse_vmdk: Disk, raw_disk: Disk
) -> None:
    """The control: users are shown no location, and the same counting sees every byte."""
    image_id = upload(vcenter_slipway, sparse_vmdk.path, disk_format="vmdk", vmware_disktype="sparse")
    with watched(vcenter, vcenter_slipway.url) as (url, traffic):
        boot = harness.nova_boot(vcenter, url, image_id)
    assert boot["ok"], boot["error"]
    assert traffic.image_bytes == sparse_vmdk.size
    assert traffic.datastore_bytes >= sparse_vmdk.size
    assert "CopyDatastoreFile_Task" not in traffic.calls
    assert_guest_reads(vcenter, boot["disks"][0]["parent"], raw_disk.path, GIB)


def boot_without_bytes(
    vcenter: harness.VCenter,
    slipway: harness.Slipway,
    image_id: str,
    guest: Disk,
    options: list[str],
    calls: list[str],
) -> None:
    """Boot through the service listener; only `calls` moved data, and the VM has `guest` as its disk."""
    with watched(vcenter, slipway.service_url) as (url, traffic):
        boot = harness.nova_boot(vcenter, url, image_id, *options)
    assert boot["ok"], boot["error"]
    assert boot["vm"]["running"]
    assert traffic.image_bytes == 0
    assert traffic.datastore_bytes == 0
    assert traffic.calls == calls
    [disk] = boot["disks"]
    assert (disk["parent"] is None) == ("--full-clone" in options)
    capacity = guest.size if "--root-gb=0" in options else GIB
    assert_guest_reads(vcenter, disk["parent"] or disk["file"], guest.path, capacity)
