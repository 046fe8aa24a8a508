"""Options with other values than their defaults, as a client meets them."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import disks
import harness
import pytest
from client import Api, eventually, octets, read_all, read_head
from driver_run import Section
from servers import Slipway, object_files

PUBLISHED = "vsphere://vc.example/folder/exported?dcPath=DC&dsName=DS"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Slipway]]:
    """Starts a slipway on a local store with these sections laid over its configuration."""
    started: list[Slipway] = []

    def start(**options: Section) -> Slipway:
        server = Slipway(tmp_path, harness.local_backend(tmp_path), options)
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def test_json_may_be_nested_as_deep_as_json_depth_says(start: Callable[..., Slipway]) -> None:
    api = Api(start(http={"json_depth": 4}).url)
    image_id = api.create()["id"]
    members = f"/v2/images/{image_id}/members"
    clones = f"/slipway/v1/images/{image_id}/clones"
    for method, path, inner in [
        ("POST", "/v2/images", '{"name": %s}'),
        ("POST", members, '{"member": "p", "x": %s}'),
        ("PUT", f"{members}/p", '{"status": "accepted", "x": %s}'),
        ("POST", clones, '{"datastore": "local", "path": "x", "y": %s}'),
    ]:
        answer = api(method, path, data=inner % nested(4))
        assert answer.status_code == 400, path
        assert "nested too deep" in answer.text, path
        answer = api(method, path, data=inner % nested(3))
        assert "nested too deep" not in answer.text, path


def test_a_head_may_be_as_large_as_header_bytes_says(start: Callable[..., Slipway]) -> None:
    api = Api(start(http={"header_bytes": 2048}).url)
    assert api.get("/versions", headers={"X-Padding": "x" * 1500}).status_code == 200
    assert api.get("/versions", headers={"X-Padding": "x" * 2048}).status_code == 431


def test_a_header_may_be_as_long_as_max_header_line_says(start: Callable[..., Slipway]) -> None:
    api = Api(start(DEFAULT={"max_header_line": 20000}).url)
    assert api.get("/v2/images", headers={"X-Auth-Token": "x" * 20000}).status_code == 200
    assert api.get("/v2/images", headers={"X-Auth-Token": "x" * 20001}).status_code == 431


def test_a_bad_partition_table_is_tolerated_where_that_is_said(start: Callable[..., Slipway]) -> None:
    server = start(image_format={"gpt_safety_checks_nonfatal": "mbr"})
    api = Api(server.url)
    disk = bytearray(4096)
    disk[446], disk[450], disk[510:512] = 0x01, 0x83, b"\x55\xaa"
    image_id = api.active(bytes(disk))["id"]
    lines = [line for line in server.log().splitlines() if "image.format.tolerated" in line]
    assert len(lines) == 1
    assert image_id in lines[0]
    assert "boot flag" in lines[0]


def ask(connection: socket.socket) -> None:
    connection.sendall(b"GET /versions HTTP/1.1\r\nHost: a\r\n\r\n")


def test_as_many_are_connected_as_connections_says(start: Callable[..., Slipway]) -> None:
    api = Api(start(http={"connections": 3}).url)

    def connected() -> socket.socket | None:
        """A connection that is served; none while the last ones are still being let go."""
        connection = api.connect()
        connection.settimeout(1)
        ask(connection)
        try:
            read_head(connection)
        except TimeoutError:
            connection.close()
            return None
        return connection

    first, *others = [eventually(connected, "a place for a connection") for _ in range(3)]
    with api.connect() as late:
        ask(late)
        late.settimeout(0.5)
        with pytest.raises(TimeoutError):
            late.recv(1)
        first.close()
        late.settimeout(60)
        assert b" 200 " in read_head(late).splitlines()[0]
    for connection in others:
        connection.close()


def test_a_transfer_may_stall_as_long_as_stall_limit_says(start: Callable[..., Slipway]) -> None:
    api = Api(start(http={"stall_limit": 1}).url)
    image_id = api.create()["id"]
    with api.begin_upload(image_id, 1 << 20, octets(1000)) as connection:
        assert b" 204 " not in read_all(connection)
    eventually(lambda: api.show(image_id)["status"] == "queued", "the image is queued again")
    assert api.upload(image_id, octets(1000)).status_code == 204


def test_a_store_that_the_operator_did_not_name_is_not_shown(start: Callable[..., Slipway], tmp_path: Path) -> None:
    store = {"default_backend": None, "default_store": "file", **harness.local_backend(tmp_path).options}
    api = Api(start(DEFAULT={"enabled_backends": None}, glance_store=store).url)
    for path in ("/v2/info/stores", "/v2/info/stores/detail"):
        assert api.get(path).status_code == 404
    assert "OpenStack-image-store-ids" not in api.post("/v2/images", json={}).headers
    data = octets(1000)
    image = api.active(data)
    assert "stores" not in image
    assert api.download(image["id"]).content == data
    assert api.get("/v2.8/images").status_code == 300


@pytest.mark.parametrize(
    ("visible_to", "users", "services"),
    [
        (None, True, True),
        ("everyone", True, True),
        ("nobody", False, False),
        ("services", False, True),
    ],
)
def test_locations_are_shown_to_whom_the_options_say(
    start: Callable[..., Slipway], tmp_path: Path, visible_to: str | None, users: bool, services: bool
) -> None:
    shown = None if visible_to else True
    server = start(
        local={"publish_as": PUBLISHED},
        DEFAULT={"show_multiple_locations": shown, "show_image_direct_url": shown},
        slipway={"locations_visible_to": visible_to},
    )
    disk = disks.make_vmdk(disks.make_raw(tmp_path / "disk.raw", 1 << 20), tmp_path / "disk.vmdk")
    properties = {"disk_format": "vmdk", "vmware_disktype": "sparse"}
    image_id = Api(server.url).active(disk.read_bytes(), **properties)["id"]
    for url, visible in [(server.url, users), (server.service_url, services)]:
        image = Api(url).show(image_id)
        assert ("locations" in image, "direct_url" in image) == (visible, visible)
        if visible:
            assert image["direct_url"].startswith("vsphere://vc.example/folder/exported/")
            assert image["locations"] == [{"url": image["direct_url"], "metadata": {"store": "local"}}]
        assert (PUBLISHED.split("?")[0] in json.dumps(Api(url).images())) == visible
    answer = Api(server.url).get(f"/v2/images/{image_id}/locations")
    assert answer.status_code == 200
    (location,) = answer.json()
    assert location["url"].startswith("vsphere://vc.example/folder/exported/")
    assert location["metadata"] == {"store": "local"}
    answer = Api(server.service_url).get(f"/v2/images/{image_id}/locations")
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize("believed", [True, False])
def test_a_proxy_is_believed_where_the_options_say(start: Callable[..., Slipway], believed: bool) -> None:
    server = start(oslo_middleware={"enable_proxy_headers_parsing": believed})
    answer = Api(server.url).post(
        "/v2/images",
        json={},
        headers={"Forwarded": "for=192.0.2.1;proto=https;host=images.example, host=inner", "X-Forwarded-Host": "x"},
    )
    base = "https://images.example" if believed else server.url
    assert answer.headers["Location"] == f"{base}/v2/images/{answer.json()['id']}"


def test_the_files_of_a_deleted_image_stay_for_scrub_time(start: Callable[..., Slipway]) -> None:
    server = start(DEFAULT={"delayed_delete": True, "scrub_time": 40})
    api = Api(server.url)
    files = object_files(server, None)
    image_id = api.active(b"data")["id"]
    assert api.delete(f"/v2/images/{image_id}").status_code == 204
    assert api.get(f"/v2/images/{image_id}").status_code == 404
    time.sleep(16)  # without delayed_delete they are gone by then
    assert any(image_id in file for file in files())
    eventually(lambda: not any(image_id in file for file in files()), "they are removed")
