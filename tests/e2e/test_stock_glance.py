"""A stock Glance keeps its images in slipway, and Nova boots them without one image byte over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import disks
import harness
import pytest
import requests
from cli import CommandFailed, Glance
from conftest import Disk
from stock_glance import StockGlance
from vsphere_flows import assert_guest_reads, watched

pytestmark = pytest.mark.vcenter

GIB = 1 << 30
STORES = ("fast", "bulk")
COPY_SECONDS = 120.0


@pytest.fixture(scope="module")
def slipway(vcenter: harness.VCenter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.Slipway]:
    """Two stores, on two datastores of one vCenter."""
    datastores = dict(zip(STORES, (vcenter.datastore, "nfs1"), strict=True))
    backends = [harness.vcenter_backend(vcenter, name, store) for name, store in datastores.items()]
    server = harness.Slipway(tmp_path_factory.mktemp("slipway-glance"), *backends)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def server(slipway: harness.Slipway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StockGlance]:
    backends = {name: {"slipway_url": slipway.service_url, "slipway_store": name} for name in STORES}
    glance = StockGlance(tmp_path_factory.mktemp("stock-glance"), backends)
    yield glance
    glance.stop()


@pytest.fixture
def glance(clients: Path, server: StockGlance, tmp_path: Path) -> Glance:
    return Glance.at(clients / "glance", server.url, tmp_path)


def create(glance: Glance, disk: Disk, *options: str, disk_format: str = "raw") -> str:
    record = glance.record(
        "image-create", "--name", "stock", "--file", disk.path, "--disk-format", disk_format,
        "--container-format", "bare", *options,
    )  # fmt: skip
    return record["id"]


def shown(server: StockGlance, image_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = requests.get(f"{server.url}/v2/images/{image_id}", timeout=60).json()
    return answer


def stored(slipway: harness.Slipway, image_id: str) -> set[str]:
    """The stores in which slipway has the object."""
    objects = {name: f"{slipway.service_url}/slipway/v1/stores/{name}/objects/{image_id}" for name in STORES}
    return {name for name, url in objects.items() if requests.head(url, timeout=60).status_code == 200}


@pytest.mark.parametrize("store", STORES)
def test_an_image_goes_into_the_store_that_was_named(
    glance: Glance, server: StockGlance, slipway: harness.Slipway, raw_disk: Disk, store: str
) -> None:
    image_id = create(glance, raw_disk, "--store", store)
    record = shown(server, image_id)
    assert record["status"] == "active"
    assert record["stores"] == store
    assert (record["size"], record["checksum"]) == (raw_disk.size, raw_disk.md5)
    assert record["os_hash_value"] == raw_disk.sha512
    assert record["direct_url"].startswith("vsphere://")
    assert stored(slipway, image_id) == {store}


def test_without_a_name_the_default_store_is_taken(
    glance: Glance, server: StockGlance, raw_disk: Disk
) -> None:
    assert shown(server, create(glance, raw_disk))["stores"] == STORES[0]


@pytest.mark.parametrize("disk_format", ["raw", "vmdk"])
def test_downloaded_data_is_what_was_uploaded(
    glance: Glance, raw_disk: Disk, sparse_vmdk: Disk, tmp_path: Path, disk_format: str
) -> None:
    disk = raw_disk if disk_format == "raw" else sparse_vmdk
    image_id = create(glance, disk, disk_format=disk_format)
    glance("image-download", "--file", tmp_path / "saved", image_id)
    assert disks.digest(tmp_path / "saved") == disk.sha512


@pytest.mark.parametrize("part", ["0-0", "1048570-3145733", "41943039-41943039"])
def test_a_part_is_downloaded(glance: Glance, server: StockGlance, raw_disk: Disk, part: str) -> None:
    """By plain HTTP: the client does not ask for ranges."""
    image_id = create(glance, raw_disk)
    url = f"{server.url}/v2/images/{image_id}/file"
    answer = requests.get(url, headers={"Range": f"bytes={part}"}, timeout=60)
    first, last = map(int, part.split("-"))
    assert answer.status_code == 206
    with raw_disk.path.open("rb") as file:
        file.seek(first)
        assert answer.content == file.read(last - first + 1)


def test_an_image_is_copied_to_the_other_store(
    glance: Glance, server: StockGlance, slipway: harness.Slipway, raw_disk: Disk, tmp_path: Path
) -> None:
    image_id = create(glance, raw_disk)
    glance("image-import", image_id, "--import-method", "copy-image", "--stores", "bulk")
    deadline = time.monotonic() + COPY_SECONDS
    while set(shown(server, image_id)["stores"].split(",")) != set(STORES):
        assert time.monotonic() < deadline, shown(server, image_id)
        time.sleep(0.2)
    assert stored(slipway, image_id) == set(STORES)

    glance("stores-delete", image_id, "--store", "fast")
    assert stored(slipway, image_id) == {"bulk"}
    glance("image-download", "--file", tmp_path / "saved", image_id)
    assert disks.digest(tmp_path / "saved") == raw_disk.sha512


def test_a_deleted_image_leaves_nothing_in_slipway(
    glance: Glance, slipway: harness.Slipway, raw_disk: Disk
) -> None:
    image_id = create(glance, raw_disk)
    glance("image-delete", image_id)
    assert stored(slipway, image_id) == set()
    with pytest.raises(CommandFailed, match=r"(?i)no image found|404"):
        glance("image-show", image_id)


def test_both_stores_are_listed(glance: Glance) -> None:
    assert all(name in glance("stores-info") for name in STORES)


@pytest.mark.parametrize("store", STORES)
def test_nova_boots_its_image_by_copies_alone(
    glance: Glance,
    server: StockGlance,
    vcenter: harness.VCenter,
    sparse_vmdk: Disk,
    raw_disk: Disk,
    store: str,
) -> None:
    options = ("--store", store, "--property", "vmware_disktype=sparse")
    image_id = create(glance, sparse_vmdk, *options, disk_format="vmdk")
    with watched(vcenter, server.url) as (url, traffic):
        boot = harness.nova_boot(vcenter, url, image_id)
    assert boot["ok"], boot["error"]
    assert boot["vm"]["running"]
    assert traffic.image_bytes == 0
    assert traffic.datastore_bytes == 0
    assert traffic.calls == [
        "CopyDatastoreFile_Task", "CopyVirtualDisk_Task", "CopyVirtualDisk_Task", "ExtendVirtualDisk_Task",
    ]  # fmt: skip
    assert_guest_reads(vcenter, boot["disks"][0]["parent"], raw_disk.path, GIB)
