"""Copies for VMs that the storage makes by itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import disks
import harness
import pytest
from client import Api, eventually, iso_image, octets
from servers import Slipway, VCenter, object_files, paths_below

SIZE = (8 << 20) + 512
DATA = octets(SIZE)
SLOW = 4 << 20  # bytes per second: a clone takes two seconds
STALLED = SIZE // 120  # two minutes, for what must be seen on the way

# The tests of this file make their clones in folders of their own.
_numbers = iter(range(1_000_000))


@pytest.fixture
def api(vcenter: VCenter, vcenter_slipway: Slipway) -> Api:
    return Api(vcenter_slipway.url)


@pytest.fixture
def image_id(api: Api, vcenter: VCenter) -> str:
    image_id: str = api.active(DATA)["id"]
    vcenter.clear_journal()
    return image_id


@pytest.fixture
def path() -> str:
    return f"vm-{next(_numbers)}/disk.vmdk"


@pytest.fixture(scope="session")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("raw") / "disk.raw"
    file.write_bytes(DATA)
    return file


def folder_calls(vcenter: VCenter) -> list[str]:
    return [entry.method for entry in vcenter.journal() if entry.kind in ("folder", "esx-folder")]


@pytest.mark.parametrize(
    ("datacenter", "datastore"),
    [("DC0", "images"), ("DC0", "work"), ("DC0", "nfs1"), ("F0/DC1", "images"), ("/F0/DC1", "images")],
)
def test_a_clone_is_made_by_the_storage(
    api: Api, vcenter: VCenter, image_id: str, path: str, raw: Path, datacenter: str, datastore: str
) -> None:
    answer = api.clone(image_id, datacenter=datacenter, datastore=datastore, path=path)
    assert answer.status_code == 202, answer.text
    task = answer.json()
    assert answer.headers["Location"].endswith(f"/slipway/v1/tasks/{task['id']}")
    assert (task["kind"], task["image_id"], task["error"]) == ("clone", image_id, None)
    task = api.finished_task(task["id"])
    assert (task["status"], task["progress"], task["error"]) == ("success", 100, None)
    account = task["account"]
    assert (account["bytes_through"], account["path"]) == (0, "copy_disk")
    assert account["bytes_copied"] >= SIZE
    assert len(vcenter.calls("CopyVirtualDisk_Task")) == 1
    assert folder_calls(vcenter) == []
    target = vcenter.folder(datacenter.strip("/"), datastore) / path
    assert disks.same_guest_data(raw, target, "vmdk")


def test_a_clone_that_the_storage_can_not_make_is_refused_with_words(
    api: Api, vcenter: VCenter, image_id: str, path: str
) -> None:
    """vSAN takes no hosted disk."""
    answer = api.clone(image_id, datacenter="DC0", datastore="vsan1", path=path)
    assert answer.status_code in (202, 400, 409, 415)
    if answer.status_code == 202:
        task = api.finished_task(answer.json()["id"])
        assert task["status"] == "failure"
        assert task["error"]["message"]
        assert "path" not in (task["account"] or {})


def test_clones_leave_nothing_but_the_disk(api: Api, vcenter: VCenter, image_id: str, path: str) -> None:
    assert api.finished_task(api.started_clone(image_id, datacenter="DC0", datastore="work", path=path))["status"] == "success"
    folder = (vcenter.folder("DC0", "work") / path).parent
    assert sorted(file.name for file in folder.iterdir()) in (["disk-flat.vmdk", "disk.vmdk"], ["disk.vmdk"])


def test_tasks_are_listed(api: Api, image_id: str, path: str) -> None:
    task_id = api.started_clone(image_id, datacenter="DC0", datastore="work", path=path)
    api.finished_task(task_id)
    ids = []
    link = "/slipway/v1/tasks?limit=1"
    while link and task_id not in ids:
        page = api.get(link).json()
        ids += [task["id"] for task in page["tasks"]]
        link = page.get("next", "")
    assert task_id in ids
    assert api.get("/slipway/v1/tasks/none").status_code == 404
    assert api.delete("/slipway/v1/tasks/none").status_code == 404


def test_an_existing_target_stays_as_it_is(api: Api, vcenter: VCenter, image_id: str, path: str) -> None:
    target = vcenter.folder("DC0", "work") / path
    target.parent.mkdir()
    target.write_bytes(b"precious")
    answer = api.clone(image_id, datacenter="DC0", datastore="work", path=path)
    if answer.status_code == 202:
        task = api.finished_task(answer.json()["id"])
        assert (task["status"], task["error"]["code"]) == ("failure", 409)
    else:
        assert answer.status_code == 409
    assert target.read_bytes() == b"precious"
    assert [file.name for file in target.parent.iterdir()] == ["disk.vmdk"]


def test_of_two_clones_to_one_target_one_is_made(
    api: Api, vcenter: VCenter, image_id: str, path: str, raw: Path
) -> None:
    vcenter.set(task_rate=STALLED)
    target = {"datacenter": "DC0", "datastore": "work", "path": path}
    tasks = [api.started_clone(image_id, **target) for _ in range(2)]
    vcenter.set(task_rate=0)
    results = [api.finished_task(task_id) for task_id in tasks]
    assert sorted(task["status"] for task in results) == ["failure", "success"]
    (error,) = [task["error"] for task in results if task["error"]]
    assert error["code"] == 409
    assert disks.same_guest_data(raw, vcenter.folder("DC0", "work") / path, "vmdk")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ({}, {400}),
        ({"path": "a.vmdk"}, {400}),
        ({"datastore": "work"}, {400}),
        ({"datastore": "work", "path": ""}, {400}),
        ({"datastore": "work", "path": "a/b.iso"}, {400}),
        ({"datastore": "work", "path": "a/b"}, {400}),
        ({"datastore": "work", "path": "/a/b.vmdk"}, {400}),
        ({"datastore": "work", "path": "../b.vmdk"}, {400}),
        ({"datastore": "work", "path": "a/../b.vmdk"}, {400}),
        ({"datastore": "work", "path": "a//b.vmdk"}, {400}),
        ({"datastore": "work", "path": "a/./b.vmdk"}, {400}),
        ({"datastore": "work", "path": "a\\b.vmdk"}, {400}),
        ({"datastore": "work", "path": "[work] a/b.vmdk"}, {400}),
        ({"datastore": "work", "path": "a\x00/b.vmdk"}, {400}),
        ({"datastore": "work", "path": "a\n/b.vmdk"}, {400}),
        ({"datastore": "work", "path": "x" * 2000 + ".vmdk"}, {400}),
        ({"datastore": "vsan1", "path": "b.vmdk"}, {400}),
        ({"datastore": "work", "path": 7}, {400}),
        ({"datastore": "work", "path": "a/b.vmdk", "disk_type": "thin"}, {400}),
        ({"datastore": "work", "path": "a/b.vmdk", "disk_type": "round"}, {400}),
        ({"datastore": "work", "path": "a/b.vmdk", "color": "red"}, {400}),
        ({"datastore": "none", "path": "a/b.vmdk"}, {400, 404}),
        ({"datastore": "work", "path": "a/b.vmdk", "datacenter": "none"}, {400, 404}),
    ],
)
def test_a_bad_target_is_refused(
    api: Api, vcenter: VCenter, image_id: str, target: dict[str, object], status: set[int]
) -> None:
    body = {"datacenter": "DC0", **target}
    answer = api.post(f"/slipway/v1/images/{image_id}/clones", json=body)
    assert answer.status_code in status, answer.text
    assert answer.json()["error"]["message"]
    assert vcenter.calls("CopyVirtualDisk_Task") == []


def test_a_clone_can_not_land_among_the_images(
    api: Api, vcenter_slipway: Slipway, image_id: str
) -> None:
    directory = str(vcenter_slipway.backend.options["vmware_store_image_dir"]).strip("/")
    answer = api.clone(image_id, datacenter="DC0", datastore="images", path=f"{directory}/x/disk.vmdk")
    assert answer.status_code in (400, 403)


def test_what_can_not_be_cloned(api: Api) -> None:
    target = {"datacenter": "DC0", "datastore": "work", "path": "never/made.vmdk"}
    assert api.clone("00000000-0000-0000-0000-000000000000", **target).status_code == 404
    assert api.clone(api.create()["id"], **target).status_code == 409
    assert api.clone(api.active(b"abc", disk_format="ami", container_format="ami")["id"], **target).status_code in (400, 409, 415)


def test_an_iso_is_copied_as_a_file(api: Api, vcenter: VCenter, path: str) -> None:
    data = iso_image()
    image_id = api.active(data, disk_format="iso")["id"]
    vcenter.clear_journal()
    path = path.replace(".vmdk", ".iso")
    task = api.finished_task(api.started_clone(image_id, datacenter="F0/DC1", datastore="images", path=path))
    assert task["status"] == "success", task
    assert (task["account"]["bytes_through"], task["account"]["path"]) == (0, "copy_file")
    assert len(vcenter.calls("CopyDatastoreFile_Task")) == 1
    assert folder_calls(vcenter) == []
    assert (vcenter.folder("F0/DC1", "images") / path).read_bytes() == data


def test_a_thick_clone_is_inflated(api: Api, vcenter: VCenter, image_id: str, path: str, raw: Path) -> None:
    target = {"datacenter": "DC0", "datastore": "work", "path": path}
    task = api.finished_task(api.started_clone(image_id, **target, disk_type="thick"))
    assert task["status"] == "success", task
    assert len(vcenter.calls("InflateVirtualDisk_Task")) == 1
    assert disks.same_guest_data(raw, vcenter.folder("DC0", "work") / path, "vmdk")


# ---------------------------------------------------------------------------------- interrupted


def slow_clone(api: Api, vcenter: VCenter, image_id: str, path: str) -> str:
    """The id of the task of a clone that vSphere is busy with, until its rate is set to another."""
    vcenter.set(task_rate=STALLED)
    task_id = api.started_clone(image_id, datacenter="DC0", datastore="work", path=path)
    eventually(lambda: vcenter.calls("CopyVirtualDisk_Task"), "the copy is started")
    eventually(lambda: api.task(task_id)["status"] == "running", "the task runs")
    return task_id


def test_a_clone_is_cancelled(api: Api, vcenter: VCenter, image_id: str, path: str) -> None:
    task_id = slow_clone(api, vcenter, image_id, path)
    assert api.delete(f"/slipway/v1/tasks/{task_id}").status_code in (200, 202)
    task = api.finished_task(task_id)
    assert task["status"] == "cancelled"
    eventually(lambda: vcenter.calls("CancelTask"), "the task of vSphere is cancelled")
    vcenter.heal()
    target = vcenter.folder("DC0", "work") / path
    eventually(lambda: not list(paths_below(target.parent)), "nothing is left of the clone")
    again = api.delete(f"/slipway/v1/tasks/{task_id}")
    assert again.status_code in (200, 409)
    task = api.finished_task(api.started_clone(image_id, datacenter="DC0", datastore="work", path=path))
    assert task["status"] == "success"


def test_the_progress_of_a_slow_clone_is_seen(api: Api, vcenter: VCenter, image_id: str, path: str) -> None:
    """At this rate the copy would last for minutes, so what is seen was told on the way."""
    task_id = slow_clone(api, vcenter, image_id, path)
    eventually(lambda: 0 < api.task(task_id)["progress"] < 100, "progress")
    assert api.task(task_id)["status"] == "running"
    vcenter.set(task_rate=0)
    assert api.finished_task(task_id)["status"] == "success"


def test_a_lost_answer_makes_no_second_disk(
    api: Api, vcenter: VCenter, image_id: str, path: str, raw: Path
) -> None:
    vcenter.fault("soap", "lost_answer", method="CopyVirtualDisk_Task")
    task = api.finished_task(api.started_clone(image_id, datacenter="DC0", datastore="work", path=path))
    assert task["status"] == "success", task
    folder = (vcenter.folder("DC0", "work") / path).parent
    assert disks.same_guest_data(raw, folder / "disk.vmdk", "vmdk")
    left = {"disk.vmdk", "disk-flat.vmdk"}
    eventually(lambda: {file.name for file in folder.iterdir()} <= left, "the other attempt is removed")


@pytest.mark.parametrize("fault", ["CannotAccessFile", "NoDiskSpace", "GenericVmConfigFault", "RequestCanceled"])
def test_a_failing_copy_ends_the_task_cleanly(
    api: Api, vcenter: VCenter, image_id: str, path: str, fault: str
) -> None:
    vcenter.fault("task", "task_fault", method="CopyVirtualDisk_Task", fault=fault, at_byte=1 << 20, count=0)
    task = api.finished_task(api.started_clone(image_id, datacenter="DC0", datastore="work", path=path))
    assert task["status"] == ("cancelled" if fault == "RequestCanceled" else "failure"), task
    assert task["error"]["message"]
    assert harness.VCenter.PASSWORD not in task["error"]["message"].split()
    vcenter.heal()
    folder = (vcenter.folder("DC0", "work") / path).parent
    eventually(lambda: not list(paths_below(folder)), "nothing is left of the clone")


def test_a_source_that_is_locked_is_waited_for(
    api: Api, vcenter: VCenter, image_id: str, path: str, raw: Path
) -> None:
    """More refusals than a trouble of another kind would be given tries."""
    vcenter.fault("task", "task_fault", method="CopyVirtualDisk_Task", fault="FileLocked", count=4)
    task = api.finished_task(api.started_clone(image_id, datacenter="DC0", datastore="work", path=path))
    assert task["status"] == "success", task
    folder = (vcenter.folder("DC0", "work") / path).parent
    assert disks.same_guest_data(raw, folder / "disk.vmdk", "vmdk")
    assert {file.name for file in folder.iterdir()} <= {"disk.vmdk", "disk-flat.vmdk"}


def test_a_clone_survives_an_expired_session(api: Api, vcenter: VCenter, image_id: str, path: str) -> None:
    task_id = slow_clone(api, vcenter, image_id, path)
    vcenter.expire_sessions("fault")
    vcenter.set(task_rate=0)
    assert api.finished_task(task_id)["status"] == "success"
    assert len(vcenter.calls("CopyVirtualDisk_Task")) == 1


def test_an_image_deleted_during_a_clone_goes_after_it(
    api: Api, vcenter: VCenter, vcenter_slipway: Slipway, image_id: str, path: str, raw: Path
) -> None:
    task_id = slow_clone(api, vcenter, image_id, path)
    assert api.delete(f"/v2/images/{image_id}").status_code == 204
    assert api.get(f"/v2/images/{image_id}").status_code == 404
    vcenter.set(task_rate=0)
    task = api.finished_task(task_id)
    target = vcenter.folder("DC0", "work") / path
    if task["status"] == "success":
        assert disks.same_guest_data(raw, target, "vmdk")
    else:
        assert task["error"]["message"]
        assert not target.exists()
    files = object_files(vcenter_slipway, vcenter)
    eventually(lambda: not [name for name in files() if image_id in name], "the files of the image are gone")


# -------------------------------------------------------------------------------- a server restarts


@pytest.fixture
def own_slipway(vcenter: VCenter, tmp_path: Path) -> Iterator[Slipway]:
    """One that may be killed."""
    server = Slipway(tmp_path / "slipway", harness.vcenter_backend(vcenter))
    yield server
    server.stop()


@pytest.mark.parametrize("rude", [True, False])
def test_a_clone_goes_on_after_a_restart(
    own_slipway: Slipway, vcenter: VCenter, path: str, raw: Path, rude: bool
) -> None:
    api = Api(own_slipway.url)
    image_id = api.active(DATA)["id"]
    vcenter.clear_journal()
    task_id = slow_clone(api, vcenter, image_id, path)
    if rude:
        own_slipway.kill()
    else:
        own_slipway.stop()
    own_slipway.start()
    vcenter.set(task_rate=0)
    task = api.finished_task(task_id)
    assert task["status"] == "success", task
    assert len(vcenter.calls("CopyVirtualDisk_Task")) == 1
    folder = (vcenter.folder("DC0", "work") / path).parent
    assert disks.same_guest_data(raw, folder / "disk.vmdk", "vmdk")
    assert {file.name for file in folder.iterdir()} <= {"disk.vmdk", "disk-flat.vmdk"}


# ------------------------------------------------------------------------------------- local store


def test_a_local_clone_lies_below_the_clone_root(local_slipway: Slipway, clone_root: Path) -> None:
    api = Api(local_slipway.url)
    image_id = api.active(DATA)["id"]
    answer = api.clone(image_id, datacenter="", datastore="local", path="deep/er/disk.vmdk")
    assert answer.status_code == 202, answer.text
    task = api.finished_task(answer.json()["id"])
    assert task["status"] == "success"
    assert task["account"]["path"] in ("reflink", "copy_range", "stream")
    assert (clone_root / "deep/er/disk.vmdk").read_bytes() == DATA
    assert [file.name for file in (clone_root / "deep/er").iterdir()] == ["disk.vmdk"]
    assert api.delete(f"/v2/images/{image_id}").status_code == 204
    assert (clone_root / "deep/er/disk.vmdk").read_bytes() == DATA


def test_a_local_target_that_exists_stays(local_slipway: Slipway, clone_root: Path) -> None:
    api = Api(local_slipway.url)
    image_id = api.active(DATA)["id"]
    (clone_root / "taken.vmdk").write_bytes(b"precious")
    assert api.clone(image_id, datacenter="", datastore="local", path="taken.vmdk").status_code == 409
    assert (clone_root / "taken.vmdk").read_bytes() == b"precious"


def test_a_local_clone_stays_within_its_root(local_slipway: Slipway, clone_root: Path, tmp_path: Path) -> None:
    api = Api(local_slipway.url)
    image_id = api.active(b"abc")["id"]
    (clone_root / "way-out").symlink_to(tmp_path)
    for path in ("../a.vmdk", "/a.vmdk", "a/../../b.vmdk", "way-out/a.vmdk", ".vmdk/../../a.vmdk", ""):
        answer = api.clone(image_id, datacenter="", datastore="local", path=path)
        if answer.status_code == 202:
            assert api.finished_task(answer.json()["id"])["status"] == "failure"
        else:
            assert answer.status_code in (400, 403, 404, 409), answer.text
    assert list(tmp_path.iterdir()) == []
    assert list(clone_root.parent.glob("*.vmdk")) == []


def test_a_store_without_a_clone_root_makes_no_clones(tmp_path: Path) -> None:
    server = Slipway(tmp_path, harness.local_backend(tmp_path))
    try:
        api = Api(server.url)
        image_id = api.active(b"abc")["id"]
        assert api.clone(image_id, datacenter="", datastore="local", path="a.vmdk").status_code == 403
    finally:
        server.stop()


def datastore_of(number: int) -> str:
    return ("work", "nfs1")[number % 2]


def test_many_clones_at_once(api: Api, vcenter: VCenter, image_id: str, path: str, raw: Path) -> None:
    """Eight at a time for the one datastore that all are read from, whatever they are written to."""
    vcenter.set(task_rate=SLOW)
    answers: list[str] = []

    def start(number: int) -> None:
        target = path.replace("disk", f"disk{number}")
        answers.append(
            api.started_clone(image_id, datacenter="DC0", datastore=datastore_of(number), path=target)
        )

    threads = [threading.Thread(target=start, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {api.finished_task(task_id)["status"] for task_id in answers} == {"success"}
    assert 1 < vcenter.control("GET", "/counters")["most_copying"] <= 8
    for number in range(12):
        target = vcenter.folder("DC0", datastore_of(number)) / path.replace("disk", f"disk{number}")
        assert disks.same_guest_data(raw, target, "vmdk")
