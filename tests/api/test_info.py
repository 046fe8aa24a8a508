"""What a client learns about the service: stores, import methods, schemas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import harness
import jsonschema
import pytest
from client import Api, eventually, octets, read_head
from conftest import BACKENDS
from servers import Slipway

BASE = {
    "id", "name", "status", "visibility", "protected", "os_hidden", "checksum", "os_hash_algo", "os_hash_value",
    "owner", "size", "virtual_size", "container_format", "disk_format", "created_at", "updated_at", "tags",
    "direct_url", "min_ram", "min_disk", "self", "file", "schema", "stores", "locations",
}  # fmt: skip
CUSTOM = {
    "kernel_id", "ramdisk_id", "instance_uuid", "architecture", "os_distro", "os_version", "description",
    "cinder_encryption_key_id", "cinder_encryption_key_deletion_policy",
}  # fmt: skip
READ_ONLY = {
    "status", "checksum", "os_hash_algo", "os_hash_value", "size", "virtual_size", "created_at", "updated_at",
    "direct_url", "self", "file", "schema", "stores",
}  # fmt: skip


def schema(api: Api, name: str) -> dict[str, Any]:
    answer = api.get(f"/v2/schemas/{name}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    document: dict[str, Any] = answer.json()
    assert document["name"] == name
    return document


def test_import_methods(api: Api) -> None:
    answer = api.get("/v2/info/import")
    assert answer.status_code == 200
    methods = answer.json()["import-methods"]
    assert methods["type"] == "array"
    assert isinstance(methods["value"], list)


def test_usage(api: Api) -> None:
    assert api.get("/v2/info/usage").json() == {"usage": {}}


def test_stores(any_slipway: Slipway) -> None:
    api = Api(any_slipway.url)
    assert api.get("/v2/info/stores").json() == {"stores": [{"id": any_slipway.store, "default": "true"}]}


def test_details_of_a_local_store(local_slipway: Slipway) -> None:
    (store,) = Api(local_slipway.url).get("/v2/info/stores/detail").json()["stores"]
    assert (store["id"], store["type"], store["weight"]) == ("local", "file", 0)
    assert store["properties"]["data_dir"] == str(local_slipway.backend.options["filesystem_store_datadir"])


def test_details_of_a_datastore(vcenter_slipway: Slipway) -> None:
    (store,) = Api(vcenter_slipway.url).get("/v2/info/stores/detail").json()["stores"]
    assert (store["id"], store["type"]) == ("vcenter", "vmware")
    assert store["properties"]["datacenter"] == "DC0"
    assert store["properties"]["datastore"] == "images"


def test_the_datastores_behind_a_store(vcenter_slipway: Slipway) -> None:
    (store,) = Api(vcenter_slipway.url).get("/slipway/v1/stores").json()["stores"]
    assert (store["id"], store["type"], store["error"]) == ("vcenter", "vmware", None)
    (datastore,) = store["datastores"]
    assert (datastore["name"], datastore["type"]) == ("DC0/images", "VMFS")
    assert datastore["state"] == "up"
    assert 0 < datastore["free"] <= datastore["capacity"]


@pytest.fixture(params=BACKENDS)
def own_slipway(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Slipway]:
    """One whose store holds nothing yet, not even garbage that may go at any time."""
    if request.param == "vcenter":
        backend = harness.vcenter_backend(request.getfixturevalue("vcenter_server"))
    else:
        backend = harness.local_backend(tmp_path)
    server = Slipway(tmp_path, backend)
    yield server
    server.stop()


def test_what_a_datastore_holds_of_ours(own_slipway: Slipway) -> None:
    api = Api(own_slipway.url)

    def held() -> tuple[int, int]:
        (store,) = api.get("/slipway/v1/stores").json()["stores"]
        (datastore,) = store["datastores"]
        return datastore["ours"], datastore["reserved"]

    eventually(lambda: held()[1] == 0, "nothing is under way")
    before = held()[0]
    size = 1 << 20
    image_id = api.create(disk_format="raw", container_format="bare")["id"]
    with api.begin_upload(image_id, size, octets(size // 2)) as connection:
        eventually(lambda: held()[1] >= size, "the bytes are reserved")
        connection.sendall(octets(size // 2))
        assert read_head(connection).startswith(b"HTTP/1.1 204 ")
    eventually(lambda: held()[1] == 0, "nothing is under way any more")
    assert held()[0] >= before + size


def test_the_speed_of_a_datastore_is_measured(any_slipway: Slipway) -> None:
    api = Api(any_slipway.url)
    data = octets(2 << 20)
    image_id = api.active(data)["id"]
    assert api.download(image_id).content == data
    (store,) = api.get("/slipway/v1/stores").json()["stores"]
    (datastore,) = store["datastores"]
    speeds = datastore["bytes_per_second"]
    assert set(speeds) == {"write", "read", "copy"}
    assert speeds["write"] > 0
    assert speeds["read"] > 0


def test_the_image_schema_names_every_attribute(api: Api) -> None:
    document = schema(api, "image")
    properties = document["properties"]
    assert BASE | CUSTOM == set(properties)
    assert {name for name, entry in properties.items() if entry.get("is_base") is False} == CUSTOM
    assert {name for name, entry in properties.items() if entry.get("readOnly")} == READ_ONLY
    assert all(entry["description"] for entry in properties.values())
    assert document["additionalProperties"] == {"type": "string"}
    assert document["links"] == [
        {"rel": "self", "href": "{self}"},
        {"rel": "enclosure", "href": "{file}"},
        {"rel": "describedby", "href": "{schema}"},
    ]
    formats = ["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"]
    assert sorted(properties["disk_format"]["enum"], key=str) == sorted([None, *formats], key=str)
    containers = ["ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"]
    assert sorted(properties["container_format"]["enum"], key=str) == sorted([None, *containers], key=str)
    assert set(properties["visibility"]["enum"]) == {"community", "public", "private", "shared"}


def test_images_fit_the_schema_they_are_served_with(any_slipway: Slipway) -> None:
    for url in (any_slipway.url, any_slipway.service_url):
        api = Api(url)
        validator = jsonschema.Draft202012Validator(schema(api, "image"))
        jsonschema.Draft202012Validator.check_schema(schema(api, "image"))
        validator.validate(api.post("/v2/images", json={}).json())
        validator.validate(api.active(b"x" * 1000, tags=["a"], custom="b", kernel_id=None, os_distro="debian"))
        validator.validate(api.active(b""))
        jsonschema.validate(api.get("/v2/images").json(), schema(api, "images"))


def test_members_fit_their_schema(api: Api) -> None:
    image_id = api.create()["id"]
    member = api.post(f"/v2/images/{image_id}/members", json={"member": "p"}).json()
    jsonschema.validate(member, schema(api, "member"))
    jsonschema.validate(api.get(f"/v2/images/{image_id}/members").json(), schema(api, "members"))


@pytest.mark.parametrize("name", ["task", "tasks"])
def test_schemas_of_tasks(api: Api, name: str) -> None:
    assert schema(api, name)["properties"]


def test_an_unknown_schema_is_not_found(api: Api) -> None:
    assert api.get("/v2/schemas/nothing").status_code == 404
