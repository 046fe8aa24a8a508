"""What services are shown of images that no host can boot as they came."""

from __future__ import annotations

import subprocess
from pathlib import Path

import disks
import pytest
from client import Api, octets
from servers import Slipway, VCenter

FORMATS = {"qcow2": "qcow2", "vhd": "vpc", "vhdx": "vhdx", "vdi": "vdi"}


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("disks") / "disk.raw"
    # Two used parts with a hole between them.
    file.write_bytes(octets(1 << 20) + bytes(6 << 20) + octets(1 << 20, seed=2))
    return file


def converted(raw: Path, disk_format: str) -> bytes:
    target = raw.with_suffix("." + disk_format)
    subprocess.run(
        ["qemu-img", "convert", "-O", FORMATS[disk_format], str(raw), str(target)], check=True
    )
    return target.read_bytes()


@pytest.fixture
def users(vcenter: VCenter, vcenter_slipway: Slipway) -> Api:
    return Api(vcenter_slipway.url)


@pytest.fixture
def services(vcenter_slipway: Slipway) -> Api:
    return Api(vcenter_slipway.service_url)


@pytest.mark.parametrize("disk_format", list(FORMATS))
def test_each_face_is_whole(
    users: Api, services: Api, raw: Path, tmp_path: Path, disk_format: str
) -> None:
    data = converted(raw, disk_format)
    image = users.active(data, disk_format=disk_format)
    assert (image["disk_format"], image["size"]) == (disk_format, len(data))
    assert users.download(image["id"]).content == data

    face = services.show(image["id"])
    assert (face["disk_format"], face["container_format"]) == ("vmdk", "bare")
    assert face["vmware_disktype"] == "sparse"
    assert face["locations"][0]["url"] == face["direct_url"]
    assert face["direct_url"].startswith("vsphere://")
    disk = tmp_path / "face.vmdk"
    disk.write_bytes(services.download(image["id"]).content)
    assert disk.stat().st_size == face["size"]
    subprocess.run(
        ["qemu-img", "compare", "-f", "vmdk", "-F", "raw", str(disk), str(raw)],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def test_copies_tell_of_both_forms(users: Api, raw: Path) -> None:
    image = users.active(converted(raw, "qcow2"), disk_format="qcow2")
    copies = users.get(f"/slipway/v1/images/{image['id']}/copies").json()
    assert {copy["form"] for copy in copies["copies"]} == {"original", "boot"}
    assert copies["boot_form"]["disk_type"] == "sparse"
    assert copies["boot_form_reason"] is None


def test_what_no_disk_can_be_made_of_is_told(users: Api, services: Api, raw: Path) -> None:
    # Compressed inside an image that has a backing file would be refused at once; encrypted
    # content, too. What is left is what the reader of the format does not take.
    image = users.active(octets(100), disk_format="ploop")
    copies = users.get(f"/slipway/v1/images/{image['id']}/copies").json()
    assert copies["boot_form"] is None
    assert services.show(image["id"])["disk_format"] == "ploop"


def test_a_clone_of_a_converted_image_is_made_by_the_storage(
    users: Api, vcenter: VCenter, raw: Path
) -> None:
    image = users.active(converted(raw, "qcow2"), disk_format="qcow2")
    vcenter.clear_journal()
    answer = users.clone(image["id"], datacenter="DC0", datastore="work", path="vm-boot/disk.vmdk")
    assert answer.status_code == 202, answer.text
    task = users.finished_task(answer.json()["id"])
    assert (task["status"], task["account"]["bytes_through"]) == ("success", 0)


def test_an_upload_of_unknown_length_is_one_file_for_both_faces(users: Api, services: Api) -> None:
    data = octets(300_000)
    image_id = users.create(disk_format="raw", container_format="bare")["id"]
    answer = users.put(
        f"/v2/images/{image_id}/file",
        data=iter([data]),
        headers={"Content-Type": "application/octet-stream"},
    )
    assert answer.status_code == 204, answer.text
    copies = users.get(f"/slipway/v1/images/{image_id}/copies").json()["copies"]
    assert [copy["form"] for copy in copies] == ["sparse"]
    assert users.download(image_id).content == data
    assert services.show(image_id)["vmware_disktype"] == "sparse"


@pytest.mark.parametrize("disk_format", ["raw", "qcow2"])
def test_a_boot_form_can_replace_the_record(
    users: Api, services: Api, raw: Path, tmp_path: Path, disk_format: str
) -> None:
    data = raw.read_bytes() if disk_format == "raw" else converted(raw, disk_format)
    image = users.active(data, disk_format=disk_format, slipway_boot_form="replace")
    assert (image["disk_format"], image["container_format"]) == ("vmdk", "bare")
    assert image["vmware_disktype"] == "sparse"
    assert image["virtual_size"] == raw.stat().st_size
    disk = tmp_path / "disk.vmdk"
    disk.write_bytes(users.download(image["id"]).content)
    assert disk.stat().st_size == image["size"]
    assert disks.same_guest_data(raw, disk, "vmdk")
    face = services.show(image["id"])
    same = ("disk_format", "size", "virtual_size", "checksum", "os_hash_value", "vmware_disktype")
    assert [face[name] for name in same] == [image[name] for name in same]
    copies = users.get(f"/slipway/v1/images/{image['id']}/copies").json()["copies"]
    assert [copy["form"] for copy in copies] == ["original"]
