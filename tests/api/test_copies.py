"""Images on several datastores and in several stores, copied by the storage; and disks in Nova's cache."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import harness
import pytest
import requests
from client import Api, eventually, octets
from servers import Slipway, VCenter, paths_below

SIZE = 3 << 20
DATA = octets(SIZE)


@pytest.fixture
def start(tmp_path: Path, vcenter: VCenter) -> Iterator[Callable[..., Api]]:
    """Starts a slipway whose store has these datastores, the first one preferred."""
    started: list[Slipway] = []

    def start(datastores: list[str], options: dict | None = None, **store: object) -> Api:
        backend = harness.vcenter_backend(vcenter)
        backend.options["vmware_datastores"] = [
            f"DC0:{name}:{100 - place}" for place, name in enumerate(datastores)
        ]
        backend.options.update(store)
        server = Slipway(tmp_path, backend, options)
        started.append(server)
        return Api(server.url)

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def two_datastores(vcenter: VCenter, tmp_path: Path) -> Iterator[Slipway]:
    """A slipway on two datastores, to be killed."""
    backend = harness.vcenter_backend(vcenter)
    backend.options["vmware_datastores"] = ["DC0:images:100", "DC0:work:90"]
    server = Slipway(tmp_path, backend)
    yield server
    server.stop()


def copies(api: Api, image_id: str) -> list[dict]:
    answer = api.get(f"/slipway/v1/images/{image_id}/copies")
    assert answer.status_code == 200, answer.text
    return answer.json()["copies"]


def test_copies_tell_what_became_of_the_files(start: Callable[..., Api], vcenter: VCenter) -> None:
    api = start(["images", "work"], copies=2)
    image_id = api.active(DATA)["id"]
    eventually(lambda: len(copies(api, image_id)) == 2, "there are two copies")
    for copy in copies(api, image_id):
        assert copy["state"] == "live"
        assert copy["last_checked"] >= copy["created_at"]
        file = vcenter.folder(*copy["datastore"].split("/")) / copy["directory"] / copy["file"]
        if copy["datastore"] == "DC0/images":
            file.write_bytes(b"short")
        else:
            file.unlink()
    states = {copy["datastore"]: copy["state"] for copy in copies(api, image_id)}
    assert states == {"DC0/images": "damaged", "DC0/work": "missing"}


def datastores_of(api: Api, image_id: str) -> set[str]:
    return {copy["datastore"] for copy in copies(api, image_id)}



def test_policy_keeps_an_image_on_several_datastores(start: Callable[..., Api], vcenter: VCenter) -> None:
    api = start(["images", "work", "nfs1"], copies=2)
    image_id = api.active(DATA)["id"]
    eventually(lambda: len(copies(api, image_id)) == 2, "there are two copies")
    assert datastores_of(api, image_id) == {"DC0/images", "DC0/work"}
    (task,) = [t for t in api.get("/slipway/v1/tasks").json()["tasks"] if t["image_id"] == image_id]
    task = api.finished_task(task["id"])
    assert (task["kind"], task["account"]["bytes_through"], task["account"]["path"]) == ("copy", 0, "copy_file")
    assert len(vcenter.calls("CopyDatastoreFile_Task")) == 1
    assert api.download(image_id).content == DATA


def test_copies_made_at_the_same_time_lie_apart(start: Callable[..., Api]) -> None:
    api = start(["images", "work", "nfs1"], copies=3)
    image_id = api.active(DATA)["id"]
    eventually(lambda: len(copies(api, image_id)) == 3, "there are three copies")
    assert datastores_of(api, image_id) == {"DC0/images", "DC0/work", "DC0/nfs1"}


def test_a_datastore_is_evacuated(start: Callable[..., Api], vcenter: VCenter) -> None:
    api = start(["images", "work"])
    ids = [api.active(octets(SIZE, seed=seed))["id"] for seed in range(3)]
    (store,) = api.get("/slipway/v1/stores").json()["stores"]
    answer = api.post(f"/slipway/v1/stores/{store['id']}/evacuate", json={"datastore": "DC0/images"})
    assert answer.status_code == 202, answer.text
    tasks = [api.finished_task(task["id"]) for task in answer.json()["tasks"]]
    assert [(task["kind"], task["status"]) for task in tasks] == [("evacuate", "success")] * 3
    assert all(task["account"]["bytes_through"] == 0 for task in tasks)
    for seed, image_id in enumerate(ids):
        assert datastores_of(api, image_id) == {"DC0/work"}
        assert api.download(image_id).content == octets(SIZE, seed=seed)
    clone = api.clone(ids[0], datacenter="DC0", datastore="work", path="vm-evacuated/disk.vmdk")
    assert api.finished_task(clone.json()["id"])["status"] == "success"


@pytest.mark.parametrize("rude", [True, False])
def test_a_copy_waits_for_the_same_vsphere_task_after_a_restart(
    two_datastores: Slipway, vcenter: VCenter, rude: bool
) -> None:
    api = Api(two_datastores.url)
    image_id = api.active(DATA)["id"]
    (store,) = api.get("/slipway/v1/stores").json()["stores"]
    vcenter.clear_journal()
    vcenter.set(task_rate=1 << 20)
    answer = api.post(f"/slipway/v1/stores/{store['id']}/evacuate", json={"datastore": "DC0/images"})
    (task,) = answer.json()["tasks"]
    eventually(lambda: api.task(task["id"])["progress"] > 0, "the copy is on its way")
    if rude:
        two_datastores.kill()
    else:
        two_datastores.stop()
    two_datastores.start()
    finished = api.finished_task(task["id"])
    assert finished["status"] == "success", finished
    assert len(vcenter.calls("CopyDatastoreFile_Task")) == 1
    (copy,) = copies(api, image_id)
    assert copy["datastore"] == "DC0/work"
    assert api.download(image_id).content == DATA


def test_an_evacuation_without_another_datastore_keeps_everything(start: Callable[..., Api]) -> None:
    api = start(["images"])
    image_id = api.active(DATA)["id"]
    (store,) = api.get("/slipway/v1/stores").json()["stores"]
    answer = api.post(f"/slipway/v1/stores/{store['id']}/evacuate", json={"datastore": "DC0/images"})
    (task,) = answer.json()["tasks"]
    assert api.finished_task(task["id"])["status"] == "failure"
    assert api.download(image_id).content == DATA


def test_policy_seeds_before_an_image_is_active(start: Callable[..., Api], vcenter: VCenter) -> None:
    seed = {"datacenter": "DC0", "datastore_regex": "work", "cache_prefix": "prod", "sizes_gb": "1, 2"}
    api = start(["images"], {"seed:cluster": seed})
    image_id = api.active(DATA)["id"]
    cache = vcenter.folder("DC0", "work") / "prod_base" / image_id
    found = {path.name for path in cache.iterdir()}
    assert {f"{image_id}.vmdk", f"{image_id}.1.vmdk", f"{image_id}.2.vmdk"} <= found
    (kept,) = api.get(f"/slipway/v1/images/{image_id}/seeds").json()["seeds"]
    assert (kept["state"], kept["policy"], kept["sizes_gb"]) == ("warm", "cluster", [1, 2])


@pytest.fixture
def seeding(vcenter: VCenter, tmp_path: Path) -> Iterator[Slipway]:
    """A slipway that seeds the datastore `work`, slowly."""
    backend = harness.vcenter_backend(vcenter)
    backend.options["vmware_datastores"] = ["DC0:images:100"]
    seed = {"datacenter": "DC0", "datastore_regex": "work", "cache_prefix": "prod"}
    vcenter.set(task_rate=SIZE // 60)
    server = Slipway(tmp_path, backend, {"seed:cluster": seed})
    yield server
    server.stop()


def under_construction(vcenter: VCenter, server: Slipway) -> list[Path]:
    name = str(server.backend.options["vmware_store_image_dir"]).strip("/") + "_seeding"
    folder = vcenter.folder("DC0", "work") / name
    return [path for path in paths_below(folder) if path.parent != folder]


def test_a_seed_that_was_killed_leaves_nothing(seeding: Slipway, vcenter: VCenter) -> None:
    api = Api(seeding.url)
    image_id = api.create()["id"]
    cache = vcenter.folder("DC0", "work") / "prod_base" / image_id

    def upload() -> None:
        with contextlib.suppress(requests.RequestException):
            api.upload(image_id, DATA)

    uploading = threading.Thread(target=upload)
    uploading.start()
    eventually(lambda: under_construction(vcenter, seeding), "the seed is being built")
    seeding.kill()
    uploading.join()
    vcenter.set(task_rate=0)
    seeding.start()
    eventually(lambda: not under_construction(vcenter, seeding), "what was built is gone")
    assert api.show(image_id)["status"] == "queued"
    assert not cache.exists()
    other = octets(SIZE, seed=2)
    assert api.upload(image_id, other).status_code == 204
    assert (cache / f"{image_id}-flat.vmdk").read_bytes() == other


def test_a_deletion_ends_the_seed(seeding: Slipway, vcenter: VCenter) -> None:
    api = Api(seeding.url)
    image_id = api.create()["id"]
    answers = []
    uploading = threading.Thread(target=lambda: answers.append(api.upload(image_id, DATA)))
    uploading.start()
    eventually(lambda: under_construction(vcenter, seeding), "the seed is being built")
    assert api.delete(f"/v2/images/{image_id}").status_code == 204
    uploading.join(50)
    assert not uploading.is_alive(), "the seed alone takes a minute"
    assert answers[0].status_code == 410
    eventually(lambda: not under_construction(vcenter, seeding), "what was built is gone")
    assert not (vcenter.folder("DC0", "work") / "prod_base" / image_id).exists()


def test_a_seed_is_refused_with_words(start: Callable[..., Api]) -> None:
    api = start(["images"])
    image_id = api.active(DATA)["id"]
    path = f"/slipway/v1/images/{image_id}/seeds"
    for body in (
        {},
        {"datacenter": "DC0", "datastore": "nowhere"},
        {"datacenter": "DC0", "datastore": "work", "sizes_gb": [0]},
        {"datacenter": "DC0", "datastore": "work", "colour": "red"},
    ):
        answer = api.post(path, json=body)
        assert answer.status_code in (400, 404), (body, answer.text)
        assert answer.json()["error"]["message"]
    assert api.get(path).json() == {"seeds": []}
