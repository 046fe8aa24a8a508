"""Metadata definitions: Glance's own files, and the stock clients."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import harness
import pytest
import requests
import venvs
from cli import CommandFailed, Glance, OpenStack

Documents = dict[str, dict[str, Any]]


def slipway_db(config: Path, *arguments: str | Path) -> str:
    done = subprocess.run(
        [harness.slipway_binary(), "db", *map(str, arguments), "--config-file", str(config)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def documents(folder: Path) -> Documents:
    """The namespaces of a folder, by name."""
    read = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    return {document["namespace"]: document for document in read}


def property_as_kept(definition: dict[str, Any]) -> dict[str, Any]:
    """Defaults are text, whatever they were."""
    kept = dict(definition)
    if "default" in kept:
        kept["default"] = str(kept["default"])
    return kept


def as_kept(document: dict[str, Any]) -> dict[str, Any]:
    """A document of Glance's as slipway exports it."""
    kept: dict[str, Any] = {"visibility": "private", "owner": "admin", **document}
    kept["properties"] = {
        name: property_as_kept(definition) for name, definition in document.get("properties", {}).items()
    }
    kept["objects"] = [
        {
            "required": [],
            **entry,
            "properties": {n: property_as_kept(p) for n, p in entry["properties"].items()},
        }
        for entry in sorted(document.get("objects", []), key=lambda entry: entry["name"])
    ]
    kept["resource_type_associations"] = sorted(
        document.get("resource_type_associations", []), key=lambda entry: entry["name"]
    )
    return {key: value for key, value in kept.items() if value not in ([], {})}


@pytest.fixture(scope="module")
def glance_folder() -> Path:
    """The files that come with Glance."""
    environment = venvs.ensure("glance", harness.ROOT / "build" / "venvs")
    return environment / "etc" / "glance" / "metadefs"


@pytest.fixture(scope="module")
def server(glance_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.Slipway]:
    """A slipway whose catalogue has them."""
    work = tmp_path_factory.mktemp("metadefs")
    backend = harness.local_backend(work)
    before = harness.Slipway(work, backend)
    before.stop()
    loaded = slipway_db(before.config, "load_metadefs", glance_folder)
    assert len(loaded.splitlines()) == len(documents(glance_folder))
    assert all(line.endswith(": loaded") for line in loaded.splitlines())
    server = harness.Slipway(work, backend)
    yield server
    server.stop()


@pytest.fixture
def openstack(clients: Path, server: harness.Slipway, tmp_path: Path) -> OpenStack:
    return OpenStack.at(clients / "openstack", server.url, tmp_path)


@pytest.fixture
def glance(clients: Path, server: harness.Slipway, tmp_path: Path) -> Glance:
    return Glance.at(clients / "glance", server.url, tmp_path)


def test_glances_files_are_served_whole(server: harness.Slipway, glance_folder: Path) -> None:
    expected = documents(glance_folder)
    assert len(expected) > 30
    listed: list[str] = []
    path = "/v2/metadefs/namespaces?limit=10"
    while path:
        page = requests.get(server.url + path, timeout=30).json()
        listed += [entry["namespace"] for entry in page["namespaces"]]
        path = page.get("next")
    assert sorted(listed) == sorted(expected)
    for name, document in expected.items():
        shown = requests.get(f"{server.url}/v2/metadefs/namespaces/{name}", timeout=30).json()
        kept = as_kept(document)
        assert shown.get("properties", {}) == kept.get("properties", {}), name
        assert [entry["properties"] for entry in shown.get("objects", [])] == [
            entry["properties"] for entry in kept.get("objects", [])
        ]


def test_they_come_out_as_they_went_in(
    glance_folder: Path, tmp_path: Path
) -> None:
    backend = harness.local_backend(tmp_path)
    server = harness.Slipway(tmp_path, backend)
    server.stop()
    slipway_db(server.config, "load_metadefs", glance_folder)
    again = slipway_db(server.config, "load_metadefs", glance_folder)
    assert all(line.endswith(": is there already") for line in again.splitlines())

    out = tmp_path / "out"
    out.mkdir()
    slipway_db(server.config, "export_metadefs", out)
    exported = documents(out)
    assert exported == {name: as_kept(document) for name, document in documents(glance_folder).items()}

    count = len(exported)
    assert slipway_db(server.config, "unload_metadefs", "--yes") == f"{count} namespaces removed\n"
    slipway_db(server.config, "load_metadefs", out)
    second = tmp_path / "second"
    second.mkdir()
    slipway_db(server.config, "export_metadefs", second)
    assert documents(second) == exported
    for merge in (["--merge"], ["--merge", "--prefer_new"], ["--merge", "--overwrite"]):
        slipway_db(server.config, "load_metadefs", out, *merge)
        slipway_db(server.config, "export_metadefs", second)
        assert documents(second) == exported


