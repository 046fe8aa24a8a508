"""Upload and download, on a local folder and on a datastore."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import harness
import pytest
from client import OCTETS, Api, eventually, iso_image, md5, octets, read_all, read_head, sha512
from servers import Slipway, VCenter, files_below, object_files

DATA = octets(3 * (1 << 20) + 777)


def pieces(data: bytes, size: int = 100_001) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def assert_holds(api: Api, image_id: str, data: bytes) -> None:
    image = api.show(image_id)
    assert image["status"] == "active"
    assert image["size"] == len(data)
    assert image["checksum"] == md5(data)
    assert image["os_hash_algo"] == "sha512"
    assert image["os_hash_value"] == sha512(data)
    answer = api.download(image_id)
    assert answer.status_code == 200
    assert answer.content == data
    assert answer.headers["Content-Type"] == OCTETS
    assert answer.headers["Content-Length"] == str(len(data))
    assert answer.headers["Content-MD5"] == md5(data)


def assert_queued_and_empty(api: Api, image_id: str) -> None:
    image = api.show(image_id)
    empty = ("size", "virtual_size", "checksum", "os_hash_algo", "os_hash_value")
    assert image["status"] == "queued"
    assert [image[name] for name in empty] == [None] * len(empty)
    assert api.download(image_id).status_code == 204


# ----------------------------------------------------------------------------------------- upload


def test_an_upload_of_known_length(any_api: Api) -> None:
    image_id = any_api.create()["id"]
    answer = any_api.upload(image_id, DATA)
    assert (answer.status_code, answer.content) == (204, b"")
    assert_holds(any_api, image_id, DATA)
    assert any_api.show(image_id)["virtual_size"] == len(DATA)


def test_a_chunked_upload(any_api: Api) -> None:
    image_id = any_api.create()["id"]
    assert any_api.upload(image_id, pieces(DATA)).status_code == 204
    assert_holds(any_api, image_id, DATA)


def test_a_chunked_upload_with_its_size(any_api: Api) -> None:
    image_id = any_api.create()["id"]
    answer = any_api.upload(image_id, pieces(DATA), x_openstack_image_size=str(len(DATA)))
    assert answer.status_code == 204
    assert_holds(any_api, image_id, DATA)


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 65535, 65536, 65537, 131072])
def test_uploads_of_odd_sizes(any_api: Api, size: int) -> None:
    data = octets(size)
    for body in (data, pieces(data, 1000)):
        image_id = any_api.create()["id"]
        assert any_api.upload(image_id, body).status_code == 204
        assert_holds(any_api, image_id, data)


def test_an_empty_upload_makes_an_active_image(any_api: Api) -> None:
    image_id = any_api.create()["id"]
    assert any_api.upload(image_id, b"").status_code == 204
    image = any_api.show(image_id)
    assert (image["status"], image["size"]) == ("active", 0)
    assert image["checksum"] == "d41d8cd98f00b204e9800998ecf8427e"


def test_an_iso_upload(any_api: Api) -> None:
    data = iso_image()
    image_id = any_api.create(disk_format="iso")["id"]
    assert any_api.upload(image_id, data).status_code == 204
    assert_holds(any_api, image_id, data)
    assert any_api.show(image_id)["virtual_size"] == len(data)


def test_an_ova_is_looked_into(any_api: Api) -> None:
    image_id = any_api.create(disk_format="vmdk", container_format="ova")["id"]
    assert any_api.upload(image_id, b"no ova at all").status_code == 415
    assert_queued_and_empty(any_api, image_id)


def test_other_containers_are_not_looked_into(any_api: Api) -> None:
    image_id = any_api.create(disk_format="vmdk", container_format="docker")["id"]
    assert any_api.upload(image_id, b"no image at all").status_code == 204
    assert_holds(any_api, image_id, b"no image at all")
    assert any_api.show(image_id)["virtual_size"] is None


@pytest.mark.parametrize("container", ["ovf", "docker", "compressed"])
def test_no_container_hides_a_descriptor(any_api: Api, container: str) -> None:
    """A hypervisor that is handed this opens another's disk."""
    descriptor = b"""# Disk DescriptorFile
version=1
createType="vmfs"
RW 2048 VMFS "/vmfs/volumes/ds1/victim/victim-flat.vmdk"
"""
    image_id = any_api.create(disk_format="vmdk", container_format=container, vmware_disktype="sparse")["id"]
    assert any_api.upload(image_id, descriptor).status_code == 415
    assert_queued_and_empty(any_api, image_id)


