"""Create, show, change, list and delete images, without data."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import harness
import pytest
from client import PATCH_V20, Api
from servers import Slipway

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def test_a_new_image_has_the_documented_defaults(api: Api) -> None:
    answer = api.post("/v2/images", json={})
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "application/json"
    image = answer.json()
    assert str(uuid.UUID(image["id"])) == image["id"]
    assert answer.headers["Location"] == f"{api.url}/v2/images/{image['id']}"
    assert answer.headers["OpenStack-image-store-ids"] == "local"
    assert TIME.fullmatch(image["created_at"])
    assert TIME.fullmatch(image["updated_at"])
    assert image == {
        "id": image["id"],
        "name": None,
        "status": "queued",
        "visibility": "shared",
        "owner": image["owner"],
        "size": None,
        "virtual_size": None,
        "disk_format": None,
        "container_format": None,
        "min_disk": 0,
        "min_ram": 0,
        "protected": False,
        "os_hidden": False,
        "checksum": None,
        "os_hash_algo": None,
        "os_hash_value": None,
        "tags": [],
        "created_at": image["created_at"],
        "updated_at": image["updated_at"],
        "self": f"/v2/images/{image['id']}",
        "file": f"/v2/images/{image['id']}/file",
        "schema": "/v2/schemas/image",
    }
    assert api.show(image["id"]) == image


def test_everything_a_client_may_set_is_kept(api: Api) -> None:
    wanted: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "name": "Grüße 🚀 <&>",
        "visibility": "public",
        "owner": "project",
        "disk_format": "vmdk",
        "container_format": "ova",
        "min_disk": 3,
        "min_ram": 2147483647,
        "protected": False,
        "os_hidden": True,
        "vmware_adaptertype": "lsiLogic",
        "a/b~c ä": "x" * 5000,
        "empty": "",
    }
    image = api.create(**wanted, tags=["b", "a", "b"])
    assert {key: image[key] for key in wanted} == wanted
    assert sorted(image["tags"]) == ["a", "b"]
    assert api.show(wanted["id"]) == image


def test_an_id_is_used_once(api: Api) -> None:
    image_id = api.create()["id"]
    assert api.post("/v2/images", json={"id": image_id}).status_code == 409
    assert api.delete(f"/v2/images/{image_id}").status_code == 204
    assert api.post("/v2/images", json={"id": image_id}).status_code == 409


def test_ids_in_upper_case_are_shown_in_lower_case(api: Api) -> None:
    image_id = str(uuid.uuid4())
    assert api.create(id=image_id.upper())["id"] == image_id
    assert api.show(image_id.upper())["id"] == image_id


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ({"id": "7"}, 400),
        ({"name": "x" * 256}, 400),
        ({"name": 7}, 400),
        ({"tags": ["x" * 256]}, 400),
        ({"tags": "x"}, 400),
        ({"disk_format": "floppy"}, 400),
        ({"container_format": "box"}, 400),
        ({"visibility": "secret"}, 400),
        ({"visibility": None}, 400),
        ({"protected": "yes"}, 400),
        ({"min_disk": -1}, 400),
        ({"min_ram": 2147483648}, 400),
        ({"min_disk": "3"}, 400),
        ({"min_disk": 1.5}, 400),
        ({"custom": 7}, 400),
        ({"custom": None}, 400),
        ({"custom": {"a": "b"}}, 400),
        ({"x" * 256: "long name"}, 400),
        ({"tags": [str(n) for n in range(129)]}, 413),
        ({f"p{n}": "" for n in range(129)}, 413),
        ({"self": "/v2/images/x"}, 403),
        ({"file": "x"}, 403),
        ({"schema": "x"}, 403),
        ({"direct_url": "x"}, 403),
        ({"stores": "local"}, 403),
        ({"location": "x"}, 403),
        ({"deleted": "x"}, 403),
        ({"deleted_at": "x"}, 403),
        ({"os_glance_anything": "x"}, 403),
        ({"created_at": "2020-01-01T00:00:00Z"}, 403),
        ({"updated_at": "2020-01-01T00:00:00Z"}, 403),
        ({"status": "active"}, 403),
        ({"checksum": "d41d8cd98f00b204e9800998ecf8427e"}, 403),
        ({"size": 7}, 403),
        ({"virtual_size": 7}, 403),
        ({"os_hash_algo": "sha512"}, 403),
        ({"os_hash_value": "ab"}, 403),
        ({"locations": []}, 403),
    ],
)
def test_what_an_image_can_not_have_is_refused(api: Api, attributes: dict[str, Any], status: int) -> None:
    assert api.post("/v2/images", json=attributes).status_code == status


def test_an_image_may_have_as_much_as_the_quotas_allow(api: Api) -> None:
    properties = {f"p{n}": "" for n in range(128)}
    image = api.create(tags=[str(n) for n in range(128)], **properties)
    assert len(image["tags"]) == 128
    one_more = [{"op": "add", "path": "/p128", "value": ""}]
    assert api.patch(image["id"], one_more).status_code == 413
    swap = [{"op": "remove", "path": "/p0"}, {"op": "add", "path": "/p128", "value": ""}]
    assert api.patch(image["id"], swap).status_code == 200
    assert api.put(f"/v2/images/{image['id']}/tags/128").status_code == 413
    assert api.put(f"/v2/images/{image['id']}/tags/127").status_code == 204


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("image_id", [str(uuid.UUID(int=0)), "none", "x" * 300, "%20", "..%2f"])
def test_an_image_that_is_not_there_is_not_found(api: Api, method: str, image_id: str) -> None:
    assert api(method, f"/v2/images/{image_id}").status_code == 404


# ----------------------------------------------------------------------------------------- delete


def test_a_deleted_image_is_gone(api: Api) -> None:
    image_id = api.create()["id"]
    answer = api.delete(f"/v2/images/{image_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.get(f"/v2/images/{image_id}").status_code == 404
    assert api.delete(f"/v2/images/{image_id}").status_code == 404
    assert api.images(f"?id={image_id}") == []


def test_a_protected_image_stays(api: Api) -> None:
    image_id = api.create(protected=True)["id"]
    assert api.delete(f"/v2/images/{image_id}").status_code == 403
    unprotect = [{"op": "replace", "path": "/protected", "value": False}]
    assert api.patch(image_id, unprotect).status_code == 200
    assert api.delete(f"/v2/images/{image_id}").status_code == 204


# ------------------------------------------------------------------------------------------ patch


def test_patch_adds_replaces_and_removes(api: Api) -> None:
    image_id = api.create(name="before", old="1", changed="1")["id"]
    answer = api.patch(
        image_id,
        [
            {"op": "replace", "path": "/name", "value": "after"},
            {"op": "add", "path": "/min_ram", "value": 512},
            {"op": "replace", "path": "/tags", "value": ["x", "y"]},
            {"op": "replace", "path": "/changed", "value": "2"},
            {"op": "add", "path": "/a~1b~0c", "value": "new"},
            {"op": "remove", "path": "/old"},
            {"op": "replace", "path": "/disk_format", "value": "qcow2"},
        ],
    )
    assert answer.status_code == 200
    image = answer.json()
    assert image["name"] == "after"
    assert image["min_ram"] == 512
    assert sorted(image["tags"]) == ["x", "y"]
    assert image["changed"] == "2"
    assert image["a/b~c"] == "new"
    assert image["disk_format"] == "qcow2"
    assert "old" not in image
    assert api.show(image_id) == image


def test_the_older_patch_names_the_operation_by_its_key(api: Api) -> None:
    image_id = api.create(name="before", old="1")["id"]
    answer = api.patch(
        image_id,
        [
            {"replace": "/name", "value": "after"},
            {"add": "/new", "value": "2"},
            {"remove": "/old"},
        ],
        PATCH_V20,
    )
    assert answer.status_code == 200
    image = answer.json()
    assert (image["name"], image["new"]) == ("after", "2")
    assert "old" not in image
    assert api.patch(image_id, [{"add": "/name", "value": "x"}], PATCH_V20).status_code == 409
    assert api.patch(image_id, [{"add": "/new", "value": "x"}], PATCH_V20).status_code == 409


def test_an_empty_patch_changes_nothing(api: Api) -> None:
    image = api.create()
    answer = api.patch(image["id"], [])
    assert answer.status_code == 200
    assert answer.json()["name"] == image["name"]


@pytest.mark.parametrize("media_type", ["application/json", "application/json-patch+json", "text/plain"])
def test_other_media_types_are_told_which_to_use(api: Api, media_type: str) -> None:
    answer = api.patch(api.create()["id"], [], media_type)
    assert answer.status_code == 415
    offered = {word.strip() for word in answer.headers["Accept-Patch"].split(",")}
    assert offered == {
        "application/openstack-images-v2.0-json-patch",
        "application/openstack-images-v2.1-json-patch",
    }


def test_parameters_of_the_media_type_are_ignored(api: Api) -> None:
    media_type = "application/openstack-images-v2.1-json-patch; charset=utf-8"
    assert api.patch(api.create()["id"], [], media_type).status_code == 200


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ("text", 400),
        ({}, 400),
        ({"op": "add", "value": "x"}, 400),
        ({"path": "/name", "value": "x"}, 400),
        ({"op": "move", "path": "/name", "value": "x"}, 400),
        ({"op": "test", "path": "/name", "value": "x"}, 400),
        ({"op": "replace", "path": "/name"}, 400),
        ({"op": "replace", "path": "name", "value": "x"}, 400),
        ({"op": "replace", "path": "/", "value": "x"}, 400),
        ({"op": "replace", "path": "/a//b", "value": "x"}, 400),
        ({"op": "replace", "path": "/name/", "value": "x"}, 400),
        ({"op": "replace", "path": "/na~2me", "value": "x"}, 400),
        ({"op": "add", "path": "/tags/0", "value": "x"}, 400),
        ({"op": "replace", "path": "/name", "value": 7}, 400),
        ({"op": "replace", "path": "/min_ram", "value": -1}, 400),
        ({"op": "replace", "path": "/visibility", "value": "x"}, 400),
        ({"op": "add", "path": "/" + "x" * 256, "value": "x"}, 400),
        ({"op": "replace", "path": "/absent", "value": "x"}, 409),
        ({"op": "remove", "path": "/absent"}, 409),
        ({"op": "remove", "path": "/name"}, 403),
        ({"op": "remove", "path": "/tags"}, 403),
        *[
            ({"op": "replace", "path": f"/{name}", "value": value}, 403)
            for name, value in {
                "id": str(uuid.UUID(int=1)),
                "status": "active",
                "size": 1,
                "virtual_size": 1,
                "checksum": "d41d8cd98f00b204e9800998ecf8427e",
                "os_hash_algo": "sha512",
                "os_hash_value": "ab",
                "created_at": "2020-01-01T00:00:00Z",
                "updated_at": "2020-01-01T00:00:00Z",
                "self": "x",
                "file": "x",
                "schema": "x",
                "direct_url": "x",
                "location": "x",
                "deleted": "x",
                "deleted_at": "x",
                "os_glance_x": "x",
                "locations": [],
            }.items()
        ],
        ({"op": "add", "path": "/stores", "value": "x"}, 403),
        ({"op": "add", "path": "/locations/-", "value": {"url": "x", "metadata": {}}}, 403),
        ({"op": "remove", "path": "/locations/0"}, 403),
        ({"op": "replace", "path": "/tags", "value": [str(n) for n in range(129)]}, 413),
    ],
)
def test_a_patch_that_fails_changes_nothing(api: Api, operation: object, status: int) -> None:
    image = api.create(name="before")
    first = {"op": "replace", "path": "/name", "value": "after"}
    assert api.patch(image["id"], [first, operation]).status_code == status
    assert api.show(image["id"]) == image


@pytest.mark.parametrize("body", ["{}", '"text"', "7", "null", "["])
def test_a_patch_is_a_list(api: Api, body: str) -> None:
    image_id = api.create()["id"]
    headers = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
    assert api("PATCH", f"/v2/images/{image_id}", data=body, headers=headers).status_code == 400


def test_formats_are_fixed_once_there_is_data(api: Api) -> None:
    image = api.active(b"data")
    change = [{"op": "replace", "path": "/disk_format", "value": "qcow2"}]
    assert api.patch(image["id"], change).status_code == 403
    rename = [{"op": "replace", "path": "/name", "value": "after"}]
    assert api.patch(image["id"], rename).status_code == 200


def test_an_admin_gives_an_image_to_another_project(api: Api) -> None:
    image_id = api.create()["id"]
    answer = api.patch(image_id, [{"op": "replace", "path": "/owner", "value": "another"}])
    assert (answer.status_code, answer.json()["owner"]) == (200, "another")


# ------------------------------------------------------------------------------------------- list


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A slipway that holds exactly the images of `SHELF`."""
    work = tmp_path_factory.mktemp("shelf")
    server = Slipway(work, harness.local_backend(work), {"DEFAULT": {"limit_param_default": 4, "api_limit_max": 6}})
    try:
        api = Api(server.url)
        for image in SHELF:
            size = image.get("size")
            attributes = {key: value for key, value in image.items() if key != "size"}
            if size is None:
                api.create(**attributes)
            else:
                api.active(b"x" * size, **attributes)
        yield api
    finally:
        server.stop()