def test_openstack_finds_them(openstack: OpenStack) -> None:
    listed = [row["namespace"] for row in openstack.json("image", "metadef", "namespace", "list")]
    assert "OS::Compute::VMware" in listed
    assert len(listed) > 30
    shown = openstack.json("image", "metadef", "namespace", "show", "OS::Compute::VMware")
    assert shown["visibility"] == "public"
    properties = openstack.json("image", "metadef", "property", "list", "OS::Compute::VMware")
    assert "vmware_disktype" in [row["name"] for row in properties]
    types = openstack.json("image", "metadef", "resource", "type", "list")
    assert "OS::Glance::Image" in [row["Name"] for row in types]
    objects = openstack.json("image", "metadef", "object", "list", "OS::Software::DBMS")
    assert "MySQL" in [row["name"] for row in objects]


def test_openstack_makes_changes_and_removes(openstack: OpenStack) -> None:
    def metadef(*arguments: str) -> Any:
        return openstack.json("image", "metadef", *arguments)

    def run(*arguments: str) -> None:
        openstack("image", "metadef", *arguments)

    name = "osc::space"
    made = metadef("namespace", "create", "--public", "--protected", name)
    assert (made["namespace"], made["visibility"], made["protected"]) == (name, "public", True)
    with pytest.raises(CommandFailed, match="403|Forbidden|1 of 1"):
        run("namespace", "delete", name)
    run("namespace", "set", "--unprotected", "--private", "--display-name", "Space", "--tag", "red", name)
    shown = metadef("namespace", "show", name)
    assert (shown["display_name"], shown["visibility"]) == ("Space", "private")
    assert "red" in json.dumps(shown.get("tags", "red"))
    run("namespace", "unset", "--all-tags", name)

    metadef("property", "create", "--name", "cores", "--title", "Cores", "--type", "integer", "--schema", "{}", name)
    run("property", "set", "--title", "CPU cores", name, "cores")
    assert metadef("property", "show", name, "cores")["title"] == "CPU cores"
    run("property", "delete", name, "cores")
    assert metadef("property", "list", name) == []

    metadef("object", "create", "--namespace", name, "disk")
    run("object", "update", name, "disk", "--name", "volume")
    assert metadef("object", "show", name, "volume")["name"] == "volume"
    run("object", "delete", name, "volume")
    assert metadef("object", "list", name) == []

    metadef("resource", "type", "association", "create", name, "OS::Glance::Image")
    associations = metadef("resource", "type", "association", "list", name)
    assert "OS::Glance::Image" in json.dumps(associations)
    run("resource", "type", "association", "delete", name, "OS::Glance::Image")
    run("namespace", "delete", name)
    with pytest.raises(CommandFailed):
        run("namespace", "show", name)


def test_glance_makes_changes_and_removes(glance: Glance, tmp_path: Path) -> None:
    name = "gc::space"
    made = glance.record("md-namespace-create", "--visibility", "public", "--description", "D", name)
    assert (made["namespace"], made["visibility"], made["description"]) == (name, "public", "D")
    glance("md-namespace-update", "--display-name", "Space", name)
    shown = glance.record("md-namespace-show", name)
    assert (shown["display_name"], shown["description"]) == ("Space", "D")
    assert [name] in glance.rows("md-namespace-list", "--visibility", "public")

    schema = json.dumps({"type": "string"})
    glance("md-property-create", "--name", "mode", "--title", "T", "--type", "string", "--schema", schema, name)
    glance("md-property-update", "--name", "mode", "--title", "New", "--schema", schema, name, "mode")
    assert glance.record("md-property-show", name, "mode")["title"] == "New"
    assert ["mode", "New", "string"] in glance.rows("md-property-list", name)
    glance("md-property-delete", name, "mode")

    members = json.dumps({"properties": {"bus": {"title": "Bus", "type": "string"}}})
    glance("md-object-create", "--name", "disk", "--schema", members, name)
    assert glance.record("md-object-show", name, "disk")["name"] == "disk"
    assert "bus" in glance("md-object-property-show", name, "disk", "bus")
    glance("md-object-delete", name, "disk")

    # Its own --append fails in the client (4.13), before anything is sent.
    glance("md-tag-create-multiple", "--names", "green,blue", name)
    glance("md-tag-create", "--name", "red", name)
    glance("md-tag-update", "--name", "pink", name, "red")
    assert sorted(row[0] for row in glance.rows("md-tag-list", name)) == ["blue", "green", "pink"]
    glance("md-tag-delete", name, "pink")
    glance("md-namespace-tags-delete", name)

    glance("md-resource-type-associate", "--name", "OS::Glance::Image", "--prefix", "hw_", name)
    assert "OS::Glance::Image" in glance("md-namespace-resource-type-list", name)
    glance("md-resource-type-deassociate", name, "OS::Glance::Image")
    assert "OS::Nova::Flavor" in glance("md-resource-type-list")
    glance("md-namespace-delete", name)
    with pytest.raises(CommandFailed, match="404"):
        glance("md-namespace-show", name)


def test_glance_imports_a_file(glance: Glance, glance_folder: Path, tmp_path: Path) -> None:
    document = json.loads((glance_folder / "compute-quota.json").read_text(encoding="utf-8"))
    path = tmp_path / "quota.json"
    path.write_text(json.dumps({**document, "namespace": "gc::quota", "protected": False}), encoding="utf-8")
    glance("md-namespace-import", "--file", path)
    assert glance.record("md-namespace-show", "gc::quota")["namespace"] == "gc::quota"
    glance("md-namespace-delete", "gc::quota")