@pytest.mark.parametrize("store", ["", "own"])
def test_a_store_may_be_named(any_slipway: Slipway, store: str) -> None:
    api = Api(any_slipway.url)
    image_id = api.create()["id"]
    name = any_slipway.store if store else ""
    assert api.upload(image_id, b"data", x_image_meta_store=name).status_code == 204
    assert api.show(image_id)["stores"] == any_slipway.store


def test_an_unknown_store_is_refused(any_api: Api) -> None:
    image_id = any_api.create()["id"]
    assert any_api.upload(image_id, b"data", x_image_meta_store="other").status_code == 400
    assert_queued_and_empty(any_api, image_id)


@pytest.mark.parametrize("announced", ["2", "4", "99"])
def test_another_size_than_announced_is_refused(any_api: Api, announced: str) -> None:
    image_id = any_api.create()["id"]
    answer = any_api.upload(image_id, pieces(b"abc"), x_openstack_image_size=announced)
    assert answer.status_code == 400
    assert_queued_and_empty(any_api, image_id)
    assert any_api.upload(image_id, b"abc").status_code == 204


@pytest.mark.parametrize("announced", ["many", "-1", "1.5", "", "0x3"])
def test_a_size_that_is_no_number_is_refused(api: Api, announced: str) -> None:
    image_id = api.create()["id"]
    answer = api.upload(image_id, pieces(b"abc"), x_openstack_image_size=announced)
    assert answer.status_code == 400
    assert_queued_and_empty(api, image_id)


@pytest.mark.parametrize("media_type", [None, "", "application/json", "application/octet-streams", "text/plain"])
def test_another_media_type_is_refused(api: Api, media_type: str | None) -> None:
    image_id = api.create()["id"]
    answer = api.put(f"/v2/images/{image_id}/file", data=b"abc", headers={"Content-Type": media_type})
    assert answer.status_code == 415
    assert_queued_and_empty(api, image_id)


def test_parameters_of_the_media_type_are_ignored(api: Api) -> None:
    image_id = api.create()["id"]
    headers = {"Content-Type": f"{OCTETS}; charset=utf-8"}
    assert api.put(f"/v2/images/{image_id}/file", data=b"abc", headers=headers).status_code == 204


def test_coded_content_is_refused(api: Api) -> None:
    image_id = api.create()["id"]
    assert api.upload(image_id, b"abc", Content_Encoding="gzip").status_code == 415
    assert_queued_and_empty(api, image_id)


def test_an_upload_needs_both_formats(api: Api) -> None:
    for formats in ({"disk_format": None}, {"container_format": None}):
        image_id = api.create(**formats)["id"]
        assert api.upload(image_id, b"abc").status_code == 400
        assert_queued_and_empty(api, image_id)


def test_an_upload_needs_a_queued_image(any_api: Api) -> None:
    image_id = any_api.active(b"abc")["id"]
    assert any_api.upload(image_id, b"other").status_code == 409
    assert any_api.post(f"/v2/images/{image_id}/actions/deactivate").status_code == 204
    assert any_api.upload(image_id, b"other").status_code == 409
    assert any_api.download(image_id).content == b"abc"
    missing = "/v2/images/00000000-0000-0000-0000-000000000000/file"
    assert any_api.put(missing, data=b"abc", headers={"Content-Type": OCTETS}).status_code == 404


