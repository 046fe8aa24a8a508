"""python-glanceclient's command, from image-create to image-delete."""

from __future__ import annotations

import time
from pathlib import Path

import disks
import harness
import pytest
from cli import CommandFailed, Glance
from conftest import Disk

PROJECT = "5f1c7a0e9b2d4c33a0f6d1e2b3c4d5e6"


def create(glance: Glance, disk: Disk, name: str, *options: str) -> dict[str, str]:
    return glance.record(
        "image-create", "--name", name, "--file", disk.path, "--disk-format", "raw",
        "--container-format", "bare", *options,
    )  # fmt: skip


def test_a_created_image_is_active_listed_and_shown(glance: Glance, raw_disk: Disk) -> None:
    image_id = create(glance, raw_disk, "gc-create", "--property", "os_distro=otherGuest")["id"]
    shown = glance.record("image-show", image_id)
    assert shown["status"] == "active"
    assert shown["size"] == str(raw_disk.size)
    assert shown["checksum"] == raw_disk.md5
    assert shown["os_hash_value"] == raw_disk.sha512
    assert shown["os_distro"] == "otherGuest"
    assert [image_id, "gc-create"] in glance.rows("image-list")


def test_an_image_is_imported(glance: Glance, raw_disk: Disk) -> None:
    image_id = glance.record(
        "image-create-via-import", "--name", "gc-import", "--disk-format", "raw", "--container-format", "bare",
        "--import-method", "glance-direct", data=raw_disk.path,
    )["id"]  # fmt: skip
    shown = eventually_active(glance, image_id)
    assert shown["checksum"] == raw_disk.md5
    assert shown["os_hash_value"] == raw_disk.sha512
    assert "glance-direct" in "".join(glance.record("import-info").values())


def eventually_active(glance: Glance, image_id: str) -> dict[str, str]:
    deadline = time.monotonic() + 120
    while (shown := glance.record("image-show", image_id))["status"] != "active":
        assert time.monotonic() < deadline, shown
    return shown


def test_downloaded_data_is_what_was_uploaded(glance: Glance, raw_disk: Disk, tmp_path: Path) -> None:
    image_id = create(glance, raw_disk, "gc-download")["id"]
    glance("image-download", "--file", tmp_path / "saved", image_id)
    assert disks.digest(tmp_path / "saved") == raw_disk.sha512


def test_attributes_and_properties_are_updated(glance: Glance, raw_disk: Disk) -> None:
    image_id = create(glance, raw_disk, "gc-update", "--property", "scratch=1")["id"]
    glance(
        "image-update", "--name", "gc-updated", "--property", "hw_vif_model=vmxnet3",
        "--remove-property", "scratch", "--min-ram", "64", image_id,
    )  # fmt: skip
    shown = glance.record("image-show", image_id)
    assert shown["name"] == "gc-updated"
    assert shown["min_ram"] == "64"
    assert shown["hw_vif_model"] == "vmxnet3"
    assert "scratch" not in shown


def test_tags_come_and_go(glance: Glance, raw_disk: Disk) -> None:
    image_id = create(glance, raw_disk, "gc-tag")["id"]
    glance("image-tag-update", image_id, "blue")
    assert "blue" in glance.record("image-show", image_id)["tags"]
    glance("image-tag-delete", image_id, "blue")
    assert "blue" not in glance.record("image-show", image_id)["tags"]


def test_an_image_is_shared_with_a_project(glance: Glance, raw_disk: Disk) -> None:
    image_id = create(glance, raw_disk, "gc-share", "--visibility", "shared")["id"]
    glance("member-create", image_id, PROJECT)
    assert glance.rows("member-list", "--image-id", image_id) == [[image_id, PROJECT, "pending"]]
    glance("member-update", image_id, PROJECT, "accepted")
    assert glance.rows("member-list", "--image-id", image_id) == [[image_id, PROJECT, "accepted"]]
    glance("member-delete", image_id, PROJECT)
    assert glance.rows("member-list", "--image-id", image_id) == []


def test_the_store_is_shown(glance: Glance, slipway: harness.Slipway) -> None:
    assert slipway.store in glance("stores-info")


def test_a_deleted_image_is_gone(glance: Glance, raw_disk: Disk) -> None:
    image_id = create(glance, raw_disk, "gc-delete")["id"]
    glance("image-delete", image_id)
    with pytest.raises(CommandFailed, match=r"(?i)no image found|404"):
        glance("image-show", image_id)
