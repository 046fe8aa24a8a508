"""`slipway import-glance` takes over what a real Glance remembers: all of it, and without moving a byte.

Glance keeps its images by glance_store's own VMware driver on the datastores that slipway then serves; its
database is SQLite, PostgreSQL (with encrypted locations) and MariaDB (over TLS).
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import databases
import harness
import pytest
import requests
from cli import OpenStack
from conftest import Disk
from vmware_glance import Port443, VmwareGlance
from vsphere_flows import assert_guest_reads, watched

pytestmark = pytest.mark.vcenter

GIB = 1 << 30
ENCRYPTION_KEY = "0123456789abcdef0123456789abcdef"
SECRET = "secret"  # the password of the database's user
# What each server says of itself, or of its own stores.
OWN_WORDS = ("stores", "direct_url", "locations")
OCTETS = {"Content-Type": "application/octet-stream"}
PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}


@dataclass(frozen=True)
class Site:
    """A Glance that was filled, and a slipway's configuration for its datastores."""

    glance_url: str
    connection: str  # as slipway is given it
    encryption_key: str | None
    images: dict[str, str]  # ids by name
    folder: Path  # of Glance's files
    backend: harness.Backend


def sqlite_of(work: Path, close: Callable[[Callable[[], None]], None]) -> tuple[str, str]:
    url = f"sqlite:///{work / 'glance.sqlite'}"
    return url, url


def postgresql_of(work: Path, close: Callable[[Callable[[], None]], None]) -> tuple[str, str]:
    server = databases.Postgres()
    close(server.stop)
    url = server.url("glance").replace("postgresql://", "postgresql+psycopg2://")
    return url, url


def mariadb_of(work: Path, close: Callable[[Callable[[], None]], None]) -> tuple[str, str]:
    server = databases.MariaDb()
    close(server.stop)
    url = server.url("glance")
    return url, f"{url}&ssl_ca={server.ca_file}"


DATABASES = {"sqlite": sqlite_of, "postgresql": postgresql_of, "mariadb": mariadb_of}


@pytest.fixture(scope="module")
def port_443(vcenter: harness.VCenter) -> Iterator[Port443]:
    forwarder = Port443(vcenter.port)
    yield forwarder
    forwarder.stop()


@pytest.fixture(scope="module", params=DATABASES)
def site(
    request: pytest.FixtureRequest,
    vcenter: harness.VCenter,
    port_443: Port443,
    sparse_vmdk: Disk,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    work = tmp_path_factory.mktemp(f"glance-{request.param}")
    closing: list[Callable[[], None]] = []
    try:
        for_glance, for_slipway = DATABASES[request.param](work, closing.append)
        backend = harness.vcenter_backend(vcenter)
        del backend.options["vmware_ca_file"]  # no certificate names the forwarded address
        backend.options.update(vmware_server_host=f"{port_443.address}:443", vmware_insecure=True)
        folder = vcenter.folders[vcenter.datastore] / str(backend.options["vmware_store_image_dir"]).strip("/")
        folder.mkdir()
        key = ENCRYPTION_KEY if request.param == "postgresql" else None
        options = {name: value for name, value in backend.options.items() if name.startswith("vmware_")}
        glance = VmwareGlance(work, for_glance, {**options, "vmware_server_host": port_443.address}, key)
        closing.append(glance.stop)
        glance.load_metadefs()
        images = fill(glance.url, sparse_vmdk)
        yield Site(glance.url, for_slipway, key, images, folder, backend)
    finally:
        for close in reversed(closing):
            close()


def fill(url: str, disk: Disk) -> dict[str, str]:
    """Images of all kinds; their ids by name."""
    images: dict[str, str] = {}

    def call(method: str, path: str, expected: int, **more: Any) -> requests.Response:
        answer = requests.request(method, f"{url}/v2{path}", timeout=120, **more)
        assert answer.status_code == expected, f"{method} {path}: {answer.text}"
        return answer

    def create(name: str, data: bytes | None, **record: Any) -> str:
        body = {"name": name, "disk_format": "raw", "container_format": "bare", **record}
        image_id: str = call("POST", "/images", 201, json=body).json()["id"]
        if data is not None:
            call("PUT", f"/images/{image_id}/file", 204, data=data, headers=OCTETS)
        images[name] = image_id
        return image_id

    vmdk = {"disk_format": "vmdk", "vmware_disktype": "sparse", "vmware_adaptertype": "lsiLogic"}
    create("disk", disk.path.read_bytes(), visibility="public", tags=["b", "ä"], min_disk=1, **vmdk)
    create("second disk", disk.path.read_bytes(), protected=True, os_hidden=True, **vmdk)
    create("private ü", b"p" * 5000, visibility="private", owner="other-project", min_ram=64)
    create("community", b"c" * 4096, visibility="community", long="x" * 300, empty="")
    shared = create("shared", b"s" * 1024, visibility="shared")
    for member, status in (("m-1", "accepted"), ("m-2", "pending"), ("m-3", "rejected")):
        call("POST", f"/images/{shared}/members", 200, json={"member": member})
        if status != "pending":
            call("PUT", f"/images/{shared}/members/{member}", 200, json={"status": status})
    call("POST", f"/images/{create('deactivated', b'd' * 512)}/actions/deactivate", 204)
    create("queued", None)
    create("without data", b"", block_device_mapping="[]")
    call("PUT", f"/images/{create('staged', None)}/stage", 204, data=b"x" * 512, headers=OCTETS)
    call("DELETE", f"/images/{create('deleted', None)}", 204)
    space = {
        "namespace": "Own::Space",
        "visibility": "private",
        "description": "of the test",
        "resource_type_associations": [{"name": "OS::Own::Thing", "prefix": "own_"}],
        "properties": {"p": {"title": "P", "type": "string", "enum": ["a", "b"]}},
        "objects": [{"name": "o", "required": ["q"], "properties": {"q": {"title": "Q", "type": "integer"}}}],
        "tags": [{"name": "t"}],
    }
    call("POST", "/metadefs/namespaces", 201, json=space)
    return images


def import_glance(site: Site, config: Path, *options: str, **environment: str) -> tuple[int, list[Any], str]:
    """The exit status, what --json told, and standard error."""
    given = {**os.environ, "GLANCE_CONNECTION": site.connection, **environment}
    if site.encryption_key:
        given.setdefault("GLANCE_METADATA_ENCRYPTION_KEY", site.encryption_key)
    command = [harness.slipway_binary(), "import-glance", "--json", *options, "--config-file", config]
    done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=300, check=False)
    assert SECRET not in done.stdout + done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_takes_over_all_that_glance_has(
    site: Site,
    vcenter: harness.VCenter,
    sparse_vmdk: Disk,
    raw_disk: Disk,
    clients: Path,
    tmp_path: Path,
) -> None:
    server = harness.Slipway(tmp_path / "slipway", site.backend)
    try:
        refuses_while_it_serves(site, server)
    finally:
        server.stop()
    vcenter.clear_journal()
    finds_everything_in_a_dry_run(site, server)
    takes_everything_once(site, server)
    assert {entry.kind for entry in vcenter.journal()} <= {"soap"}, "no file was touched"

    server = harness.Slipway(tmp_path / "slipway", site.backend)
    try:
        shows_the_same(site, server)
        shows_the_same_to_the_stock_client(site, server, clients, tmp_path)
        serves_the_bytes(site, server, sparse_vmdk)
        boots_without_a_byte(site, server, vcenter, raw_disk)
        clones_without_a_byte(site, server, vcenter, raw_disk)
        removes_the_files_of_its_images_only(site, server)
    finally:
        server.stop()
    tells_what_has_changed_since(site, server)


