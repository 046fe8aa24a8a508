"""POST /v2/images/{id}/import, in every way, into one store and into several."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import harness
import pytest
from client import Api, eventually, md5, octets, sha512
from servers import Slipway, paths_below
from web import Web, serving

DATA = octets((1 << 20) + 7)
NOBODY = "70c4b014-c77e-467c-a910-1902585b5391"


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with serving() as server:
        server.pages["/disk"] = DATA
        yield server


def filtering(web: Web, **more: object) -> dict[str, object]:
    return {"allowed_hosts": "127.0.0.1", "allowed_ports": f"80, 443, {web.port}", **more}


@pytest.fixture(scope="module")
def slipway(tmp_path_factory: pytest.TempPathFactory, web: Web) -> Iterator[Slipway]:
    """Three stores: one, the default, two, and broken."""
    work = tmp_path_factory.mktemp("imports")
    backend = harness.Backend("one:file", harness.local_backend(work).options)
    options: dict[str, dict[str, object]] = {
        "DEFAULT": {"enabled_backends": "one:file, two:file, broken:file"},
        "import_filtering_opts": filtering(web),
    }
    for name in ("two", "broken"):
        (work / name).mkdir()
        options[name] = {"filesystem_store_datadir": work / name}
    server = Slipway(work, backend, options)
    yield server
    server.stop()


@pytest.fixture
def stores(slipway: Slipway) -> Api:
    return Api(slipway.url)


@pytest.fixture
def broken(slipway: Slipway) -> Iterator[None]:
    """Store `broken` takes nothing while the test runs."""
    folder = slipway.work / "broken"
    folder.rename(slipway.work / "away")
    (slipway.work / "broken").write_text("no folder")
    yield
    (slipway.work / "broken").unlink()
    (slipway.work / "away").rename(folder)


def web_download(web: Web, path: str = "/disk") -> dict[str, str]:
    return {"name": "web-download", "uri": web.url + path}


def paths_of(image_id: str, folder: Path) -> list[Path]:
    return [path for path in paths_below(folder) if path.name.startswith(image_id)]


def test_methods_are_announced(stores: Api) -> None:
    methods = stores.get("/v2/info/import").json()["import-methods"]
    assert (methods["type"], methods["value"]) == ("array", ["glance-direct", "web-download", "copy-image"])
    created = stores.post("/v2/images", json={"name": "x"})
    assert created.headers["OpenStack-image-import-methods"] == "glance-direct,web-download,copy-image"
    assert created.headers["OpenStack-image-store-ids"] == "one,two,broken"


def test_glance_direct(any_api: Api) -> None:
    image_id = any_api.staged(DATA)
    answer = any_api.import_image(image_id, "glance-direct")
    assert (answer.status_code, answer.content) == (202, b"")
    assert "Location" not in answer.headers
    task = any_api.import_over(image_id)
    assert (task["type"], task["status"], task["message"]) == ("api_image_import", "success", "")
    assert task["request_id"] == answer.headers["x-openstack-request-id"]
    assert task["input"]["import_req"]["method"]["name"] == "glance-direct"
    assert task["result"] == {"image_id": image_id}
    assert task["image_id"] == image_id
    image = any_api.show(image_id)
    assert (image["status"], image["size"], image["checksum"]) == ("active", len(DATA), md5(DATA))
    assert (image["os_hash_algo"], image["os_hash_value"]) == ("sha512", sha512(DATA))
    assert image["virtual_size"] == len(DATA)
    assert not any(name.startswith("os_glance_import_task") for name in image)
    assert any_api.download(image_id).content == DATA


def test_a_body_that_is_no_request_is_refused(stores: Api) -> None:
    image_id = stores.staged(b"data")
    path = f"/v2/images/{image_id}/import"
    direct = {"name": "glance-direct"}
    for body in (
        b"",
        b"{",
        b"[]",
        b'"x"',
        {},
        {"method": "glance-direct"},
        {"method": {}},
        {"method": {"name": "carrier-pigeon"}},
        {"method": {"name": "glance-download"}},
        {"method": direct, "stores": "one"},
        {"method": direct, "stores": []},
        {"method": direct, "stores": ["one", "one"]},
        {"method": direct, "stores": ["os_glance_staging_store"]},
        {"method": direct, "stores": ["one"], "all_stores": True},
        {"method": direct, "all_stores": "yes"},
        {"method": direct, "all_stores_must_succeed": "no"},
    ):
        sent = {"data": body} if isinstance(body, bytes) else {"json": body}
        answer = stores.post(path, **sent)
        assert answer.status_code == 400, (body, answer.status_code, answer.text)
    header = {"x-image-meta-store": "one"}
    for wishes in ({"stores": ["two"]}, {"all_stores": True}):
        assert stores.import_image(image_id, "glance-direct", headers=header, **wishes).status_code == 400
    assert stores.show(image_id)["status"] == "uploading"
    assert stores.image_tasks(image_id) == []


def test_an_image_in_the_wrong_state_is_refused(stores: Api, web: Web) -> None:
    queued = stores.create()["id"]
    staged = stores.staged(b"data")
    active = stores.active(b"data")["id"]
    assert stores.import_image(NOBODY, "glance-direct").status_code == 404
    for image_id, method in (
        (queued, "glance-direct"),
        (active, "glance-direct"),
        (staged, web_download(web)),
        (active, web_download(web)),
        (queued, "copy-image"),
        (staged, "copy-image"),
    ):
        answer = stores.import_image(image_id, method)
        assert answer.status_code == 409, (method, answer.text)
    bare = stores.post("/v2/images", json={"name": "no formats"}).json()["id"]
    assert stores.import_image(bare, web_download(web)).status_code == 409
    assert stores.import_image(staged, "glance-direct", stores=["nowhere"]).status_code == 409
    assert stores.import_image(active, "copy-image", stores=["one"]).status_code == 400


def test_content_that_is_not_what_it_claims_fails_with_its_reason(any_api: Api) -> None:
    image_id = any_api.staged(DATA, disk_format="qcow2")
    assert any_api.import_image(image_id, "glance-direct").status_code == 202
    task = any_api.import_over(image_id)
    assert task["status"] == "failure"
    assert "declared as qcow2 but its content is raw" in task["message"]
    image = any_api.show(image_id)
    assert (image["status"], image["size"], image["checksum"]) == ("queued", None, None)
    assert any_api.upload(image_id, DATA).status_code == 415
    assert any_api.stage(image_id, DATA).status_code == 204


def test_every_store_is_filled_in_their_order(stores: Api) -> None:
    image_id = stores.staged(DATA)
    assert stores.import_image(image_id, "glance-direct", all_stores=True).status_code == 202
    assert stores.import_over(image_id)["status"] == "success"
    image = stores.show(image_id)
    assert (image["status"], image["stores"]) == ("active", "one,two,broken")
    assert (image["os_glance_importing_to_stores"], image["os_glance_failed_import"]) == ("", "")
    assert stores.download(image_id).content == DATA


def test_the_named_store_only(stores: Api, slipway: Slipway) -> None:
    for wishes in ({"stores": ["two"]}, {"headers": {"x-image-meta-store": "two"}}):
        image_id = stores.staged(DATA)
        assert stores.import_image(image_id, "glance-direct", **wishes).status_code == 202
        assert stores.import_over(image_id)["status"] == "success"
        assert stores.show(image_id)["stores"] == "two"
        assert stores.download(image_id).content == DATA
        staging = Path(str(slipway.backend.options["filesystem_store_datadir"]))
        eventually(lambda: not paths_of(image_id, staging), "nothing is left where it was staged")


def test_one_store_that_fails_fails_all(stores: Api, broken: None) -> None:
    image_id = stores.staged(DATA)
    assert stores.import_image(image_id, "glance-direct", all_stores=True).status_code == 202
    task = stores.import_over(image_id)
    assert (task["status"], bool(task["message"])) == ("failure", True)
    image = stores.show(image_id)
    assert image["status"] == "uploading", "the staged data can be imported elsewhere"
    assert (image["os_glance_importing_to_stores"], image["os_glance_failed_import"]) == ("", "broken")
    assert stores.import_image(image_id, "glance-direct", stores=["two"]).status_code == 202
    assert stores.import_over(image_id)["status"] == "success"
    assert stores.show(image_id)["stores"] == "two"


def test_a_store_may_fail_where_that_is_wanted(stores: Api, broken: None) -> None:
    image_id = stores.staged(DATA)
    wishes = {"all_stores": True, "all_stores_must_succeed": False}
    assert stores.import_image(image_id, "glance-direct", **wishes).status_code == 202
    assert stores.import_over(image_id)["status"] == "success"
    image = stores.show(image_id)
    assert (image["status"], image["stores"]) == ("active", "one,two")
    assert (image["os_glance_importing_to_stores"], image["os_glance_failed_import"]) == ("", "broken")


def test_copy_image(stores: Api) -> None:
    image_id = stores.active(DATA)["id"]
    assert stores.show(image_id)["stores"] == "one"
    answer = stores.import_image(image_id, "copy-image", stores=["two"])
    assert (answer.status_code, answer.content) == (202, b"")
    assert stores.import_over(image_id)["status"] == "success"
    image = stores.show(image_id)
    assert (image["status"], image["stores"]) == ("active", "one,two")
    assert (image["os_glance_importing_to_stores"], image["os_glance_failed_import"]) == ("", "")
    assert stores.import_image(image_id, "copy-image", all_stores=True).status_code == 202
    assert stores.import_over(image_id)["status"] == "success"
    assert stores.import_image(image_id, "copy-image", all_stores=True).status_code == 202
    assert len(stores.image_tasks(image_id)) == 2, "nothing was left to copy"
    assert stores.delete(f"/v2/stores/one/{image_id}").status_code == 204
    assert stores.download(image_id).content == DATA


def test_copy_image_leaves_the_image_as_it_was(stores: Api, broken: None) -> None:
    image_id = stores.active(DATA)["id"]
    assert stores.import_image(image_id, "copy-image", all_stores=True).status_code == 202
    assert stores.import_over(image_id)["status"] == "failure"
    image = stores.show(image_id)
    assert (image["status"], image["stores"]) == ("active", "one")
    assert (image["os_glance_importing_to_stores"], image["os_glance_failed_import"]) == ("", "broken")


def test_web_download(stores: Api, web: Web) -> None:
    web.redirects["/moved"] = "/disk"
    for path in ("/disk", "/moved"):
        image_id = stores.create()["id"]
        assert stores.import_image(image_id, web_download(web, path)).status_code == 202
        assert stores.import_over(image_id)["status"] == "success"
        image = stores.show(image_id)
        assert (image["status"], image["size"], image["checksum"]) == ("active", len(DATA), md5(DATA))
        assert stores.download(image_id).content == DATA
    for _, headers in web.asked:
        assert not {"Authorization", "X-Auth-Token", "Cookie"} & set(headers)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "vsphere://127.0.0.1/folder/x",
        "http://",
        "http:///x",
        "//127.0.0.1/x",
        "http://good@127.0.0.1/",
        "http://127.0.0.1\\@example.org/",
        "http://127.0.0.1:22/",
        "http://127.0.0.1:65536/",
        "http://127.0.0.1/a\r\nX: y",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://017700000001/",
        "http://127.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://0.0.0.0/",
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost./",
    ],
)
def test_a_uri_that_is_not_allowed_is_refused(stores: Api, uri: str) -> None:
    image_id = stores.create()["id"]
    answer = stores.import_image(image_id, {"name": "web-download", "uri": uri})
    assert answer.status_code == 400, answer.text
    image = stores.show(image_id)
    assert image["status"] == "queued"
    assert "os_glance_import_task" not in image


def test_a_redirect_that_is_not_allowed_fails(stores: Api, web: Web) -> None:
    web.redirects["/out"] = "http://169.254.169.254/"
    web.redirects["/loop"] = "/loop"
    for path in ("/out", "/loop", "/nothing"):
        image_id = stores.create()["id"]
        assert stores.import_image(image_id, web_download(web, path)).status_code == 202
        task = stores.import_over(image_id)
        assert task["status"] == "failure"
        assert task["message"]
        image = stores.show(image_id)
        assert (image["status"], image["os_glance_failed_import"]) == ("queued", "one")


def test_a_download_that_breaks_off_leaves_nothing(stores: Api, web: Web, slipway: Slipway) -> None:
    web.pages["/cut"] = DATA
    web.cut.add("/cut")
    image_id = stores.create()["id"]
    assert stores.import_image(image_id, web_download(web, "/cut")).status_code == 202
    assert stores.import_over(image_id)["status"] == "failure"
    image = stores.show(image_id)
    assert (image["status"], image["size"]) == ("queued", None)
    staging = Path(str(slipway.backend.options["filesystem_store_datadir"]))
    eventually(lambda: not paths_of(image_id, staging), "the half file is gone")
    assert stores.import_image(image_id, web_download(web)).status_code == 202
    assert stores.import_over(image_id)["status"] == "success"


def test_while_it_is_imported_an_image_is_locked_and_can_be_deleted(
    stores: Api, web: Web, slipway: Slipway
) -> None:
    web.pages["/slow"] = octets(10 << 20)
    web.hold.add("/slow")
    image_id = stores.create()["id"]
    assert stores.import_image(image_id, web_download(web, "/slow")).status_code == 202
    assert web.held.wait(60)
    image = stores.show(image_id)
    task = stores.image_tasks(image_id)[0]
    assert (image["status"], image["os_glance_importing_to_stores"]) == ("importing", "one")
    assert image["os_glance_import_task"] == task["id"]
    assert (task["status"], task["result"]) == ("processing", None)
    for method in (web_download(web), "glance-direct"):
        assert stores.import_image(image_id, method).status_code == 409
    assert stores.upload(image_id, b"x").status_code == 409
    assert stores.patch(image_id, [{"op": "remove", "path": "/os_glance_import_task"}]).status_code == 403
    assert stores.delete(f"/v2/images/{image_id}").status_code == 204
    web.release.set()
    ended = stores.finished_task(task["id"])
    assert ended["status"] in ("failure", "cancelled")
    staging = Path(str(slipway.backend.options["filesystem_store_datadir"]))
    eventually(lambda: not paths_of(image_id, staging), "what was downloaded is gone")


def test_an_import_that_fails_without_its_catalogue_ends_when_that_is_back(
    stores: Api, web: Web, slipway: Slipway
) -> None:
    web.pages["/lost"] = octets(10 << 20)
    web.hold.add("/lost")
    web.held.clear()
    web.release.clear()
    image_id = stores.create()["id"]
    assert stores.import_image(image_id, web_download(web, "/lost")).status_code == 202
    assert web.held.wait(60)
    with contextlib.closing(sqlite3.connect(slipway.work / "catalog.sqlite", timeout=30)) as catalogue:
        # No image can be read meanwhile.
        catalogue.execute("alter table image_properties rename to hidden")
        catalogue.commit()
        tries = slipway.log().count("catalogue.again")
        web.release.set()
        eventually(lambda: slipway.log().count("catalogue.again") > tries, "the import has failed")
        catalogue.execute("alter table hidden rename to image_properties")
        catalogue.commit()
    eventually(lambda: stores.show(image_id)["status"] == "queued", "the image is free")
    assert stores.import_over(image_id)["status"] == "failure"
    assert stores.import_image(image_id, web_download(web)).status_code == 202
    assert stores.import_over(image_id)["status"] == "success"


def test_without_allowed_hosts_this_machine_is_refused(api: Api, web: Web) -> None:
    image_id = api.create()["id"]
    for uri in (web.url + "/disk", "http://127.0.0.1/"):
        answer = api.import_image(image_id, {"name": "web-download", "uri": uri})
        assert answer.status_code == 400
        assert "does not pass filtering" in answer.text


@pytest.mark.parametrize("uri", ["http:///x", "https://h.example:99999/x", "h.example/x", "http://h.example/a b"])
def test_what_is_no_url_does_not_pass_either(api: Api, uri: str) -> None:
    answer = api.import_image(api.create()["id"], {"name": "web-download", "uri": uri})
    assert answer.status_code == 400
    assert "does not pass filtering" in answer.text