SHELF: list[dict[str, Any]] = [
    {"name": "a", "size": 10, "tags": ["t", "u"], "min_ram": 1, "os_distro": "debian"},
    {"name": "b", "size": 20, "tags": ["t", "u"], "min_ram": 2, "os_distro": "debian"},
    {"name": "c", "size": 30, "tags": ["t"], "visibility": "public", "owner": "p"},
    {"name": "d", "tags": ["t", "u"], "disk_format": "qcow2", "visibility": "private"},
    {"name": "e,e", "tags": [], "container_format": "ova", "disk_format": "vmdk", "protected": True},
    {"name": 'f"f', "tags": ["t", "u"], "disk_format": "iso", "visibility": "community", "owner": "q"},
    {"name": "hidden", "tags": ["t", "u"], "os_hidden": True},
    {"name": "b", "tags": ["t", "u", "v w"], "disk_format": "qcow2"},
]


def names(api: Api, query: str) -> list[str]:
    return [image["name"] for image in api.images(query)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name=a", ["a"]),
        ("name=eq:a", ["a"]),
        ("name=b", ["b", "b"]),
        ("name=in:a,c", ["a", "c"]),
        ('name=in:"e,e",a', ["a", "e,e"]),
        ('visibility=community&name=in:"f\\"f"', ['f"f']),
        ("name=none", []),
        ("disk_format=qcow2", ["b", "d"]),
        ("disk_format=in:qcow2,vmdk", ["b", "d", "e,e"]),
        ("container_format=ova", ["e,e"]),
        ("status=active", ["a", "b", "c"]),
        ("status=in:active,queued&tag=u", ["a", "b", "b", "d"]),
        ("size=20", ["b"]),
        ("size_min=20", ["b", "c"]),
        ("size_max=20&status=active", ["a", "b"]),
        ("size_min=11&size_max=29", ["b"]),
        ("min_ram_min=2", ["b"]),
        ("min_ram=1", ["a"]),
        ("tag=t&tag=u", ["a", "b", "b", "d"]),
        ("tag=v+w", ["b"]),
        ("tag=none", []),
        ("visibility=public", ["c"]),
        ("visibility=private", ["d"]),
        ("visibility=community", ['f"f']),
        ("visibility=shared&status=active", ["a", "b"]),
        ("visibility=all&disk_format=iso", ['f"f']),
        ("protected=true", ["e,e"]),
        ("os_hidden=true", ["hidden"]),
        ("os_hidden=True", ["hidden"]),
        ("owner=p", ["c"]),
        ("os_distro=debian", ["a", "b"]),
        ("os_distro=suse", []),
        ("is_public=true", []),
        ("deleted=true&name=a", ["a"]),
        ("created_at=gt:2020-01-01T00:00:00Z&name=a", ["a"]),
        ("updated_at=lt:2020-01-01T00:00:00Z", []),
        ("checksum=none", []),
    ],
)
def test_filters(shelf: Api, query: str, found: list[str]) -> None:
    assert sorted(names(shelf, f"?limit=6&{query}")) == found


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=a",
        "marker=none",
        f"marker={uuid.UUID(int=0)}",
        "sort_key=secret",
        "sort_dir=up",
        "sort_key=name&sort_key=size&sort_key=id&sort_dir=asc&sort_dir=desc",
        "sort=",
        "sort=name:up",
        "sort=secret",
        "sort=name&sort_key=name",
        "member_status=maybe",
        "visibility=secret",
        "os_hidden=perhaps",
        "protected=True",
        "name=neq:a",
        'name=in:"a',
        'name=in:a"b',
        "created_at=yesterday",
        "created_at=near:2020-01-01T00:00:00Z",
        "size_min=a",
        "size=a",
        "changes-since=2020-01-01T00:00:00Z",
    ],
)
def test_a_bad_parameter_is_refused(shelf: Api, query: str) -> None:
    assert shelf.get(f"/v2/images?{query}").status_code == 400


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sort=name:asc", ["a", "b", "b", "c", "d", "e,e"]),
        ("sort=name:asc,size:desc&name=in:a,b&status=active", ["a", "b"]),
        ("sort=name&name=in:a,b,c", ["c", "b", "b", "a"]),
        ("sort=disk_format:asc,%20name:desc&name=in:a,b,c,d", ["d", "b", "c", "b", "a"]),
        ("sort_key=name&sort_dir=asc", ["a", "b", "b", "c", "d", "e,e"]),
        ("sort_key=size&sort_dir=desc&status=active", ["c", "b", "a"]),
        ("sort_key=status&sort_key=name&sort_dir=asc&sort_dir=desc&tag=u", ["b", "a", "d", "b"]),
    ],
)
def test_order(shelf: Api, query: str, found: list[str]) -> None:
    assert names(shelf, f"?limit=6&{query}") == found


