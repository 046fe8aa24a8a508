"""Two faces of one image: what users see, and what Nova's and Cinder's drivers see."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import disks
import pytest
from client import Api, eventually, iso_image, md5, octets, sha512
from servers import Slipway, VCenter, object_files

SIZE = (2 << 20) + 777
CAPACITY = (SIZE + 511) // 512 * 512


@pytest.fixture
def user(vcenter_slipway: Slipway) -> Api:
    return Api(vcenter_slipway.url)


@pytest.fixture
def service(vcenter_slipway: Slipway) -> Api:
    return Api(vcenter_slipway.service_url)


def file_of(vcenter: VCenter, url: str) -> Path:
    """The stored file that a location names."""
    parts = urlsplit(url)
    assert parts.scheme == "vsphere"
    query = parse_qs(parts.query)
    (datacenter,), (datastore,) = query["dcPath"], query["dsName"]
    assert parts.path.startswith("/folder/")
    return vcenter.folder(datacenter, datastore) / unquote(parts.path.removeprefix("/folder/"))


def test_users_see_their_image_as_they_made_it(vcenter: VCenter, user: Api) -> None:
    data = octets(SIZE)
    image = user.active(data)
    assert (image["disk_format"], image["container_format"], image["size"]) == ("raw", "bare", SIZE)
    assert (image["checksum"], image["os_hash_value"]) == (md5(data), sha512(data))
    assert "locations" not in image
    assert "direct_url" not in image
    assert "vmware_disktype" not in image
    assert user.download(image["id"]).content == data


def test_services_see_the_disk_on_the_datastore(vcenter: VCenter, user: Api, service: Api, tmp_path: Path) -> None:
    data = octets(SIZE)
    image_id = user.active(data, name="disk", tags=["t"], custom="kept")["id"]
    image = service.show(image_id)
    url = image["direct_url"]
    assert image["locations"][0]["url"] == url
    assert image["locations"][0]["metadata"]["store"] == "vcenter"
    stored = file_of(vcenter, url)
    assert stored.name == f"{image_id}.vmdk"
    content = stored.read_bytes()
    assert (image["disk_format"], image["container_format"]) == ("vmdk", "bare")
    assert image["vmware_disktype"] == "sparse"
    assert image["size"] == len(content)
    assert image["checksum"] == md5(content)
    assert image["os_hash_value"] == sha512(content)
    assert image["virtual_size"] == disks.virtual_size(stored, "vmdk")
    assert image["virtual_size"] >= CAPACITY
    assert image["min_disk"] >= 1
    assert (image["name"], image["tags"], image["custom"]) == ("disk", ["t"], "kept")
    assert service.download(image_id).content == content
    raw = tmp_path / "disk.raw"
    raw.write_bytes(data)
    assert disks.same_guest_data(raw, stored, "vmdk")


def test_ranges_of_the_services_file_are_those_of_the_datastores(
    vcenter: VCenter, user: Api, service: Api
) -> None:
    image_id = user.active(octets(SIZE))["id"]
    content = file_of(vcenter, service.show(image_id)["direct_url"]).read_bytes()
    for first, last in [(0, 511), (65530, 65540), (len(content) - 3, len(content) - 1)]:
        answer = service.download(image_id, Range=f"bytes={first}-{last}")
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(content)}"
        assert answer.content == content[first : last + 1]


def test_an_object_is_a_directory_with_a_manifest(vcenter: VCenter, user: Api, service: Api) -> None:
    image_id = user.active(octets(SIZE))["id"]
    stored = file_of(vcenter, service.show(image_id)["direct_url"])
    assert stored.parent.name.startswith(f"{image_id}.")
    assert sorted(path.name for path in stored.parent.iterdir()) == [f"{image_id}.json", f"{image_id}.vmdk"]
    manifest = json.loads((stored.parent / f"{image_id}.json").read_text())
    assert manifest["image_id"] == image_id
    assert manifest["size"] == SIZE
    assert manifest["checksum"] == md5(octets(SIZE))


def test_the_disk_is_named_where_its_owner_asked_for_another_adapter(
    vcenter: VCenter, user: Api, service: Api
) -> None:
    image_id = user.active(octets(SIZE), vmware_adaptertype="ide")["id"]
    image = service.show(image_id)
    assert image["vmware_adaptertype"] == "ide"
    assert b'ddb.adapterType = "ide"' in file_of(vcenter, image["direct_url"]).read_bytes()[:4096]


def test_an_iso_is_the_same_on_both_faces(
    vcenter: VCenter, vcenter_slipway: Slipway, user: Api, service: Api
) -> None:
    """Without a location: Nova fails to boot from an iso that it need not download."""
    data = iso_image()
    image_id = user.active(data, disk_format="iso")["id"]
    image = service.show(image_id)
    assert (image["disk_format"], image["size"], image["checksum"]) == ("iso", len(data), md5(data))
    assert "direct_url" not in image
    assert image["locations"] == []
    assert service.download(image_id).content == data
    stored = [name for name in object_files(vcenter_slipway, vcenter)() if image_id in name]
    assert [name.split("/")[1] for name in stored] == [f"{image_id}.iso", f"{image_id}.json"]


def test_a_sparse_vmdk_is_stored_as_it_came(vcenter: VCenter, user: Api, service: Api, tmp_path: Path) -> None:
    raw = disks.make_raw(tmp_path / "disk.raw", 4 << 20)
    data = disks.make_vmdk(raw, tmp_path / "disk.vmdk").read_bytes()
    image_id = user.active(data, disk_format="vmdk", vmware_disktype="sparse")["id"]
    assert user.show(image_id)["checksum"] == md5(data)
    assert user.show(image_id)["virtual_size"] == 4 << 20
    image = service.show(image_id)
    assert (image["checksum"], image["vmware_disktype"]) == (md5(data), "sparse")
    stored = file_of(vcenter, image["direct_url"])
    assert stored.name == f"{image_id}.vmdk"
    assert stored.read_bytes() == data


def test_an_upload_of_unknown_size_is_served_to_both(vcenter: VCenter, user: Api, service: Api) -> None:
    data = octets(SIZE)
    image_id = user.create()["id"]
    assert user.upload(image_id, iter([data])).status_code == 204
    assert user.download(image_id).content == data
    image = service.show(image_id)
    assert file_of(vcenter, image["locations"][0]["url"]).stat().st_size == image["size"]


def test_a_queued_image_has_no_location(vcenter: VCenter, user: Api, service: Api) -> None:
    image = service.show(user.create()["id"])
    assert "direct_url" not in image
    assert image.get("locations", []) == []


def test_lists_have_the_face_of_their_listener(vcenter: VCenter, user: Api, service: Api) -> None:
    image_id = user.active(octets(SIZE))["id"]
    (seen_by_user,) = user.images(f"?id={image_id}")
    (seen_by_service,) = service.images(f"?id={image_id}")
    assert seen_by_user == user.show(image_id)
    assert seen_by_service == service.show(image_id)
    assert seen_by_user["disk_format"] == "raw"
    assert seen_by_service["disk_format"] == "vmdk"


def test_no_location_holds_a_secret(vcenter: VCenter, user: Api, service: Api) -> None:
    image_id = user.active(octets(SIZE))["id"]
    parts = urlsplit(service.show(image_id)["direct_url"])
    assert (parts.username, parts.password) == (None, None)


def test_a_local_store_has_one_face(api: Api, service_api: Api) -> None:
    data = octets(1000)
    image_id = api.active(data)["id"]
    image = service_api.show(image_id)
    assert (image["disk_format"], image["checksum"]) == ("raw", md5(data))
    assert "file://" not in json.dumps(api.show(image_id))
    assert service_api.download(image_id).content == data


def test_a_deleted_image_takes_its_files_along(vcenter: VCenter, user: Api, service: Api) -> None:
    image_id = user.active(octets(SIZE))["id"]
    stored = file_of(vcenter, service.show(image_id)["direct_url"])
    assert user.delete(f"/v2/images/{image_id}").status_code == 204
    eventually(lambda: not stored.parent.exists(), "the directory of the image is gone")
