"""python-openstackclient, from create to delete."""

from __future__ import annotations

import time
from pathlib import Path

import disks
import harness
import pytest
from cli import CommandFailed, OpenStack
from conftest import Disk

PROJECT = "5f1c7a0e9b2d4c33a0f6d1e2b3c4d5e6"


def create(openstack: OpenStack, disk: Disk, name: str, *options: str) -> str:
    record = openstack.json(
        "image", "create", "--file", disk.path, "--disk-format", "raw",
        "--container-format", "bare", *options, name,
    )  # fmt: skip
    return str(record["id"])


def test_a_created_image_is_active_listed_and_shown(openstack: OpenStack, raw_disk: Disk) -> None:
    image_id = create(openstack, raw_disk, "osc-create", "--property", "os_distro=otherGuest")
    shown = openstack.json("image", "show", image_id)
    assert shown["status"] == "active"
    assert shown["size"] == raw_disk.size
    assert shown["checksum"] == raw_disk.md5
    assert shown["properties"]["os_hash_value"] == raw_disk.sha512
    assert shown["properties"]["os_distro"] == "otherGuest"
    assert shown["disk_format"] == "raw"
    listed = openstack.json("image", "list")
    assert {"ID": image_id, "Name": "osc-create", "Status": "active"} in listed
    by_name = openstack.json("image", "list", "--name", "osc-create", "--long")
    assert [row["ID"] for row in by_name] == [image_id]


def test_an_image_is_imported(openstack: OpenStack, raw_disk: Disk) -> None:
    image_id = create(openstack, raw_disk, "osc-import", "--import")
    deadline = time.monotonic() + 120
    while (shown := openstack.json("image", "show", image_id))["status"] != "active":
        assert time.monotonic() < deadline, shown
    assert shown["checksum"] == raw_disk.md5


def test_saved_data_is_what_was_uploaded(openstack: OpenStack, raw_disk: Disk, tmp_path: Path) -> None:
    image_id = create(openstack, raw_disk, "osc-save")
    openstack("image", "save", "--file", tmp_path / "saved", image_id)
    assert disks.digest(tmp_path / "saved") == raw_disk.sha512


@pytest.mark.vcenter
def test_a_boot_form_that_replaces_the_record_is_saved(
    clients: Path, vcenter_slipway: harness.Slipway, raw_disk: Disk, tmp_path: Path
) -> None:
    openstack = OpenStack.at(clients / "openstack", vcenter_slipway.url, tmp_path)
    image_id = create(openstack, raw_disk, "osc-replace", "--property", "slipway_boot_form=replace")
    shown = openstack.json("image", "show", image_id)
    assert (shown["disk_format"], shown["container_format"]) == ("vmdk", "bare")
    assert shown["properties"]["vmware_disktype"] == "sparse"
    assert shown["virtual_size"] == raw_disk.size
    saved = tmp_path / "saved.vmdk"
    openstack("image", "save", "--file", saved, image_id)
    assert saved.stat().st_size == shown["size"]
    assert disks.digest(saved) == shown["properties"]["os_hash_value"]
    assert disks.same_guest_data(raw_disk.path, saved, "vmdk")


def test_names_properties_and_tags_are_set_and_unset(openstack: OpenStack, raw_disk: Disk) -> None:
    image_id = create(openstack, raw_disk, "osc-set")
    openstack(
        "image", "set", "--name", "osc-renamed", "--property", "hw_vif_model=vmxnet3",
        "--property", "scratch=1", "--tag", "blue", "--tag", "käse", "--min-disk", "2", image_id,
    )  # fmt: skip
    shown = openstack.json("image", "show", image_id)
    assert shown["name"] == "osc-renamed"
    assert shown["min_disk"] == 2
    assert shown["properties"]["hw_vif_model"] == "vmxnet3"
    assert sorted(shown["tags"]) == ["blue", "käse"]
    openstack("image", "unset", "--property", "scratch", "--tag", "blue", image_id)
    shown = openstack.json("image", "show", image_id)
    assert "scratch" not in shown["properties"]
    assert shown["tags"] == ["käse"]


def test_a_deactivated_image_comes_back(openstack: OpenStack, raw_disk: Disk, tmp_path: Path) -> None:
    image_id = create(openstack, raw_disk, "osc-deactivate")
    openstack("image", "set", "--deactivate", image_id)
    assert openstack.json("image", "show", image_id)["status"] == "deactivated"
    openstack("image", "set", "--activate", image_id)
    assert openstack.json("image", "show", image_id)["status"] == "active"
    openstack("image", "save", "--file", tmp_path / "again", image_id)
    assert disks.digest(tmp_path / "again") == raw_disk.sha512


def test_a_protected_image_is_deleted_only_after_it_is_unprotected(
    openstack: OpenStack, raw_disk: Disk
) -> None:
    image_id = create(openstack, raw_disk, "osc-delete", "--protected")
    with pytest.raises(CommandFailed, match="Forbidden"):
        openstack("image", "delete", image_id)
    openstack("image", "set", "--unprotected", image_id)
    openstack("image", "delete", image_id)
    assert image_id not in [row["ID"] for row in openstack.json("image", "list")]
    with pytest.raises(CommandFailed, match=r"No Image found|Could not find"):
        openstack("image", "show", image_id)


def test_an_image_is_shared_with_a_project(openstack_in_cloud: OpenStack, raw_disk: Disk) -> None:
    openstack = openstack_in_cloud
    image_id = create(openstack, raw_disk, "osc-share", "--shared")
    member = {"Image ID": image_id, "Member ID": PROJECT}

    added = openstack.json("image", "add", "project", image_id, PROJECT)
    assert (added["image_id"], added["member_id"], added["status"]) == (image_id, PROJECT, "pending")
    assert openstack.json("image", "member", "list", image_id) == [{**member, "Status": "pending"}]

    openstack("image", "set", "--accept", "--project", PROJECT, image_id)
    assert openstack.json("image", "member", "list", image_id) == [{**member, "Status": "accepted"}]

    openstack("image", "remove", "project", image_id, PROJECT)
    assert openstack.json("image", "member", "list", image_id) == []