def follow(api: Api, path: str) -> tuple[list[str], list[str]]:
    """The ids on all pages from this one, and the links between them."""
    ids: list[str] = []
    links: list[str] = []
    while path:
        answer = api.get(path)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        ids += [image["id"] for image in page["images"]]
        path = page.get("next", "")
        if path:
            links.append(path)
        assert len(links) < 50
    return ids, links


@pytest.mark.parametrize("sort", ["created_at:desc", "name:asc", "size:asc", "size:desc", "disk_format:asc,name:desc", "id:asc"])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_hold_every_image_once(shelf: Api, sort: str, limit: int) -> None:
    whole = [image["id"] for image in shelf.images(f"?limit=6&sort={sort}&visibility=shared")]
    paged, _ = follow(shelf, f"/v2/images?limit={limit}&sort={sort}&visibility=shared")
    assert paged == whole


def test_links_between_pages_keep_every_parameter(shelf: Api) -> None:
    query = "limit=2&tag=t&tag=u&sort_key=name&sort_key=id&sort_dir=asc&sort_dir=desc"
    page = shelf.get(f"/v2/images?{query}").json()
    last = page["images"][-1]["id"]
    assert page["first"] == f"/v2/images?{query}"
    assert page["next"] == f"/v2/images?{query}&marker={last}"
    assert page["schema"] == "/v2/schemas/images"
    ids, _ = follow(shelf, f"/v2/images?{query}")
    assert len(ids) == len(set(ids)) == 4


