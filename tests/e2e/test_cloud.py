"""The clients as the users of a cloud call them: they log in at Keystone and find slipway in its catalogue."""

from __future__ import annotations

from pathlib import Path

import disks
import pytest
import requests
from cli import CommandFailed
from cloud import Cloud
from conftest import Disk

FLOWS = [
    "create and show", "upload and download", "list in pages", "update and tags", "members",
    "stage and import", "tasks", "errors", "delete",
]  # fmt: skip


@pytest.fixture(scope="module")
def gophercloud(cloud: Cloud) -> dict[str, str]:
    return cloud.gophercloud()


def test_openstack_shares_an_image_between_projects(cloud: Cloud, raw_disk: Disk) -> None:
    demo, alt = cloud.openstack("demo"), cloud.openstack("alt")
    record = demo.json(
        "image", "create", "--file", raw_disk.path, "--disk-format", "raw",
        "--container-format", "bare", "--shared", "cloud-shared",
    )  # fmt: skip
    image = record["id"]
    assert record["owner"] == cloud.projects["demo"]
    with pytest.raises(CommandFailed, match="No Image found|Could not find"):
        alt("image", "show", image)
    demo("image", "add", "project", image, cloud.projects["alt"])
    alt("image", "set", "--accept", image)
    assert [row["ID"] for row in alt.json("image", "list", "--shared")] == [image]
    with pytest.raises(CommandFailed, match="403|Forbidden"):
        alt("image", "delete", image)


def test_openstack_refuses_a_reader_what_changes(cloud: Cloud) -> None:
    reader = cloud.openstack("demo_reader")
    assert isinstance(reader.json("image", "list"), list)
    with pytest.raises(CommandFailed, match="403|Forbidden"):
        reader("image", "create", "--disk-format", "raw", "--container-format", "bare", "cloud-reader")


def test_glance_imports_by_staging(cloud: Cloud, raw_disk: Disk, tmp_path: Path) -> None:
    demo = cloud.glance("demo")
    with cloud.connect("demo") as connection:
        images = connection.image
        # Without a terminal `glance image-create` would upload what its standard input holds.
        image = images.create_image("cloud-import", disk_format="raw", container_format="bare").id
        demo("image-stage", "--file", raw_disk.path, image)
        demo("image-import", "--import-method", "glance-direct", image)
        images.wait_for_status(images.get_image(image), "active", ["killed"], 1, 300)
    demo("image-download", "--file", tmp_path / "saved", image)
    assert disks.digest(tmp_path / "saved") == raw_disk.sha512
    assert "glance-direct" in demo.record("import-info")["import-methods"]


def test_the_sdk_imports_from_the_web(cloud: Cloud) -> None:
    with cloud.connect("demo") as connection:
        images = connection.image
        record = images.create_image("sdk-web", disk_format="qcow2", container_format="bare")
        images.import_image(record, method="web-download", uri=f"{cloud.web}/disk.qcow2")
        active = images.wait_for_status(record, "active", ["killed"], 1, 300)
        served = requests.get(f"{cloud.web}/disk.qcow2", timeout=60).content
        assert active.size == len(served)
        assert images.download_image(active).content == served
        images.delete_image(active)


def test_the_sdk_sees_stores_and_usage(cloud: Cloud) -> None:
    with cloud.connect("demo") as connection:
        assert [store.id for store in connection.image.stores()] == ["cheap", "fast", "web"]
        usage = connection.image.get("/info/usage").json()["usage"]
        assert {"image_size_total", "image_count_total"} <= set(usage)


@pytest.mark.parametrize("flow", FLOWS)
def test_gophercloud(gophercloud: dict[str, str], flow: str) -> None:
    assert gophercloud[flow] == ""


def test_gophercloud_has_no_other_flow(gophercloud: dict[str, str]) -> None:
    assert list(gophercloud) == FLOWS


def test_horizon_pages_both_ways_and_changes_images(cloud: Cloud) -> None:
    answer = cloud.horizon("demo")
    assert answer["error"] is None
    names = [f"horizon-{number}" for number in range(5)]
    # Each page, whether there is one behind it, and whether there is one before it.
    assert answer["pages"] == [
        [names[0:2], True, False],
        [names[2:4], True, True],
        [names[4:5], False, True],
    ]
    assert answer["back"] == [names[0:2], True, False]
    assert (answer["updated"], answer["size"], answer["left"]) == ("horizon-renamed", 4096, 0)
    assert answer["properties"]["hw_disk_bus"] == "scsi"
    assert {"raw", "qcow2", "vmdk", "iso"} <= set(answer["formats"])
    assert "OS::Glance::Image" in answer["resource_types"]