MISMATCHES = {
    "raw-as-qcow2": ("qcow2", octets(4096)),
    "raw-as-vmdk": ("vmdk", octets(4096)),
    "raw-as-iso": ("iso", octets(70_000)),
    "short-as-qcow2": ("qcow2", b"x"),
    "iso-as-vmdk": ("vmdk", iso_image()),
    "qcow2-with-backing-file": (
        "qcow2",
        b"QFI\xfb" + (3).to_bytes(4, "big") + (104).to_bytes(8, "big") + bytes(1024),
    ),
    "qcow2-with-backing-file-as-raw": (
        "raw",
        b"QFI\xfb" + (3).to_bytes(4, "big") + (104).to_bytes(8, "big") + bytes(1024),
    ),
    "qed": ("raw", b"QED\0" + bytes(1024)),
    "vmdk-of-text": ("vmdk", b'# Disk DescriptorFile\ncreateType="monolithicFlat"\nRW 1 FLAT "/etc/passwd" 0\n'),
}


@pytest.mark.parametrize("name", MISMATCHES)
def test_content_that_is_not_what_was_declared_is_refused(
    any_slipway: Slipway, request: pytest.FixtureRequest, name: str
) -> None:
    api = Api(any_slipway.url)
    disk_format, data = MISMATCHES[name]
    for body in (data, pieces(data, 300)):
        image_id = api.create(disk_format=disk_format)["id"]
        answer = api.upload(image_id, body)
        assert answer.status_code == 415, answer.text
        assert_queued_and_empty(api, image_id)
        vcenter = request.getfixturevalue("vcenter_server") if any_slipway.store == "vcenter" else None
        files = object_files(any_slipway, vcenter)
        eventually(lambda: not [file for file in files() if image_id in file], "the refused file is gone")


def test_the_size_cap(tmp_path: Path) -> None:
    server = Slipway(tmp_path, harness.local_backend(tmp_path), {"DEFAULT": {"image_size_cap": 1000}})
    try:
        api = Api(server.url)
        image_id = api.create()["id"]
        for body in (b"x" * 1001, pieces(b"x" * 1001, 100), pieces(b"x" * 5_000_000)):
            assert api.upload(image_id, body).status_code == 413
            assert_queued_and_empty(api, image_id)
        assert api.upload(image_id, pieces(b"x" * 1000, 100)).status_code == 204
        eventually(lambda: len(object_files(server, None)()) <= 2, "refused files are gone")
    finally:
        server.stop()


def test_the_quota_of_a_project(tmp_path: Path) -> None:
    server = Slipway(tmp_path, harness.local_backend(tmp_path), {"DEFAULT": {"user_storage_quota": "1000B"}})
    try:
        api = Api(server.url)
        api.active(b"x" * 600, owner="p")
        image_id = api.create(owner="p")["id"]
        assert api.upload(image_id, b"x" * 401).status_code == 413
        assert api.upload(image_id, pieces(b"x" * 401, 50)).status_code == 413
        assert_queued_and_empty(api, image_id)
        assert api.upload(image_id, b"x" * 400).status_code == 204
        assert api.upload(api.create(owner="p")["id"], b"x").status_code == 413
        assert api.upload(api.create(owner="q")["id"], b"x" * 1000).status_code == 204
    finally:
        server.stop()


# --------------------------------------------------------------------------------- on the wire


def upload_head(image_id: str, *fields: str) -> bytes:
    lines = [f"PUT /v2/images/{image_id}/file HTTP/1.1", "Host: slipway", *fields]
    return "\r\n".join([*lines, "", ""]).encode()


def test_the_go_ahead_comes_before_the_body(any_api: Api) -> None:
    image_id = any_api.create()["id"]
    with any_api.connect() as connection:
        fields = (f"Content-Type: {OCTETS}", "Content-Length: 5", "Expect: 100-continue")
        connection.sendall(upload_head(image_id, *fields))
        assert read_head(connection).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"hello")
        assert read_head(connection).startswith(b"HTTP/1.1 204 ")
    assert_holds(any_api, image_id, b"hello")


