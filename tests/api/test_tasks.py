"""/v2/tasks, and the tasks of an image, as the Image API shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import harness
import pytest
from client import Api, eventually, octets
from servers import Slipway
from web import Web, serving

DATA = octets(100_000)
NOTHING = "70c4b014-c77e-467c-a910-1902585b5391"


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with serving() as server:
        server.pages["/disk"] = DATA
        yield server


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory, web: Web) -> Iterator[Api]:
    work = tmp_path_factory.mktemp("tasks")
    filtering = {"allowed_hosts": "127.0.0.1", "allowed_ports": f"80, 443, {web.port}"}
    server = Slipway(work, harness.local_backend(work), {"import_filtering_opts": filtering})
    yield Api(server.url)
    server.stop()


def create(api: Api, uri: str, **properties: str) -> dict:
    body = {"type": "import", "input": {"import_from": uri, "import_from_format": "raw"}}
    body["input"]["image_properties"] = properties
    answer = api.post("/v2/tasks", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json() | {"location": answer.headers["Location"]}


def over(api: Api, task_id: str) -> dict:
    def look() -> dict | None:
        task = api.get(f"/v2/tasks/{task_id}").json()
        return task if task["status"] in ("success", "failure") else None

    return eventually(look, f"the end of task {task_id}")


def test_an_image_without_imports_has_no_tasks(api: Api) -> None:
    assert api.image_tasks(api.active(b"x")["id"]) == []
    assert api.get(f"/v2/images/{NOTHING}/tasks").status_code == 404


def test_an_import_is_shown_with_microseconds_and_without_a_zone(api: Api) -> None:
    image_id = api.staged(DATA)
    api.import_image(image_id, "glance-direct")
    task = api.import_over(image_id)
    assert set(task) == {
        "id", "type", "status", "owner", "image_id", "request_id", "user_id", "input", "result", "message",
        "created_at", "updated_at", "expires_at", "deleted", "deleted_at",
    }  # fmt: skip
    for name in ("created_at", "updated_at", "expires_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", task[name]), name
    assert (task["deleted"], task["deleted_at"]) == (False, None)
    ours = api.task(task["id"])
    assert (ours["kind"], ours["status"]) == ("import", "success")


def test_a_task_makes_an_image(tasks: Api, web: Web) -> None:
    task = create(
        tasks, web.url + "/disk", name="made", disk_format="raw", container_format="bare", color="red"
    )
    assert (task["type"], task["status"]) == ("import", "pending")
    assert (task["self"], task["schema"]) == (f"/v2/tasks/{task['id']}", "/v2/schemas/task")
    assert task["location"].endswith(task["self"])
    assert task["input"]["import_from"] == web.url + "/disk"
    done = over(tasks, task["id"])
    assert (done["status"], done["message"]) == ("success", "")
    image = tasks.show(done["result"]["image_id"])
    assert (image["name"], image["status"], image["color"]) == ("made", "active", "red")
    assert tasks.download(image["id"]).content == DATA


def test_a_task_that_fails_leaves_no_image(tasks: Api, web: Web) -> None:
    task = create(tasks, web.url + "/nothing")
    done = over(tasks, task["id"])
    assert (done["status"], bool(done["message"]), done["result"]) == ("failure", True, None)
    eventually(lambda: tasks.get(f"/v2/images/{done['image_id']}").status_code == 404, "the image is gone")


def test_a_task_that_can_not_be_made_is_refused(tasks: Api, web: Web) -> None:
    uri = web.url + "/disk"
    before = len(tasks.images())
    for body in (
        [],
        {},
        {"type": "import"},
        {"input": {"import_from": uri}},
        {"type": "export", "input": {"import_from": uri}},
        {"type": "import", "input": []},
        {"type": "import", "input": {}},
        {"type": "import", "input": {"import_from": "file:///etc/passwd"}},
        {"type": "import", "input": {"import_from": "http://169.254.169.254/"}},
        {"type": "import", "input": {"import_from": uri, "image_properties": {"disk_format": "none"}}},
    ):
        answer = tasks.post("/v2/tasks", json=body)
        assert answer.status_code == 400, (body, answer.text)
    assert len(tasks.images()) == before


def test_tasks_are_listed_in_pages(tasks: Api, web: Web) -> None:
    made = [create(tasks, web.url + "/disk", disk_format="raw", container_format="bare")["id"] for _ in range(3)]
    for task_id in made:
        over(tasks, task_id)
    first = tasks.get("/v2/tasks?limit=2").json()
    assert [task["id"] for task in first["tasks"]] == [made[2], made[1]]
    assert (first["first"], first["schema"]) == ("/v2/tasks?limit=2", "/v2/schemas/tasks")
    assert not {"input", "result", "message", "image_id"} & set(first["tasks"][0])
    rest = tasks.get(first["next"]).json()
    assert rest["tasks"][0]["id"] == made[0]
    ascending = tasks.get("/v2/tasks?sort_dir=asc&sort_key=created_at").json()["tasks"]
    assert [task["id"] for task in ascending][-3:] == made
    failed = tasks.get("/v2/tasks?status=failure").json()["tasks"]
    assert all(task["status"] == "failure" for task in failed)
    assert tasks.get("/v2/tasks?type=import").json()["tasks"]
    (one,) = tasks.get(f"/v2/tasks?id={made[1]}&status=success").json()["tasks"]
    assert one["id"] == made[1]
    request_id = tasks.get(f"/v2/tasks/{made[0]}").json()["request_id"]
    (one,) = tasks.get(f"/v2/tasks?request_id={request_id}").json()["tasks"]
    assert one["id"] == made[0]
    assert tasks.get("/v2/tasks?user_id=nobody").json()["tasks"] == []
    for query in ("limit=x", "limit=-1", "marker=x", f"marker={NOTHING}", "sort_key=x", "sort_dir=up",
                  "status=done", "type=other", "colour=red", "created_at=yesterday"):  # fmt: skip
        assert tasks.get(f"/v2/tasks?{query}").status_code == 400, query


def test_a_task_can_not_be_deleted(tasks: Api) -> None:
    answer = tasks.delete(f"/v2/tasks/{NOTHING}")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
    assert tasks.get(f"/v2/tasks/{NOTHING}").status_code == 404
