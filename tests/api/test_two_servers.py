"""Two servers on one catalogue in PostgreSQL and one store: what one stages, the other imports or deletes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import harness
import pytest
from client import Api, eventually, octets
from databases import Postgres
from servers import Slipway, object_files
from web import serving

DATA = octets(3 << 20)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Slipway, Slipway]]:
    work = tmp_path_factory.mktemp("two")
    backend = harness.local_backend(work)
    database = Postgres()
    options: dict[str, dict[str, object]] = {
        "database": {"connection": database.url("slipway")},
        "import_filtering_opts": {
            "allowed_hosts": "127.0.0.1", "allowed_ports": "", "disallowed_ports": "1",
        },
    }  # fmt: skip
    started: list[Slipway] = []
    try:
        for name in ("one", "two"):
            started.append(Slipway(work / name, backend, options))
        yield started[0], started[1]
    finally:
        for server in started:
            server.stop()
        database.stop()


def files_of(server: Slipway, image_id: str) -> list[str]:
    return [name for name in object_files(server, None)() if name.startswith(image_id)]


def test_either_imports_what_the_other_staged(servers: tuple[Slipway, Slipway]) -> None:
    one, two = (Api(server.url) for server in servers)
    image_id = one.staged(DATA)
    assert two.show(image_id)["status"] == "uploading"
    assert two.import_image(image_id, "glance-direct").status_code == 202
    assert one.import_over(image_id)["status"] == "success"
    for api in (one, two):
        assert api.download(image_id).content == DATA


def test_either_deletes_what_the_other_staged(servers: tuple[Slipway, Slipway]) -> None:
    one, two = (Api(server.url) for server in servers)
    image_id = one.staged(DATA)
    assert two.delete(f"/v2/images/{image_id}").status_code == 204
    eventually(lambda: not files_of(servers[0], image_id), "the staged file is gone")


def test_a_deletion_reaches_a_download_of_the_other(servers: tuple[Slipway, Slipway]) -> None:
    one, two = (Api(server.url) for server in servers)
    with serving() as web:
        web.pages["/disk"] = octets(16 << 20)
        web.hold.add("/disk")
        image_id = one.create()["id"]
        method = {"name": "web-download", "uri": f"{web.url}/disk"}
        assert one.import_image(image_id, method).status_code == 202
        assert web.held.wait(60)
        task_id = one.image_tasks(image_id)[0]["id"]
        for api in (one, two):
            assert api.import_image(image_id, method).status_code == 409
        assert two.delete(f"/v2/images/{image_id}").status_code == 204
        web.release.set()
        assert one.finished_task(task_id)["status"] in ("failure", "cancelled")
    eventually(lambda: not files_of(servers[0], image_id), "what was downloaded is gone")


def test_an_import_outlives_the_server_that_runs_it(servers: tuple[Slipway, Slipway]) -> None:
    """The other one takes over when the lease of the dead one has run out."""
    one, two = servers
    with serving() as web:
        web.pages["/disk"] = DATA
        web.hold.add("/disk")
        api = Api(two.url)
        image_id = api.create()["id"]
        method = {"name": "web-download", "uri": f"{web.url}/disk"}
        assert api.import_image(image_id, method).status_code == 202
        assert web.held.wait(60)
        # Whoever runs it: both end, and one of them starts again.
        one.kill()
        two.kill()
        web.hold.clear()
        web.release.set()
        two.start()
        assert api.import_over(image_id)["status"] == "success"
        assert api.download(image_id).content == DATA
    one.start()