@pytest.mark.parametrize("reason", ["active", "media type", "missing", "formats", "store"])
def test_a_refused_upload_is_not_asked_to_go_ahead(any_api: Api, reason: str) -> None:
    image_id = any_api.create()["id"]
    fields = {"Content-Type": OCTETS, "Content-Length": "5", "Expect": "100-continue"}
    status = {"active": 409, "media type": 415, "missing": 404, "formats": 400, "store": 400}[reason]
    if reason == "active":
        assert any_api.upload(image_id, b"abc").status_code == 204
    elif reason == "media type":
        fields["Content-Type"] = "text/plain"
    elif reason == "missing":
        image_id = "00000000-0000-0000-0000-000000000000"
    elif reason == "formats":
        image_id = any_api.create(disk_format=None)["id"]
    else:
        fields["x-image-meta-store"] = "other"
    with any_api.connect() as connection:
        connection.sendall(upload_head(image_id, *(f"{name}: {value}" for name, value in fields.items())))
        answer = read_all(connection)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer
    assert b"100 Continue" not in answer


def test_a_refused_upload_does_not_read_its_body(any_api: Api) -> None:
    image_id = any_api.active(b"abc")["id"]
    with any_api.connect() as connection:
        connection.sendall(upload_head(image_id, f"Content-Type: {OCTETS}", f"Content-Length: {1 << 40}"))
        connection.sendall(b"x" * 1000)
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 409 ")
    assert any_api.download(image_id).content == b"abc"


def test_a_client_that_sends_on_still_reads_the_refusal(any_api: Api) -> None:
    image_id = any_api.active(b"abc")["id"]
    assert any_api.upload(image_id, b"x" * 60_000).status_code == 409
    assert any_api.upload(image_id, pieces(b"x" * 60_000, 5000)).status_code == 409


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("sent", [0, 1, 70_000, len(DATA) - 1])
def test_a_client_that_goes_away_leaves_the_image_queued(
    any_slipway: Slipway, request: pytest.FixtureRequest, framing: str, sent: int
) -> None:
    api = Api(any_slipway.url)
    image_id = api.create()["id"]
    connection = api.connect()
    if framing == "length":
        connection.sendall(upload_head(image_id, f"Content-Type: {OCTETS}", f"Content-Length: {len(DATA)}"))
        connection.sendall(DATA[:sent])
    else:
        connection.sendall(upload_head(image_id, f"Content-Type: {OCTETS}", "Transfer-Encoding: chunked"))
        if sent:
            connection.sendall(b"%x\r\n%b\r\n" % (sent, DATA[:sent]))
    if sent > 65536:
        eventually(lambda: api.show(image_id)["status"] == "saving", "the upload has begun")
    connection.close()
    eventually(lambda: api.show(image_id)["status"] == "queued", "the image is queued again")
    assert_queued_and_empty(api, image_id)
    vcenter = request.getfixturevalue("vcenter_server") if any_slipway.store == "vcenter" else None
    files = object_files(any_slipway, vcenter)
    eventually(lambda: not [file for file in files() if image_id in file], "what was written is gone")
    assert api.upload(image_id, DATA).status_code == 204
    assert_holds(api, image_id, DATA)


def test_a_body_shorter_than_announced_is_told_so(any_api: Api) -> None:
    image_id = any_api.create()["id"]
    with any_api.connect() as connection:
        connection.sendall(upload_head(image_id, f"Content-Type: {OCTETS}", "Content-Length: 10"))
        connection.sendall(b"abc")
        connection.shutdown(socket.SHUT_WR)
        answer = read_all(connection)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 "), answer
    eventually(lambda: any_api.show(image_id)["status"] == "queued", "the image is queued again")


def test_the_second_of_two_uploads_is_refused(any_api: Api) -> None:
    image_id = any_api.create()["id"]
    with any_api.begin_upload(image_id, len(DATA), DATA[:100_000]) as first:
        eventually(lambda: any_api.show(image_id)["status"] == "saving", "the first upload has begun")
        assert any_api.download(image_id).status_code == 204
        assert any_api.upload(image_id, DATA).status_code == 409
        first.sendall(DATA[100_000:])
        assert read_head(first).startswith(b"HTTP/1.1 204 ")
    assert_holds(any_api, image_id, DATA)