def test_links_are_encoded_as_forms_are(shelf: Api) -> None:
    page = shelf.get("/v2/images?tag=v%20w&created_at=gt:2020-01-01T00:00:00Z").json()
    assert page["first"] == "/v2/images?tag=v+w&created_at=gt%3A2020-01-01T00%3A00%3A00Z"
    assert "next" not in page


def test_a_marker_need_not_match_the_filters(shelf: Api) -> None:
    marker = shelf.images("?name=a")[0]["id"]
    assert names(shelf, f"?sort=name:asc&disk_format=qcow2&marker={marker}") == ["b", "d"]


def test_page_sizes(shelf: Api) -> None:
    assert len(shelf.images()) == 4
    assert len(shelf.images("?limit=100")) == 6
    empty = shelf.get("/v2/images?limit=0").json()
    assert empty["images"] == []
    assert "next" not in empty


def test_the_newest_image_comes_first(shelf: Api) -> None:
    times = [image["created_at"] for image in shelf.images("?limit=6")]
    assert times == sorted(times, reverse=True)


def test_quotas_can_be_set(tmp_path: Path) -> None:
    options = {"DEFAULT": {"image_tag_quota": 1, "image_property_quota": 0, "image_member_quota": 1}}
    server = Slipway(tmp_path, harness.local_backend(tmp_path), options)
    try:
        api = Api(server.url)
        assert api.post("/v2/images", json={"tags": ["a", "b"]}).status_code == 413
        assert api.post("/v2/images", json={"custom": ""}).status_code == 413
        image_id = api.create(tags=["a"])["id"]
        assert api.put(f"/v2/images/{image_id}/tags/b").status_code == 413
        assert api.post(f"/v2/images/{image_id}/members", json={"member": "a"}).status_code == 200
        assert api.post(f"/v2/images/{image_id}/members", json={"member": "b"}).status_code == 413
    finally:
        server.stop()
