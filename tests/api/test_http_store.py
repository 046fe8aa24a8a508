"""A store of type http: locations on web servers, which clients name and slipway only reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import harness
import pytest
import requests
from client import PATCH_V20, Api, eventually, md5, octets, sha512
from servers import Slipway, VCenter
from origin import Origin

DATA = octets(300_000)


@pytest.fixture(scope="module")
def web() -> Iterator[Origin]:
    server = Origin()
    server.files["/disk.raw"] = DATA
    yield server
    server.stop()


def options_for(web: Origin, store: str, **defaults: object) -> dict[str, dict[str, object]]:
    return {
        "DEFAULT": {"enabled_backends": f"{store},web:http", "show_multiple_locations": True} | defaults,
        "import_filtering_opts": {"allowed_hosts": "127.0.0.1", "allowed_ports": web.port},
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, web: Origin) -> Iterator[Slipway]:
    work = tmp_path_factory.mktemp("slipway-http-store")
    server = Slipway(work, harness.local_backend(work), options_for(web, "local:file"))
    yield server
    server.stop()


@pytest.fixture
def api(server: Slipway) -> Api:
    return Api(server.url)


def add(api: Api, image_id: str, url: str, **validation: str) -> requests.Response:
    body: dict[str, Any] = {"url": url}
    if validation:
        body["validation_data"] = validation
    return api.post(f"/v2/images/{image_id}/locations", json=body)


def fails_as_a_task(api: Api, owner: Api, image_id: str, url: str) -> None:
    """The request is accepted, and its task says why nothing comes of it."""
    assert add(api, image_id, url).status_code == 202
    (task,) = owner.image_tasks(image_id)
    assert (task["type"], task["status"], bool(task["message"])) == ("location_import", "failure", True)
    image = owner.show(image_id)
    assert (image["status"], image["size"], image.get("locations", [])) == ("queued", None, [])


def patch(api: Api, image_id: str, *operations: dict[str, Any]) -> requests.Response:
    return api("PATCH", f"/v2/images/{image_id}", json=list(operations), headers={"Content-Type": PATCH_V20})


def at(url: str, **metadata: str) -> dict[str, Any]:
    return {"url": url, "metadata": metadata}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def hashed(api: Api, image_id: str) -> dict[str, Any]:
    return eventually(lambda: (image := api.show(image_id))["checksum"] and image, "its digests are there")


def test_the_store_is_listed_as_read_only(api: Api) -> None:
    stores = {store["id"]: store for store in api.get("/v2/info/stores").json()["stores"]}
    assert stores["web"]["read-only"] == "true"
    assert "read-only" not in stores["local"]
    detail = {store["id"]: store for store in api.get("/v2/info/stores/detail").json()["stores"]}
    assert (detail["web"]["type"], detail["web"]["properties"]) == ("http", {})


def test_it_takes_no_uploads(api: Api) -> None:
    image_id = api.create()["id"]
    assert api.upload(image_id, DATA, x_image_meta_store="web").status_code == 410
    assert api.show(image_id)["status"] == "queued"


def test_a_named_location_becomes_the_data_of_the_image(api: Api, web: Origin) -> None:
    image_id = api.create()["id"]
    answer = add(api, image_id, f"{web.url}/disk.raw")
    assert (answer.status_code, answer.content) == (202, b"")
    image = hashed(api, image_id)
    assert (image["status"], image["size"], image["stores"]) == ("active", len(DATA), "web")
    assert (image["checksum"], image["os_hash_algo"], image["os_hash_value"]) == (md5(DATA), "sha512", sha512(DATA))
    assert image["virtual_size"] is None
    assert api.download(image_id).content == DATA
    part = api.download(image_id, Range="bytes=1000-1999")
    assert (part.status_code, part.content) == (206, DATA[1000:2000])
    listed = api.get(f"/v2/images/{image_id}/locations").json()
    assert listed == [{"url": f"{web.url}/disk.raw", "metadata": {"store": "web"}}]


def test_a_web_server_without_ranges_serves_the_whole_only(api: Api, web: Origin) -> None:
    data = octets(5000)
    web.answers["/whole.raw"] = lambda request: (200, {}, data)
    image_id = api.create()["id"]
    assert add(api, image_id, f"{web.url}/whole.raw").status_code == 202
    hashed(api, image_id)
    assert api.download(image_id, Range="bytes=1000-1999").status_code == 400
    assert api.download(image_id).content == data
    assert api.download(image_id, Range="bytes=0-4999").content == data


def test_a_digest_is_compared_before_the_image_is_active(api: Api, web: Origin) -> None:
    image_id = api.create()["id"]
    good = {"os_hash_algo": "sha256", "os_hash_value": sha256(DATA)}
    assert add(api, image_id, f"{web.url}/disk.raw", **good).status_code == 202
    image = eventually(lambda: (i := api.show(image_id))["status"] == "active" and i, "it is active")
    assert (image["os_hash_algo"], image["os_hash_value"]) == ("sha256", sha256(DATA))
    assert image["checksum"] == md5(DATA)


def test_another_digest_leaves_the_image_queued(api: Api, web: Origin) -> None:
    image_id = api.create()["id"]
    wrong = {"os_hash_algo": "sha512", "os_hash_value": "beefdead" * 16}
    assert add(api, image_id, f"{web.url}/disk.raw", **wrong).status_code == 202
    image = eventually(lambda: (i := api.show(image_id))["status"] == "queued" and i, "it is queued again")
    assert (image["checksum"], image["os_hash_algo"], image["os_hash_value"]) == (None, None, None)
    assert image["stores"] == "web"
    assert api.get(f"/v2/images/{image_id}/locations").json() == image["locations"]
    assert [location["url"] for location in image["locations"]] == [f"{web.url}/disk.raw"]
    assert api.download(image_id).status_code == 204
    assert api.upload(image_id, octets(1000)).status_code == 204
    assert api.show(image_id)["stores"] == "local"
    assert api.download(image_id).content == octets(1000)


@pytest.mark.parametrize(
    "validation",
    [
        {"os_hash_value": "a" * 128},
        {"os_hash_algo": "sha512"},
        {"os_hash_algo": "sha123", "os_hash_value": "a" * 128},
        {"os_hash_algo": "sha512", "os_hash_value": "a" * 64},
        {"os_hash_algo": "sha512", "os_hash_value": "x" * 128},
        {"os_hash_algo": "sha512", "os_hash_value": "a" * 128, "more": "x"},
    ],
)
def test_validation_data_that_can_not_be_are_refused(api: Api, web: Origin, validation: dict[str, str]) -> None:
    image_id = api.create()["id"]
    assert add(api, image_id, f"{web.url}/disk.raw", **validation).status_code == 400
    assert api.show(image_id)["status"] == "queued"


@pytest.mark.parametrize("body", ["", "[]", '{"validation_data": {}}', '{"url": 7}', '{"url": "http://127.0.0.1/", "validation_data": null}'])
def test_a_body_that_names_no_location_is_refused(api: Api, body: str) -> None:
    assert api.post(f"/v2/images/{api.create()['id']}/locations", data=body).status_code == 400


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/disk.raw",  # a port that is not allowed
        "http://localhost:{port}/disk.raw",
        "http://[::1]:{port}/disk.raw",
        "http://127.1:{port}/disk.raw",
        "http://2130706433:{port}/disk.raw",
        "http://user@127.0.0.1:{port}/disk.raw",
        "http://127.0.0.1:{port}/missing.raw",
        "http://127.0.0.1:{port}/elsewhere",
        "http://127.0.0.1:{port}/empty",
    ],
)
def test_urls_that_may_not_be_fetched_are_refused(api: Api, web: Origin, url: str) -> None:
    web.answers["/elsewhere"] = lambda _: (302, {"Location": "http://localhost/disk.raw"}, b"")
    web.files["/empty"] = b""
    fails_as_a_task(api, api, api.create()["id"], url.format(port=web.port))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "filesystem:///etc/passwd", "swift+config://x/y", "gopher://x/"])
def test_users_name_web_servers_only(server: Slipway, api: Api, url: str) -> None:
    image_id = api.create()["id"]
    assert add(api, image_id, url).status_code == 403
    fails_as_a_task(Api(server.service_url), api, image_id, url)


def test_an_image_that_has_its_data_takes_no_location_by_post(api: Api, web: Origin) -> None:
    image_id = api.active(octets(1000))["id"]
    assert add(api, image_id, f"{web.url}/disk.raw").status_code == 409


def test_an_image_without_formats_takes_none(api: Api, web: Origin) -> None:
    image_id = api.post("/v2/images", json={"name": "x"}).json()["id"]
    assert add(api, image_id, f"{web.url}/disk.raw").status_code == 409


def test_deleting_the_image_stops_the_look_at_its_bytes(api: Api, web: Origin) -> None:
    image_id = api.create()["id"]
    web.flowing.clear()
    try:
        assert add(api, image_id, f"{web.url}/disk.raw").status_code == 202
        image = api.show(image_id)
        assert (image["status"], image["os_hash_algo"], image["checksum"]) == ("active", "sha512", None)
        assert api.delete(f"/v2/images/{image_id}").status_code == 204
        assert api.get(f"/v2/images/{image_id}").status_code == 404
    finally:
        web.flowing.set()


def test_a_restart_goes_on_looking(tmp_path: Path, web: Origin) -> None:
    server = Slipway(tmp_path, harness.local_backend(tmp_path), options_for(web, "local:file"))
    try:
        api = Api(server.url)
        image_id = api.create()["id"]
        good = {"os_hash_algo": "sha512", "os_hash_value": sha512(DATA)}
        web.flowing.clear()
        assert add(api, image_id, f"{web.url}/disk.raw", **good).status_code == 202
        assert api.show(image_id)["status"] == "importing"
        server.kill()
        web.flowing.set()
        server.start()
        image = eventually(lambda: (i := api.show(image_id))["status"] == "active" and i, "it is active")
        assert image["checksum"] == md5(DATA)
    finally:
        web.flowing.set()
        server.stop()


def test_the_file_on_the_web_server_is_never_removed(api: Api, web: Origin) -> None:
    image_id = api.create()["id"]
    add(api, image_id, f"{web.url}/disk.raw")
    hashed(api, image_id)
    assert api.delete(f"/v2/images/{image_id}").status_code == 204
    assert not [request for request in web.requests if request.startswith("DELETE")]


def test_without_secure_hashes_the_client_is_believed(tmp_path: Path, web: Origin) -> None:
    server = Slipway(tmp_path, harness.local_backend(tmp_path), options_for(web, "local:file", do_secure_hash=False))
    try:
        api = Api(server.url)
        image_id = api.create()["id"]
        claim = {"os_hash_algo": "sha512", "os_hash_value": "beefdead" * 16}
        assert add(api, image_id, f"{web.url}/disk.raw", **claim).status_code == 202
        image = api.show(image_id)
        assert (image["status"], image["checksum"], image["os_hash_value"]) == ("active", None, "beefdead" * 16)
        other = api.create()["id"]
        assert add(api, other, f"{web.url}/disk.raw").status_code == 202
        image = api.show(other)
        assert (image["status"], image["os_hash_algo"], image["size"]) == ("active", None, len(DATA))
    finally:
        server.stop()


class TestByPatch:
    """Locations in a PATCH, as clients did it before."""

    def test_the_first_makes_the_image_active_without_digests(self, api: Api, web: Origin) -> None:
        image_id = api.create()["id"]
        assert api.show(image_id)["locations"] == []
        added = patch(api, image_id, {"add": "/locations/-", "value": at(f"{web.url}/disk.raw", foo="bar")})
        assert added.status_code == 200, added.text
        image = added.json()
        assert image["locations"] == [{"url": f"{web.url}/disk.raw", "metadata": {"foo": "bar", "store": "web"}}]
        assert (image["status"], image["checksum"], image["os_hash_algo"]) == ("active", None, None)

    def test_metadata_can_be_replaced_and_urls_can_not(self, api: Api, web: Origin) -> None:
        image_id = api.create()["id"]
        for url in (f"{web.url}/disk.raw", f"{web.url}/disk.raw#new"):
            assert patch(api, image_id, {"add": "/locations/-", "value": at(url)}).status_code == 200
        locations = api.show(image_id)["locations"]
        assert [location["url"] for location in locations] == [f"{web.url}/disk.raw", f"{web.url}/disk.raw#new"]
        assert patch(api, image_id, {"replace": "/locations", "value": locations}).status_code == 200
        locations[0]["metadata"]["date"] = "2015-10-15"
        assert patch(api, image_id, {"replace": "/locations", "value": locations}).status_code == 200
        assert patch(api, image_id, {"replace": "/locations", "value": locations[:1]}).status_code == 400
        other = [locations[0], at(f"{web.url}/disk.raw#third")]
        assert patch(api, image_id, {"replace": "/locations", "value": other}).status_code == 400
        assert patch(api, image_id, {"replace": "/locations", "value": []}).status_code == 403
        assert api.show(image_id)["locations"] == locations

    def test_all_but_the_last_can_be_removed(self, api: Api, web: Origin) -> None:
        image_id = api.create()["id"]
        for url in (f"{web.url}/disk.raw", f"{web.url}/disk.raw#new"):
            assert patch(api, image_id, {"add": "/locations/-", "value": at(url)}).status_code == 200
        assert patch(api, image_id, {"remove": "/locations/2"}).status_code == 400
        assert patch(api, image_id, {"remove": "/locations/x"}).status_code == 400
        assert patch(api, image_id, {"remove": "/locations/0"}).status_code == 200
        (left,) = api.show(image_id)["locations"]
        assert left["url"] == f"{web.url}/disk.raw#new"
        assert patch(api, image_id, {"remove": "/locations/0"}).status_code == 403

    def test_a_position_is_a_place_between_the_others(self, api: Api, web: Origin) -> None:
        image_id = api.create()["id"]
        wishes = [("-", "#a"), ("-", "#b"), ("0", "#first"), ("2", "#between"), ("9", "#last")]
        for position, name in wishes:
            wish = {"add": f"/locations/{position}", "value": at(f"{web.url}/disk.raw{name}")}
            assert patch(api, image_id, wish).status_code == 200
        urls = [location["url"] for location in api.show(image_id)["locations"]]
        names = ("#first", "#a", "#between", "#b", "#last")
        assert urls == [f"{web.url}/disk.raw{name}" for name in names]

    def test_validation_data_are_believed_once(self, api: Api, web: Origin) -> None:
        image_id = api.create()["id"]
        claim = {"checksum": "1" * 32, "os_hash_algo": "sha512", "os_hash_value": "deadbeef" * 16}
        first = at(f"{web.url}/disk.raw") | {"validation_data": claim}
        assert patch(api, image_id, {"add": "/locations/-", "value": first}).status_code == 200
        image = api.show(image_id)
        assert {key: image[key] for key in claim} == claim
        assert "validation_data" not in image["locations"][0]
        for wrong in (claim | {"checksum": "2" * 32}, claim | {"os_hash_algo": "sha256"}):
            more = at(f"{web.url}/disk.raw#new") | {"validation_data": wrong}
            assert patch(api, image_id, {"add": "/locations/-", "value": more}).status_code == 409
        same = at(f"{web.url}/disk.raw#new") | {"validation_data": claim}
        assert patch(api, image_id, {"add": "/locations/-", "value": same}).status_code == 200

    def test_digests_come_too_late_for_an_active_image(self, api: Api, web: Origin) -> None:
        image_id = api.create()["id"]
        assert patch(api, image_id, {"add": "/locations/-", "value": at(f"{web.url}/disk.raw")}).status_code == 200
        claim = {"os_hash_algo": "sha512", "os_hash_value": "deadbeef" * 16}
        late = at(f"{web.url}/disk.raw#new") | {"validation_data": claim}
        assert patch(api, image_id, {"add": "/locations/-", "value": late}).status_code == 409

    @pytest.mark.parametrize(
        "value",
        [
            {"url": "gopher://info.example", "metadata": {}},
            {"url": "file:///etc/passwd", "metadata": {}},
            {"url": "http://127.0.0.1/x"},
            {"url": "http://127.0.0.1/" + "x" * 250, "metadata": {}},
            {"url": 7, "metadata": {}},
            {"url": "http://127.0.0.1/x", "metadata": {"a": 1}},
            {"url": "http://127.0.0.1/x", "metadata": {}, "validation_data": {"checksum": "1" * 32}},
            "http://127.0.0.1/x",
        ],
    )
    def test_what_is_no_location_is_refused(self, api: Api, value: object) -> None:
        image_id = api.create()["id"]
        assert patch(api, image_id, {"add": "/locations/-", "value": value}).status_code == 400
        assert api.show(image_id)["status"] == "queued"

    def test_the_same_twice_is_refused_and_so_is_the_eleventh(self, api: Api, web: Origin) -> None:
        image_id = api.create()["id"]
        assert patch(api, image_id, {"add": "/locations/-", "value": at(f"{web.url}/disk.raw")}).status_code == 200
        assert patch(api, image_id, {"add": "/locations/-", "value": at(f"{web.url}/disk.raw")}).status_code == 400
        for n in range(9):
            answer = patch(api, image_id, {"add": "/locations/-", "value": at(f"{web.url}/disk.raw#{n}")})
            assert answer.status_code == 200
        eleventh = {"add": "/locations/-", "value": at(f"{web.url}/disk.raw#9")}
        assert patch(api, image_id, eleventh).status_code == 413

    def test_a_patch_that_is_refused_changes_nothing(self, api: Api, web: Origin) -> None:
        image_id = api.create()["id"]
        first = {"add": "/locations/-", "value": at(f"{web.url}/disk.raw")}
        more = {"add": "/locations/-", "value": at(f"{web.url}/disk.raw#more")}
        before = api.show(image_id)
        for refused, status in (
            ((first, {"remove": "/nothing"}), 409),
            ((first, {"replace": "/owner", "value": "x" * 256}), 400),
            ((first, first), 400),
            ((first, {"remove": "/locations/0"}), 403),
            (({"replace": "/name", "value": "new"}, first, {"remove": "/locations/7"}), 400),
        ):
            assert patch(api, image_id, *refused).status_code == status, refused
            assert api.show(image_id) == before, refused

        done = patch(
            api, image_id, {"replace": "/name", "value": "new"}, first, more, {"remove": "/locations/0"}
        )
        assert done.status_code == 200, done.text
        image = done.json()
        assert (image["name"], image["status"]) == ("new", "active")
        assert [location["url"] for location in image["locations"]] == [f"{web.url}/disk.raw#more"]

    def test_other_data_are_no_location_of_the_same_image(self, api: Api, web: Origin) -> None:
        web.files["/other.raw"] = octets(1000)
        image_id = api.create()["id"]
        assert patch(api, image_id, {"add": "/locations/-", "value": at(f"{web.url}/disk.raw")}).status_code == 200
        other = {"add": "/locations/-", "value": at(f"{web.url}/other.raw")}
        assert patch(api, image_id, other).status_code == 400


def test_a_preferred_store_is_read_first(api: Api, web: Origin) -> None:
    image_id = api.active(DATA)["id"]
    assert patch(api, image_id, {"add": "/locations/-", "value": at(f"{web.url}/disk.raw")}).status_code == 200

    def reads_of_the_web(query: str) -> int:
        before = len(web.requests)
        answer = api.get(f"/v2/images/{image_id}/file{query}")
        assert (answer.status_code, answer.content) == (200, DATA)
        return len(web.requests) - before

    assert reads_of_the_web("") == 0
    assert reads_of_the_web("?prefer=local,web") == 0
    assert reads_of_the_web("?prefer=,web") == 1
    assert api.get(f"/v2/images/{image_id}/file?prefer=nowhere").status_code == 400


def test_a_copy_is_taken_out_of_its_store(api: Api, web: Origin) -> None:
    image_id = api.active(DATA)["id"]
    assert api.delete(f"/v2/stores/nowhere/{image_id}").status_code == 409
    assert api.delete(f"/v2/stores/web/{image_id}").status_code == 403, "there is one copy only"
    assert patch(api, image_id, {"add": "/locations/-", "value": at(f"{web.url}/disk.raw")}).status_code == 200
    assert api.show(image_id)["stores"] == "local,web"
    assert api.delete(f"/v2/stores/local/{image_id}").status_code == 204
    assert api.show(image_id)["stores"] == "web"
    assert api.download(image_id).content == DATA
    assert api.delete(f"/v2/stores/web/{image_id}").status_code == 403
    assert api.delete(f"/v2/stores/web/{api.create()['id']}").status_code == 409


def test_where_locations_are_not_shown_they_can_not_be_changed(local_slipway: Slipway) -> None:
    api = Api(local_slipway.url)
    image_id = api.create()["id"]
    assert patch(api, image_id, {"add": "/locations/-", "value": at("http://127.0.0.1/x")}).status_code == 403


@pytest.fixture(scope="module")
def datastore_server(
    tmp_path_factory: pytest.TempPathFactory, web: Origin, vcenter_server: VCenter
) -> Iterator[Slipway]:
    work = tmp_path_factory.mktemp("slipway-named-files")
    backend = harness.vcenter_backend(vcenter_server)
    server = Slipway(work, backend, options_for(web, backend.name))
    yield server
    server.stop()


class TestOnADatastore:
    """A file in the folder of a vSphere store, named by a service."""

    def url_of(self, server: Slipway, path: str) -> str:
        """The URL of a file, with the server and the datastore of this store's own locations."""
        own = Api(server.url).active(octets(2 << 20))["id"]
        url: str = Api(server.service_url).show(own)["direct_url"]
        head, query = url.split("?", 1)
        return f"{head.split('/folder/')[0]}/folder/{path}?{query}"

    def folder(self, server: Slipway, vcenter: VCenter) -> Path:
        directory = str(server.backend.options["vmware_store_image_dir"]).strip("/")
        return vcenter.folders[vcenter.datastore] / directory

    def test_a_service_names_a_file_which_is_read_before_it_is_believed(
        self, datastore_server: Slipway, vcenter: VCenter
    ) -> None:
        folder = self.folder(datastore_server, vcenter)
        user, service = Api(datastore_server.url), Api(datastore_server.service_url)
        url = self.url_of(datastore_server, f"{folder.name}/kept/disk.img")
        (folder / "kept").mkdir()
        (folder / "kept" / "disk.img").write_bytes(DATA)
        image_id = user.create()["id"]
        assert add(user, image_id, url).status_code == 403
        assert add(service, image_id, url).status_code == 202
        image = eventually(lambda: (i := user.show(image_id))["status"] == "active" and i, "it is active")
        assert (image["checksum"], image["size"]) == (md5(DATA), len(DATA))
        assert user.download(image_id).content == DATA
        assert user.delete(f"/v2/images/{image_id}").status_code == 204
        again = user.create()["id"]  # the row of the deleted one is gone at some time; the file stays
        assert add(service, again, url).status_code == 202
        assert (folder / "kept" / "disk.img").read_bytes() == DATA

    @pytest.mark.parametrize(
        "change",
        [
            ("/folder/", "/folder/../"),
            ("/folder/", "/folder/other_dir/"),
            ("vsphere://", "VSPHERE://"),
            ("vsphere://", "vsphere://user@"),
            ("vsphere://", "vsphere://other."),
            ("/disk.img", "/../disk.img"),
            ("/disk.img", "/disk%2eimg"),
            ("dsName=", "dsName=x"),
            ("?dcPath", "?x=y&dcPath"),
            ("?dcPath", "??dcPath"),
        ],
    )
    def test_nothing_outside_of_the_store_can_be_named(
        self, datastore_server: Slipway, vcenter: VCenter, change: tuple[str, str]
    ) -> None:
        folder = self.folder(datastore_server, vcenter)
        url = self.url_of(datastore_server, f"{folder.name}/other/disk.img").replace(*change, 1)
        user = Api(datastore_server.url)
        fails_as_a_task(Api(datastore_server.service_url), user, user.create()["id"], url)

    def test_data_of_another_image_can_not_be_named(self, datastore_server: Slipway, vcenter: VCenter) -> None:
        user, service = Api(datastore_server.url), Api(datastore_server.service_url)
        url = service.show(user.active(octets(2 << 20))["id"])["direct_url"]
        fails_as_a_task(service, user, user.create()["id"], url)
