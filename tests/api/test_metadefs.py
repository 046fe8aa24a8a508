"""Metadata definitions: every call below /v2/metadefs, and their schemas."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest
import requests
from client import Api
from servers import Slipway

NAMESPACES = "/v2/metadefs/namespaces"
KNOWN_TYPES = {
    "OS::Cinder::Volume", "OS::Glance::Image", "OS::Nova::Aggregate", "OS::Nova::Flavor", "OS::Nova::Server",
    "OS::Trove::Instance",
}  # fmt: skip
TEXT = {"title": "T", "type": "string"}
MISSING = "no-such-namespace"


@pytest.fixture(scope="module", autouse=True)
def empty_afterwards(local_slipway: Slipway) -> Iterator[None]:
    yield
    api = Api(local_slipway.url)
    for space in api.get(f"{NAMESPACES}?limit=1000").json()["namespaces"]:
        api.put(f"{NAMESPACES}/{space['namespace']}", json={"namespace": space["namespace"]})
        assert api.delete(f"{NAMESPACES}/{space['namespace']}").status_code == 204


@pytest.fixture
def name() -> str:
    return f"OS::Test::{uuid.uuid4()}"


@pytest.fixture
def space(api: Api, name: str) -> str:
    """The path of an empty public namespace."""
    created(api.post(NAMESPACES, json={"namespace": name, "visibility": "public"}))
    return f"{NAMESPACES}/{name}"


def created(answer: requests.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    record: dict[str, Any] = answer.json()
    return record


def fine(answer: requests.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    record: dict[str, Any] = answer.json()
    return record


def gone(answer: requests.Response) -> None:
    assert (answer.status_code, answer.content) == (204, b"")


def timeless(record: Any) -> Any:
    """Without times, which no test can know."""
    if isinstance(record, dict):
        return {k: timeless(v) for k, v in record.items() if k not in ("created_at", "updated_at")}
    return [timeless(element) for element in record] if isinstance(record, list) else record


# Resource types.


def test_the_resource_types_of_glances_files_are_there(api: Api) -> None:
    types = fine(api.get("/v2/metadefs/resource_types"))["resource_types"]
    assert {entry["name"] for entry in types} >= KNOWN_TYPES
    assert all(set(entry) == {"name", "created_at", "updated_at"} for entry in types)


def test_associations_come_and_go(api: Api, space: str) -> None:
    path = f"{space}/resource_types"
    assert fine(api.get(path)) == {"resource_type_associations": []}
    body = {"name": "OS::Glance::Image", "prefix": "hw_", "properties_target": "image"}
    association = created(api.post(path, json=body))
    assert timeless(association) == body
    assert fine(api.get(path)) == {"resource_type_associations": [association]}
    assert api.post(path, json={"name": "OS::Glance::Image"}).status_code == 409
    assert timeless(created(api.post(path, json={"name": "OS::Nova::Flavor"}))) == {"name": "OS::Nova::Flavor"}
    gone(api.delete(f"{path}/OS::Glance::Image"))
    assert api.delete(f"{path}/OS::Glance::Image").status_code == 404
    assert len(fine(api.get(path))["resource_type_associations"]) == 1


def test_an_unknown_resource_type_is_made_and_stays(api: Api, space: str) -> None:
    new = f"OS::New::{uuid.uuid4()}"
    created(api.post(f"{space}/resource_types", json={"name": new}))
    gone(api.delete(f"{space}/resource_types/{new}"))
    types = fine(api.get("/v2/metadefs/resource_types"))["resource_types"]
    assert new in {entry["name"] for entry in types}


@pytest.mark.parametrize(
    "body", [{}, [], "x", {"name": ""}, {"name": 7}, {"name": "x" * 81}, {"name": "x", "prefix": "p" * 81},
             {"name": "x", "color": "red"}]
)  # fmt: skip
def test_what_is_no_association_is_refused(api: Api, space: str, body: Any) -> None:
    assert api.post(f"{space}/resource_types", json=body).status_code == 400


# Namespaces.


def test_a_namespace_is_made_with_its_defaults(api: Api, name: str) -> None:
    answer = api.post(NAMESPACES, json={"namespace": name})
    record = created(answer)
    assert answer.headers["Location"] == f"{api.url}{NAMESPACES}/{name}"
    owner = {"owner": record["owner"]} if "owner" in record else {}
    assert record == {
        "namespace": name,
        "visibility": "private",
        "protected": False,
        **owner,
        "created_at": record["created_at"],
        "updated_at": record["updated_at"],
        "self": f"{NAMESPACES}/{name}",
        "schema": "/v2/schemas/metadefs/namespace",
    }
    assert fine(api.get(f"{NAMESPACES}/{name}")) == record
    assert api.post(NAMESPACES, json={"namespace": name}).status_code == 409


def whole(name: str) -> dict[str, Any]:
    return {
        "namespace": name,
        "display_name": "Whole",
        "description": "Everything",
        "visibility": "public",
        "protected": False,
        "owner": "somebody",
        "resource_type_associations": [{"name": "OS::Glance::Image", "prefix": "hw_"}],
        "properties": {
            "cores": {"title": "Cores", "type": "integer", "minimum": 1, "default": 8},
            "mode": {"title": "Mode", "type": "string", "enum": ["a", "b"]},
        },
        "objects": [
            {"name": "disk", "description": "A disk", "required": ["bus"], "properties": {"bus": TEXT}},
            {"name": "none"},
        ],
        "tags": [{"name": "one"}, {"name": "two"}],
    }


def test_a_namespace_is_made_with_all_it_holds(api: Api, name: str) -> None:
    record = created(api.post(NAMESPACES, json=whole(name)))
    assert fine(api.get(f"{NAMESPACES}/{name}")) == record
    expected = whole(name)
    expected["properties"]["cores"]["default"] = "8"
    for entry in expected["objects"]:
        entry.setdefault("required", [])
        entry.setdefault("properties", {})
        entry["self"] = f"{NAMESPACES}/{name}/objects/{entry['name']}"
        entry["schema"] = "/v2/schemas/metadefs/object"
    expected["self"] = f"{NAMESPACES}/{name}"
    expected["schema"] = "/v2/schemas/metadefs/namespace"
    assert timeless(record) == expected


def test_half_a_namespace_is_none(api: Api, name: str) -> None:
    body = {**whole(name), "tags": [{"name": "one"}, {"name": "one"}]}
    assert api.post(NAMESPACES, json=body).status_code == 409
    assert api.get(f"{NAMESPACES}/{name}").status_code == 404
    created(api.post(NAMESPACES, json=whole(name)))


@pytest.mark.parametrize("key", ["self", "schema", "created_at", "updated_at"])
def test_what_the_server_makes_is_read_only(api: Api, space: str, name: str, key: str) -> None:
    assert api.post(NAMESPACES, json={"namespace": "x", key: "y"}).status_code == 403
    assert api.put(space, json={"namespace": name, key: "y"}).status_code == 403
    assert api.post(f"{space}/objects", json={"name": "x", key: "y"}).status_code == 403
    if key.endswith("_at"):
        body = {"name": "x", **TEXT, key: "y"}
        assert api.post(f"{space}/properties", json=body).status_code == 403
        assert api.post(f"{space}/tags", json={"tags": [], key: "y"}).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        None, [], "x", {}, {"namespace": ""}, {"namespace": None}, {"namespace": 7}, {"namespace": "x" * 81},
        {"namespace": "a/b"}, {"namespace": "."}, {"namespace": "x", "visibility": "shared"},
        {"namespace": "x", "protected": 1}, {"namespace": "x", "description": "d" * 501},
        {"namespace": "x", "display_name": "d" * 81}, {"namespace": "x", "owner": "o" * 256},
        {"namespace": "x", "color": "red"}, {"namespace": "x", "objects": {}},
        {"namespace": "x", "properties": {"p": {}}}, {"namespace": "x", "tags": [{}]},
    ],
)  # fmt: skip
def test_what_is_no_namespace_is_refused(api: Api, space: str, body: Any) -> None:
    assert api.post(NAMESPACES, json=body).status_code == 400
    assert api.put(space, json=body).status_code == 400
    assert api.post(NAMESPACES, data=b"{").status_code == 400


def test_a_put_replaces(api: Api, name: str) -> None:
    before = created(api.post(NAMESPACES, json={**whole(name), "protected": True}))
    after = fine(api.put(f"{NAMESPACES}/{name}", json={"namespace": name}))
    assert (after["visibility"], after["protected"]) == ("private", False)
    assert not {"display_name", "description"} & set(after)
    assert after.get("owner") != "somebody"
    assert after["created_at"] == before["created_at"]
    shown = fine(api.get(f"{NAMESPACES}/{name}"))
    assert shown["properties"] == before["properties"]
    assert "display_name" not in shown


def test_a_put_renames(api: Api, space: str, name: str) -> None:
    new = f"renamed {uuid.uuid4()}"
    assert fine(api.put(space, json={"namespace": new}))["self"] == f"{NAMESPACES}/{quote(new)}"
    assert api.get(space).status_code == 404
    assert fine(api.get(f"{NAMESPACES}/{quote(new)}"))["namespace"] == new
    created(api.post(NAMESPACES, json={"namespace": name}))
    assert api.put(f"{NAMESPACES}/{quote(new)}", json={"namespace": name}).status_code == 409
    assert api.put(f"{NAMESPACES}/{MISSING}", json={"namespace": name}).status_code == 404


def test_a_namespace_goes_with_all_it_holds(api: Api, name: str) -> None:
    created(api.post(NAMESPACES, json=whole(name)))
    gone(api.delete(f"{NAMESPACES}/{name}"))
    assert api.get(f"{NAMESPACES}/{name}").status_code == 404
    assert api.delete(f"{NAMESPACES}/{name}").status_code == 404
    created(api.post(NAMESPACES, json={"namespace": name}))
    assert fine(api.get(f"{NAMESPACES}/{name}/objects"))["objects"] == []


def test_nothing_is_deleted_from_a_protected_namespace(api: Api, name: str) -> None:
    created(api.post(NAMESPACES, json={**whole(name), "protected": True}))
    space = f"{NAMESPACES}/{name}"
    for path in ("", "/objects", "/objects/disk", "/properties", "/properties/mode", "/tags", "/tags/one",
                 "/resource_types/OS::Glance::Image"):  # fmt: skip
        assert api.delete(f"{space}{path}").status_code == 403, path
    assert fine(api.put(space, json={"namespace": name}))["protected"] is False
    gone(api.delete(space))


def test_names_are_prefixed_for_a_resource_type(api: Api, name: str) -> None:
    created(api.post(NAMESPACES, json=whole(name)))
    space = f"{NAMESPACES}/{name}"
    shown = fine(api.get(f"{space}?resource_type=OS::Glance::Image"))
    assert set(shown["properties"]) == {"hw_cores", "hw_mode"}
    assert shown["objects"][0]["required"] == ["hw_bus"]
    assert set(shown["objects"][0]["properties"]) == {"hw_bus"}
    assert set(fine(api.get(f"{space}?resource_type=OS::Unknown"))["properties"]) == {"cores", "mode"}
    found = fine(api.get(f"{space}/properties/hw_mode?resource_type=OS::Glance::Image"))
    assert (found["name"], found["title"]) == ("mode", "Mode")
    for wrong in ("mode?resource_type=OS::Glance::Image", "hw_mode", "hw_mode?resource_type=OS::Unknown"):
        assert api.get(f"{space}/properties/{wrong}").status_code == 404


# Lists of namespaces.


@pytest.fixture
def listed(api: Api) -> list[str]:
    """Four namespaces, oldest first, of a resource type of their own."""
    kind = f"OS::List::{uuid.uuid4()}"
    names = [f"{letter}-{uuid.uuid4()}" for letter in "bdac"]
    for number, name in enumerate(names):
        body = {
            "namespace": name,
            "visibility": "public" if number % 2 else "private",
            "resource_type_associations": [{"name": kind}],
            "properties": {"p": TEXT},
        }
        created(api.post(NAMESPACES, json=body))
    return [kind, *names]


def names_in(answer: dict[str, Any]) -> list[str]:
    return [entry["namespace"] for entry in answer["namespaces"]]


def test_a_list_shows_associations_and_no_contents(api: Api, listed: list[str]) -> None:
    kind, *names = listed
    answer = fine(api.get(f"{NAMESPACES}?resource_types={kind}"))
    assert names_in(answer) == names[::-1]
    assert answer["first"] == f"{NAMESPACES}?resource_types={quote(kind, safe='')}"
    assert answer["schema"] == "/v2/schemas/metadefs/namespaces"
    assert "next" not in answer
    for entry in answer["namespaces"]:
        assert [a["name"] for a in entry["resource_type_associations"]] == [kind]
        assert not {"properties", "objects", "tags"} & set(entry)


def test_a_list_is_filtered_sorted_and_paged(api: Api, listed: list[str]) -> None:
    kind, *names = listed
    base = f"{NAMESPACES}?resource_types=OS::None,{kind}"
    assert names_in(fine(api.get(f"{base}&visibility=public"))) == [names[3], names[1]]
    assert names_in(fine(api.get(f"{base}&visibility=private"))) == [names[2], names[0]]
    assert names_in(fine(api.get(f"{base}&sort_key=namespace&sort_dir=asc"))) == sorted(names)
    assert names_in(fine(api.get(f"{base}&sort_dir=asc"))) == names
    for key in ("display_name", "visibility", "owner", "protected", "created_at", "updated_at"):
        assert sorted(names_in(fine(api.get(f"{base}&sort_key={key}")))) == sorted(names)
    met: list[str] = []
    path = f"{base}&sort_key=namespace&sort_dir=desc&limit=2"
    for _ in range(3):
        page = fine(api.get(path))
        met += names_in(page)
        if "next" not in page:
            break
        path = page["next"]
        assert "marker=" in path
        assert page["first"].endswith("limit=2")
    assert met == sorted(names, reverse=True)
    assert fine(api.get(f"{base}&limit=0"))["namespaces"] == []
    assert names_in(fine(api.get(f"{base}&marker={names[1]}"))) == [names[0]]


@pytest.mark.parametrize(
    "query", ["limit=-1", "limit=x", "limit=1.5", "sort_key=color", "sort_key=id", "sort_dir=up", "visibility=shared"]
)
def test_a_wrong_query_is_refused(api: Api, query: str) -> None:
    assert api.get(f"{NAMESPACES}?{query}").status_code == 400


def test_an_unknown_marker_is_not_found(api: Api) -> None:
    assert api.get(f"{NAMESPACES}?marker={MISSING}").status_code == 404


# Properties.


def test_properties_come_change_and_go(api: Api, space: str) -> None:
    path = f"{space}/properties"
    assert fine(api.get(path)) == {"properties": {}}
    body = {"name": "cores", "title": "Cores", "type": "integer", "default": 8, "readonly": True}
    stored = {**body, "default": "8"}
    assert created(api.post(path, json=body)) == stored
    assert fine(api.get(f"{path}/cores")) == stored
    assert api.post(path, json=body).status_code == 409
    del stored["name"]
    assert fine(api.get(path)) == {"properties": {"cores": stored}}
    assert fine(api.put(f"{path}/cores", json={"name": "threads", **TEXT})) == {"name": "threads", **TEXT}
    assert api.get(f"{path}/cores").status_code == 404
    created(api.post(path, json={"name": "other", **TEXT}))
    assert api.put(f"{path}/threads", json={"name": "other", **TEXT}).status_code == 409
    assert api.put(f"{path}/cores", json={"name": "cores", **TEXT}).status_code == 404
    gone(api.delete(f"{path}/threads"))
    assert api.delete(f"{path}/threads").status_code == 404
    gone(api.delete(path))
    assert fine(api.get(path)) == {"properties": {}}


@pytest.mark.parametrize(
    "body",
    [
        {}, [], {"name": "p"}, TEXT, {"name": "p", "title": "T"}, {"name": "p", "type": "string"},
        {"name": "p", "title": "T", "type": "word"}, {"name": "p" * 81, **TEXT}, {"name": "p", "title": 7, "type": "string"},
        {"name": "p", **TEXT, "color": "red"}, {"name": "p", **TEXT, "minLength": -1},
        {"name": "p", **TEXT, "items": []}, {"name": "p", **TEXT, "enum": "a"},
    ],
)  # fmt: skip
def test_what_is_no_property_is_refused(api: Api, space: str, body: Any) -> None:
    assert api.post(f"{space}/properties", json=body).status_code == 400
    created(api.post(f"{space}/properties", json={"name": "there", **TEXT}))
    assert api.put(f"{space}/properties/there", json=body).status_code == 400


# Objects.


def test_objects_come_change_and_go(api: Api, space: str, name: str) -> None:
    path = f"{space}/objects"
    assert fine(api.get(path)) == {"objects": [], "schema": "v2/schemas/metadefs/objects"}
    record = created(api.post(path, json={"name": "disk", "properties": {"bus": TEXT}}))
    assert timeless(record) == {
        "name": "disk",
        "required": [],
        "properties": {"bus": TEXT},
        "self": f"{NAMESPACES}/{name}/objects/disk",
        "schema": "/v2/schemas/metadefs/object",
    }
    assert fine(api.get(f"{path}/disk")) == record
    assert fine(api.get(path))["objects"] == [record]
    assert api.post(path, json={"name": "disk"}).status_code == 409
    body = {"name": "volume", "description": "D", "required": ["a"], "properties": {"a": TEXT}}
    changed = fine(api.put(f"{path}/disk", json=body))
    assert {key: changed[key] for key in body} == body
    assert changed["created_at"] == record["created_at"]
    assert api.get(f"{path}/disk").status_code == 404
    created(api.post(path, json={"name": "other"}))
    assert api.put(f"{path}/volume", json={"name": "other"}).status_code == 409
    assert api.put(f"{path}/disk", json={"name": "disk"}).status_code == 404
    gone(api.delete(f"{path}/volume"))
    assert api.delete(f"{path}/volume").status_code == 404
    gone(api.delete(path))
    assert fine(api.get(path))["objects"] == []


def test_a_list_of_objects_is_always_whole(api: Api, space: str) -> None:
    for number in range(3):
        created(api.post(f"{space}/objects", json={"name": f"o{number}"}))
    answer = fine(api.get(f"{space}/objects?limit=1&marker=o1&sort_key=x&sort_dir=asc"))
    assert [entry["name"] for entry in answer["objects"]] == ["o0", "o1", "o2"]
    for query in ("limit=0", "limit=-1", "limit=x", "sort_dir=up"):
        assert api.get(f"{space}/objects?{query}").status_code == 400, query


@pytest.mark.parametrize(
    "body", [{}, [], {"name": "o" * 81}, {"name": "o", "required": "a"}, {"name": "o", "required": ["a", "a"]},
             {"name": "o", "properties": {"p": {"title": "T"}}}, {"name": "o", "color": "red"}]
)  # fmt: skip
def test_what_is_no_object_is_refused(api: Api, space: str, body: Any) -> None:
    assert api.post(f"{space}/objects", json=body).status_code == 400
    created(api.post(f"{space}/objects", json={"name": "there"}))
    assert api.put(f"{space}/objects/there", json=body).status_code == 400


# Tags.


def tags(api: Api, space: str, query: str = "") -> list[str]:
    return [tag["name"] for tag in fine(api.get(f"{space}/tags{query}"))["tags"]]


def test_one_tag_comes_changes_and_goes(api: Api, space: str) -> None:
    path = f"{space}/tags"
    record = created(api.post(f"{path}/red"))
    assert record == {"name": "red", "created_at": record["created_at"], "updated_at": record["updated_at"]}
    assert fine(api.get(f"{path}/red")) == record
    assert api.post(f"{path}/red").status_code == 409
    assert api.post(f"{path}/{'x' * 81}").status_code == 400
    assert fine(api.put(f"{path}/red", json={"name": "blue"}))["name"] == "blue"
    assert api.get(f"{path}/red").status_code == 404
    created(api.post(f"{path}/green"))
    assert api.put(f"{path}/blue", json={"name": "green"}).status_code == 409
    assert api.put(f"{path}/red", json={"name": "x"}).status_code == 404
    for wrong in ({}, {"name": ""}, {"name": "x" * 81}, {"name": "x", "color": "red"}, []):
        assert api.put(f"{path}/blue", json=wrong).status_code == 400, wrong
    gone(api.delete(f"{path}/blue"))
    assert api.delete(f"{path}/blue").status_code == 404


def test_tags_are_replaced_or_appended(api: Api, space: str) -> None:
    path = f"{space}/tags"
    body = {"tags": [{"name": "a"}, {"name": "b"}]}
    assert created(api.post(path, json=body)) == body
    assert fine(api.get(path))["tags"] == [{"name": "b"}, {"name": "a"}]
    created(api.post(path, json={"tags": [{"name": "c"}]}))
    assert tags(api, space) == ["c"]
    append = {"X-Openstack-Append": "True"}
    created(api.post(path, json={"tags": [{"name": "d"}]}, headers=append))
    assert sorted(tags(api, space)) == ["c", "d"]
    answer = api.post(path, json={"tags": [{"name": "e"}, {"name": "d"}]}, headers=append)
    assert answer.status_code == 409
    assert sorted(tags(api, space)) == ["c", "d"]
    created(api.post(path, json={"tags": [{"name": "e"}]}, headers={"X-Openstack-Append": "false"}))
    assert tags(api, space) == ["e"]
    gone(api.delete(path))
    assert tags(api, space) == []
    for wrong in ({}, [], {"tags": {}}, {"tags": ["a"]}, {"tags": [{"name": "x" * 81}]}, {"tags": [], "x": 1}):
        assert api.post(path, json=wrong).status_code == 400, wrong


def test_tags_are_sorted_and_paged(api: Api, space: str) -> None:
    for tag in ("b", "a", "c"):
        created(api.post(f"{space}/tags/{tag}"))
    assert tags(api, space) == ["c", "a", "b"]
    assert tags(api, space, "?sort_key=name&sort_dir=asc") == ["a", "b", "c"]
    assert tags(api, space, "?sort_key=name&sort_dir=asc&limit=1&marker=a") == ["b"]
    assert tags(api, space, "?limit=2") == ["c", "a"]
    assert tags(api, space, "?limit=0") == []
    assert api.get(f"{space}/tags?marker=x").status_code == 404
    for query in ("limit=-1", "limit=x", "sort_key=color", "sort_dir=up"):
        assert api.get(f"{space}/tags?{query}").status_code == 400, query


# All of them.


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None), ("PUT", "", {"namespace": "x"}), ("DELETE", "", None),
        ("GET", "/resource_types", None), ("POST", "/resource_types", {"name": "x"}), ("DELETE", "/resource_types/x", None),
        ("GET", "/properties", None), ("POST", "/properties", {"name": "x", **TEXT}), ("DELETE", "/properties", None),
        ("GET", "/properties/x", None), ("PUT", "/properties/x", {"name": "x", **TEXT}), ("DELETE", "/properties/x", None),
        ("GET", "/objects", None), ("POST", "/objects", {"name": "x"}), ("DELETE", "/objects", None),
        ("GET", "/objects/x", None), ("PUT", "/objects/x", {"name": "x"}), ("DELETE", "/objects/x", None),
        ("GET", "/tags", None), ("POST", "/tags", {"tags": []}), ("DELETE", "/tags", None),
        ("GET", "/tags/x", None), ("POST", "/tags/x", None), ("PUT", "/tags/x", {"name": "x"}), ("DELETE", "/tags/x", None),
    ],
)  # fmt: skip
def test_nothing_is_found_in_a_namespace_that_is_missing(api: Api, method: str, path: str, body: Any) -> None:
    assert api(method, f"{NAMESPACES}/{MISSING}{path}", json=body).status_code == 404


def test_other_methods_are_not_allowed(api: Api, space: str) -> None:
    assert api("PATCH", space).status_code == 405
    assert api("PUT", f"{space}/tags").status_code == 405
    assert api("POST", "/v2/metadefs/resource_types").status_code == 405
    assert api.get("/v2/metadefs").status_code == 404


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ("namespace", "namespace"), ("namespaces", "namespaces"), ("resource_type", "resource_type_association"),
        ("resource_types", "resource_type_associations"), ("property", "property"), ("properties", "properties"),
        ("object", "object"), ("objects", "objects"), ("tag", "tag"), ("tags", "tags"),
    ],
)  # fmt: skip
def test_each_has_a_schema(api: Api, schema: str, expected: str) -> None:
    document = fine(api.get(f"/v2/schemas/metadefs/{schema}"))
    assert document["name"] == expected
    jsonschema.Draft4Validator.check_schema(document)


def test_an_unknown_schema_is_not_found(api: Api) -> None:
    assert api.get("/v2/schemas/metadefs/nothing").status_code == 404


def test_records_fit_their_schemas(api: Api, name: str) -> None:
    space = f"{NAMESPACES}/{name}"
    created(api.post(NAMESPACES, json=whole(name)))

    def check(schema: str, path: str) -> None:
        jsonschema.validate(fine(api.get(path)), fine(api.get(f"/v2/schemas/metadefs/{schema}")))

    check("namespace", space)
    check("namespaces", f"{NAMESPACES}?limit=2")
    check("resource_types", f"{space}/resource_types")
    check("properties", f"{space}/properties")
    check("property", f"{space}/properties/cores")
    check("objects", f"{space}/objects")
    check("object", f"{space}/objects/disk")
    check("tags", f"{space}/tags")
    check("tag", f"{space}/tags/one")
