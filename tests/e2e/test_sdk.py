"""openstacksdk: the image service as programs use it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from pathlib import Path

import disks
import harness
import openstack
import pytest
from conftest import Disk
from openstack.exceptions import NotFoundException
from openstack.image.v2._proxy import Proxy
from openstack.image.v2.image import Image

PROJECT = "5f1c7a0e9b2d4c33a0f6d1e2b3c4d5e6"


@pytest.fixture
def images(slipway: harness.Slipway) -> Iterator[Proxy]:
    """The SDK's image service, version 2."""
    with openstack.connect(
        load_envvars=False,
        load_yaml_config=False,
        auth_type="none",
        auth={"endpoint": slipway.url},
        image_endpoint_override=slipway.url,
    ) as connection:
        assert isinstance(connection.image, Proxy)
        yield connection.image


@pytest.fixture
def image(images: Proxy, raw_disk: Disk) -> Image:
    created: Image = images.create_image(
        f"sdk-{uuid.uuid4()}",
        filename=str(raw_disk.path),
        disk_format="raw",
        container_format="bare",
        wait=True,
        os_distro="otherGuest",
        site_note="rack 4",
    )
    return created


def test_an_image_created_from_a_file_is_found(images: Proxy, image: Image, raw_disk: Disk) -> None:
    found = images.find_image(image.name, ignore_missing=False)
    assert found.id == image.id
    assert (found.status, found.size, found.checksum) == ("active", raw_disk.size, raw_disk.md5)
    assert found.hash_value == raw_disk.sha512
    assert (found.os_distro, found.properties["site_note"]) == ("otherGuest", "rack 4")
    assert image.id in [each.id for each in images.images()]


def test_data_of_unknown_length_is_taken_in_chunks(images: Proxy, raw_disk: Disk) -> None:
    record = images.create_image(
        f"sdk-{uuid.uuid4()}", disk_format="raw", container_format="bare", allow_duplicates=True
    )
    with raw_disk.path.open("rb") as file:
        record.data = iter(lambda: file.read(100_001), b"")
        answer = record.upload(images)
    assert answer.status_code == 204
    assert images.get_image(record.id).hash_value == raw_disk.sha512


def test_attributes_properties_and_tags_change(images: Proxy, image: Image) -> None:
    images.update_image(image, name="sdk-renamed", min_disk=3, hw_vif_model="vmxnet3")
    images.add_tag(image, "blue")
    changed = images.get_image(image.id)
    assert (changed.name, changed.min_disk, changed.tags) == ("sdk-renamed", 3, ["blue"])
    assert changed.hw_vif_model == "vmxnet3"
    images.remove_tag(image, "blue")
    assert images.get_image(image.id).tags == []


def test_members_are_added_accepted_and_removed(images: Proxy, image: Image) -> None:
    images.add_member(image, member_id=PROJECT)
    images.update_member(PROJECT, image, status="accepted")
    members = list(images.members(image))
    assert [(member.member_id, member.status) for member in members] == [(PROJECT, "accepted")]
    images.remove_member(PROJECT, image)
    assert list(images.members(image)) == []


def test_a_download_is_streamed_whole(images: Proxy, image: Image, raw_disk: Disk, tmp_path: Path) -> None:
    images.download_image(image, output=str(tmp_path / "saved"))
    assert disks.digest(tmp_path / "saved") == raw_disk.sha512
    answer = images.download_image(image, stream=True)
    digest = hashlib.sha512()
    for block in answer.iter_content(1 << 20):
        digest.update(block)
    assert digest.hexdigest() == raw_disk.sha512


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-511", 0, 511),
        ("bytes=1048575-2097152", 1048575, 2097152),
        ("bytes=41943039-", 41943039, 41943039),
        ("bytes=-1000", 41942040, 41943039),
    ],
)
def test_a_range_is_that_part_of_the_upload(
    images: Proxy, image: Image, raw_disk: Disk, asked: str, first: int, last: int
) -> None:
    """No method of the SDK asks for a range; its session sends the header that it is given."""
    answer = images.get(f"/images/{image.id}/file", headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{raw_disk.size}"
    with raw_disk.path.open("rb") as file:
        file.seek(first)
        assert answer.content == file.read(last - first + 1)


def test_a_download_goes_on_where_it_broke_off(
    images: Proxy, image: Image, raw_disk: Disk, tmp_path: Path
) -> None:
    saved = tmp_path / "saved"
    with raw_disk.path.open("rb") as file:
        saved.write_bytes(file.read(10_000_001))
    rest = images.get(f"/images/{image.id}/file", headers={"Range": "bytes=10000001-"}, stream=True)
    assert rest.status_code == 206
    with saved.open("ab") as file:
        for block in rest.iter_content(1 << 20):
            file.write(block)
    assert disks.digest(saved) == raw_disk.sha512


def test_a_deleted_image_is_gone(images: Proxy, image: Image) -> None:
    images.delete_image(image, ignore_missing=False)
    with pytest.raises(NotFoundException):
        images.get_image(image.id)
    assert images.get(f"/images/{image.id}/file").status_code == 404