def test_a_change_during_an_upload_is_kept(any_api: Api) -> None:
    image_id = any_api.create()["id"]
    with any_api.begin_upload(image_id, len(DATA), DATA[:100_000]) as upload:
        eventually(lambda: any_api.show(image_id)["status"] == "saving", "the upload has begun")
        change = [{"op": "add", "path": "/name", "value": "new"}, {"op": "add", "path": "/p", "value": "v"}]
        assert any_api.patch(image_id, change).status_code == 200
        upload.sendall(DATA[100_000:])
        assert read_head(upload).startswith(b"HTTP/1.1 204 ")
    assert_holds(any_api, image_id, DATA)
    assert (any_api.show(image_id)["name"], any_api.show(image_id)["p"]) == ("new", "v")


def test_an_image_deleted_during_its_upload_is_gone(
    any_slipway: Slipway, request: pytest.FixtureRequest
) -> None:
    api = Api(any_slipway.url)
    image_id = api.create()["id"]
    with api.begin_upload(image_id, len(DATA), DATA[:100_000]) as upload:
        eventually(lambda: api.show(image_id)["status"] == "saving", "the upload has begun")
        assert api.delete(f"/v2/images/{image_id}").status_code == 204
        assert api.get(f"/v2/images/{image_id}").status_code == 404
        try:
            upload.sendall(DATA[100_000:])
        except OSError:
            pass
        answer = read_head(upload)
    assert answer.startswith(b"HTTP/1.1 410 "), answer
    vcenter = request.getfixturevalue("vcenter_server") if any_slipway.store == "vcenter" else None
    files = object_files(any_slipway, vcenter)
    eventually(lambda: not [file for file in files() if image_id in file], "its data is gone")


# --------------------------------------------------------------------------------------- download


@pytest.fixture(scope="module")
def downloads(vcenter_slipway: Slipway, local_slipway: Slipway) -> dict[str, str]:
    """An image of ten bytes in each kind of store."""
    servers = {"local": local_slipway, "vcenter": vcenter_slipway}
    return {name: Api(server.url).active(b"0123456789")["id"] for name, server in servers.items()}


RANGES = [
    ({"Range": "bytes=0-4"}, 206, "bytes 0-4/10"),
    ({"Range": "bytes=5-"}, 206, "bytes 5-9/10"),
    ({"Range": "bytes=-3"}, 206, "bytes 7-9/10"),
    ({"Range": "bytes=-30"}, 206, "bytes 0-9/10"),
    ({"Range": "bytes=0-100"}, 206, "bytes 0-9/10"),
    ({"Range": "bytes=9-9"}, 206, "bytes 9-9/10"),
    ({"Range": "bytes=0-99999999999999999999999999"}, 206, "bytes 0-9/10"),
    ({"Range": "items=0-1"}, 200, None),
    ({"Range": "bytes=-0"}, 416, "bytes */10"),
    ({"Range": "bytes=10-"}, 416, "bytes */10"),
    ({"Range": "bytes=10-12"}, 416, "bytes */10"),
    ({"Range": "bytes=4-2"}, 416, "bytes */10"),
    ({"Range": "bytes=a-b"}, 416, "bytes */10"),
    ({"Range": "bytes="}, 416, "bytes */10"),
    ({"Range": "bytes=99999999999999999999999999-"}, 416, "bytes */10"),
    ({"Range": "bytes=0-1,3-4"}, 400, None),
    ({"Range": "bytes=" + ",".join("0-1" for _ in range(1000))}, 400, None),
    ({"Content-Range": "bytes 0-4/10"}, 206, "bytes 0-4/10"),
    ({"Content-Range": "bytes 0-4/*"}, 206, "bytes 0-4/10"),
    ({"Content-Range": "bytes 5-12/*"}, 416, "bytes */10"),
    ({"Content-Range": "bytes 10-12/*"}, 416, "bytes */10"),
    ({"Content-Range": "bytes */10"}, 416, "bytes */10"),
    ({"Content-Range": "bytes 0-4/3"}, 416, "bytes */10"),
    ({"Range": "bytes=0-1", "Content-Range": "bytes 0-4/10"}, 206, "bytes 0-1/10"),
]