def refuses_while_it_serves(site: Site, server: harness.Slipway) -> None:
    code, told, error = import_glance(site, server.config)
    assert code == 4, error
    assert not told
    code, told, error = import_glance(site, server.config, "--dry-run")
    assert code == 1, error


def finds_everything_in_a_dry_run(site: Site, server: harness.Slipway) -> None:
    code, told, error = import_glance(site, server.config, "--dry-run")
    assert code == 1, error
    assert told[-1]["dry_run"]
    assert told[-1]["images"] == {"taken": 8, "here": 0, "differ": 0, "left": 1}
    if site.encryption_key:
        code, told, error = import_glance(
            site, server.config, "--dry-run", GLANCE_METADATA_ENCRYPTION_KEY="f" * 16
        )
        assert told[-1]["images"]["left"] == 7, "no location can be read"
    if "ssl_ca" in site.connection:
        other = f"{site.connection.partition('&ssl_ca')[0]}&ssl_verify_cert=true"
        code, told, error = import_glance(site, server.config, GLANCE_CONNECTION=other)
        assert code == 5, "the system knows no such authority"


def takes_everything_once(site: Site, server: harness.Slipway) -> None:
    code, told, error = import_glance(site, server.config)
    assert code == 1, error
    *remarks, summary = told
    assert [(one["outcome"], one["name"]) for one in remarks] == [("left", "staged")]
    assert "uploading" in remarks[0]["reason"]
    assert summary["images"] == {"taken": 8, "here": 0, "differ": 0, "left": 1}
    assert summary["namespaces"]["taken"] > 20
    assert (summary["locations"], summary["members"], summary["tags"]) == (6, 3, 2)
    assert summary["deleted_in_glance"] == 1
    code, told, error = import_glance(site, server.config)
    assert told[-1]["images"] == {"taken": 0, "here": 8, "differ": 0, "left": 1}
    assert told[-1]["namespaces"]["taken"] == told[-1]["namespaces"]["differ"] == 0