@pytest.mark.parametrize(("headers", "status", "content_range"), RANGES)
def test_ranges(
    any_slipway: Slipway,
    downloads: dict[str, str],
    headers: dict[str, str],
    status: int,
    content_range: str | None,
) -> None:
    api = Api(any_slipway.url)
    path = f"/v2/images/{downloads[any_slipway.store]}/file"
    answer = api.get(path, headers=headers)
    assert answer.status_code == status
    assert answer.headers.get("Content-Range") == content_range
    if status == 206:
        assert content_range
        first, last = content_range.removeprefix("bytes ").split("/")[0].split("-")
        assert answer.content == b"0123456789"[int(first) : int(last) + 1]
        assert answer.headers["Content-MD5"] == md5(b"0123456789")
        assert answer.headers["Content-Type"] == OCTETS
    head = api("HEAD", path, headers=headers)
    assert head.status_code == status
    assert head.content == b""
    if status in (200, 206):
        assert head.headers["Content-Length"] == str(len(answer.content))


def test_ranges_of_a_large_image(any_api: Api) -> None:
    image_id = any_api.active(DATA)["id"]
    for first, last in [(0, 0), (65535, 65536), (1 << 20, 2 << 20), (len(DATA) - 777, len(DATA) - 1)]:
        answer = any_api.download(image_id, Range=f"bytes={first}-{last}")
        assert answer.status_code == 206
        assert answer.content == DATA[first : last + 1]


def test_head_is_a_download_without_a_body(any_api: Api) -> None:
    image_id = any_api.active(DATA)["id"]
    answer = any_api("HEAD", f"/v2/images/{image_id}/file")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(DATA))
    assert answer.headers["Content-MD5"] == md5(DATA)


def test_an_image_without_data_has_no_content(any_api: Api) -> None:
    path = f"/v2/images/{any_api.create()['id']}/file"
    for answer in (any_api.get(path), any_api("HEAD", path), any_api.get(path, headers={"Range": "bytes=0-1"})):
        assert (answer.status_code, answer.content) == (204, b"")
        assert "Content-Type" not in answer.headers


def test_no_image_has_no_data(any_api: Api) -> None:
    assert any_api.download("00000000-0000-0000-0000-000000000000").status_code == 404


def test_one_connection_serves_many_downloads(any_api: Api) -> None:
    image_id = any_api.active(DATA)["id"]
    address = urlsplit(any_api.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
    for first in range(0, 1000, 100):
        connection.request("GET", f"/v2/images/{image_id}/file", headers={"Range": f"bytes={first}-{first + 9}"})
        assert connection.getresponse().read() == DATA[first : first + 10]
    connection.close()


@pytest.mark.parametrize("damage", ["cut", "removed"])
def test_a_damaged_file_is_never_served(
    any_slipway: Slipway, request: pytest.FixtureRequest, damage: str
) -> None:
    api = Api(any_slipway.url)
    image_id = api.active(DATA)["id"]
    vcenter: VCenter | None = None
    if any_slipway.store == "vcenter":
        vcenter = request.getfixturevalue("vcenter_server")
        assert vcenter
        root = vcenter.folders[vcenter.datastore]
    else:
        root = Path(str(any_slipway.backend.options["filesystem_store_datadir"]))
    files = [path for path in files_below(root) if path.match(f"{image_id}.*/{image_id}*")]
    data_file = max(files, key=lambda path: path.stat().st_size)
    if damage == "cut":
        with data_file.open("r+b") as file:
            file.truncate(data_file.stat().st_size - 1)
    else:
        data_file.unlink()
    answer = api.download(image_id)
    assert answer.status_code == (503 if damage == "cut" else 204), answer.headers
    assert str(root) not in answer.text
    assert api.show(image_id)["status"] == "active"


def test_other_requests_are_answered_while_uploads_wait(any_api: Api) -> None:
    image_ids = [any_api.create()["id"] for _ in range(6)]
    waiting = [any_api.begin_upload(image_id, len(DATA), DATA[:100_000]) for image_id in image_ids]
    assert any_api.get("/v2/images?limit=1").status_code == 200
    any_api.active(b"abc")
    for connection in waiting:
        connection.close()
    for image_id in image_ids:
        eventually(lambda: any_api.show(image_id)["status"] == "queued", "the image is queued again")