def records(url: str, images: list[str]) -> dict[str, Any]:
    """Each image as users see it, with its members; and every namespace."""
    found: dict[str, Any] = {}
    for image_id in images:
        shown = requests.get(f"{url}/v2/images/{image_id}", timeout=60).json()
        members = requests.get(f"{url}/v2/images/{image_id}/members", timeout=60)
        shown = {key: value for key, value in shown.items() if key not in OWN_WORDS}
        shown["tags"].sort()
        found[image_id] = (shown, members.json() if members.ok else members.status_code)
    spaces = requests.get(f"{url}/v2/metadefs/namespaces?limit=1000", timeout=60).json()["namespaces"]
    for space in spaces:
        path = f"{url}/v2/metadefs/namespaces/{space['namespace']}"
        found[space["namespace"]] = essence(requests.get(path, timeout=60).json())
    return found


def essence(space: dict[str, Any]) -> dict[str, Any]:
    """A namespace without what is only said in another way, and in one order."""
    said: dict[str, Any] = {"visibility": "private", "properties": {}, **space}
    said.pop("updated_at", None)  # absent where nothing was updated
    for name in ("objects", "tags", "resource_type_associations"):
        said[name] = sorted(said.get(name, []), key=lambda one: one["name"])
        for one in said[name]:
            one.pop("updated_at", None)
            one["self"] = unquote(one.get("self", ""))
            if not one.get("required", True):
                del one["required"]
    return said


def shows_the_same(site: Site, server: harness.Slipway) -> None:
    taken = [image for name, image in site.images.items() if name not in ("staged", "deleted")]
    theirs, ours = records(site.glance_url, taken), records(server.url, taken)
    assert sorted(ours) == sorted(theirs)
    for name, record in theirs.items():
        assert ours[name] == record, name


def shows_the_same_to_the_stock_client(
    site: Site, server: harness.Slipway, clients: Path, work: Path
) -> None:
    theirs, ours = (
        OpenStack.at(clients / "openstack", url, work).json("image", "show", site.images["disk"])
        for url in (site.glance_url, server.url)
    )
    ours["properties"].pop("stores", None)
    for shown in (theirs, ours):
        shown["tags"].sort()
    assert ours == theirs


def serves_the_bytes(site: Site, server: harness.Slipway, disk: Disk) -> None:
    for name, data in (
        ("disk", disk.path.read_bytes()),
        ("private ü", b"p" * 5000),
        ("community", b"c" * 4096),
        ("without data", b""),
    ):
        answer = requests.get(f"{server.url}/v2/images/{site.images[name]}/file", timeout=120)
        assert answer.content == data, name
        assert answer.status_code == (200 if data else 204)


def boots_without_a_byte(
    site: Site, server: harness.Slipway, vcenter: harness.VCenter, guest: Disk
) -> None:
    with watched(vcenter, server.service_url) as (url, traffic):
        boot = harness.nova_boot(vcenter, url, site.images["disk"])
    assert boot["ok"], boot["error"]
    assert traffic.image_bytes == traffic.datastore_bytes == 0
    [disk] = boot["disks"]
    assert_guest_reads(vcenter, disk["parent"], guest.path, GIB)


def clones_without_a_byte(
    site: Site, server: harness.Slipway, vcenter: harness.VCenter, guest: Disk
) -> None:
    """The file has no suffix, by which vCenter knows disks."""
    name = f"{site.images['disk']}/clone.vmdk"
    target = {"datacenter": "DC0", "datastore": vcenter.compute_datastore, "path": name}
    path = f"{server.url}/slipway/v1/images/{site.images['disk']}/clones"
    answer = requests.post(path, json=target, timeout=60)
    assert answer.status_code == 202, answer.text
    task = answer.json()
    deadline = time.monotonic() + 120
    while task["status"] in ("pending", "running"):
        assert time.monotonic() < deadline, task
        time.sleep(0.1)
        task = requests.get(f"{server.url}/slipway/v1/tasks/{task['id']}", timeout=60).json()
    assert task["status"] == "success", task
    assert task["account"]["bytes_through"] == 0
    assert_guest_reads(vcenter, f"[{vcenter.compute_datastore}] {name}", guest.path, guest.size)


def removes_the_files_of_its_images_only(site: Site, server: harness.Slipway) -> None:
    gone, kept = site.images["community"], site.images["shared"]
    assert (site.folder / gone).exists()
    assert requests.delete(f"{server.url}/v2/images/{gone}", timeout=60).status_code == 204
    deadline = time.monotonic() + 60
    while (site.folder / gone).exists():
        assert time.monotonic() < deadline, "the file is still there"
        time.sleep(0.1)
    assert (site.folder / kept).exists()


def tells_what_has_changed_since(site: Site, server: harness.Slipway) -> None:
    change = [{"op": "replace", "path": "/name", "value": "renamed"}]
    path = f"{site.glance_url}/v2/images/{site.images['shared']}"
    assert requests.patch(path, json=change, headers=PATCH, timeout=60).ok
    code, told, error = import_glance(site, server.config)
    assert code == 1, error
    assert told[-1]["images"] == {"taken": 0, "here": 6, "differ": 1, "left": 2}
    reasons = {one["id"]: one["reason"] for one in told[:-1]}
    assert reasons[site.images["shared"]] == "name"
    assert "deleted" in reasons[site.images["community"]]
