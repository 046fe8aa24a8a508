"""slipway is killed, as by kill -9, in the middle of its work; nothing acknowledged may be lost."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import harness
import pytest
from client import Api, eventually, octets
from conftest import BACKENDS
from servers import Slipway, VCenter, object_files
from web import serving

ROUNDS = 6
DATA = octets(6 * (1 << 20) + 77)


@pytest.fixture(params=BACKENDS)
def victim(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Slipway]:
    """A slipway of its own, to be killed."""
    if request.param == "local":
        backend = harness.local_backend(tmp_path)
    else:
        backend = harness.vcenter_backend(request.getfixturevalue("vcenter"))
    server = Slipway(tmp_path, backend)
    yield server
    server.stop()


@pytest.fixture
def files(victim: Slipway, request: pytest.FixtureRequest) -> Callable[[], list[str]]:
    vcenter: VCenter | None = request.getfixturevalue("vcenter") if victim.store == "vcenter" else None
    return object_files(victim, vcenter)


def images_with_files(files: Callable[[], list[str]]) -> set[str]:
    return {name.split(".")[0] for name in files()}


def directories(files: Callable[[], list[str]]) -> list[str]:
    return sorted({name.split("/")[0] for name in files()})


def trickle(connection: socket.socket, data: bytes, stop: threading.Event) -> None:
    """Send until told to stop, or until nobody takes it."""
    try:
        for start in range(0, len(data), 65536):
            if stop.is_set():
                return
            connection.sendall(data[start : start + 65536])
    except OSError:
        pass


def test_an_upload_that_was_killed_can_be_repeated(victim: Slipway, files: Callable[[], list[str]]) -> None:
    api = Api(victim.url)
    chance = random.Random(7)
    for _ in range(ROUNDS):
        image_id = api.create()["id"]
        stop = threading.Event()
        with api.begin_upload(image_id, len(DATA), DATA[:65536]) as connection:
            sender = threading.Thread(target=trickle, args=(connection, DATA[65536:-1], stop))
            sender.start()
            time.sleep(chance.uniform(0, 0.15))  # any moment will do
            victim.kill()
            stop.set()
            sender.join()
        victim.start()
        eventually(lambda: api.show(image_id)["status"] == "queued", "the image is queued again")
        image = api.show(image_id)
        assert (image["size"], image["checksum"]) == (None, None)
        assert api.download(image_id).status_code == 204
        assert api.upload(image_id, DATA).status_code == 204
        assert api.download(image_id).content == DATA
    known = {image["id"] for image in api.images("?status=active")}
    assert len(known) == ROUNDS
    eventually(lambda: len(directories(files)) == ROUNDS, "one directory for each image")
    assert images_with_files(files) == known


def test_what_was_acknowledged_survives(victim: Slipway, files: Callable[[], list[str]]) -> None:
    api = Api(victim.url)
    images = {}
    for number in range(ROUNDS):
        data = octets(300_000 + number, seed=number)
        image_id = api.create()["id"]
        assert api.upload(image_id, data).status_code == 204
        victim.kill()
        images[image_id] = data
        victim.start()
        assert api.show(image_id)["status"] == "active"
    for image_id, data in images.items():
        assert api.download(image_id).content == data
    assert images_with_files(files) == set(images)


def test_an_acknowledged_delete_survives(victim: Slipway, files: Callable[[], list[str]]) -> None:
    api = Api(victim.url)
    kept = api.active(b"kept")["id"]
    for _ in range(2):
        image_id = api.active(b"deleted")["id"]
        assert api.delete(f"/v2/images/{image_id}").status_code == 204
        victim.restart()
        assert api.get(f"/v2/images/{image_id}").status_code == 404
    eventually(lambda: images_with_files(files) == {kept}, "the deleted files are gone")
    assert api.download(kept).content == b"kept"


def test_an_upload_killed_at_any_moment_is_whole_or_not_there(
    victim: Slipway, files: Callable[[], list[str]]
) -> None:
    """The client does not wait for its answer, so that the kill falls near the commit."""
    api = Api(victim.url)
    chance = random.Random(11)
    data = octets(200_000)
    active = set()
    for _ in range(ROUNDS):
        image_id = api.create()["id"]
        with api.begin_upload(image_id, len(data), data):
            time.sleep(chance.uniform(0, 0.12))  # any moment will do
            victim.kill()
        victim.start()
        status = eventually(
            lambda: (found := api.show(image_id)["status"]) in ("queued", "active") and found,
            "the image is queued or active",
        )
        if status == "active":
            active.add(image_id)
            assert api.download(image_id).content == data
    eventually(lambda: images_with_files(files) == active, "files of active images only")


def test_staged_data_survive_and_half_of_them_do_not(
    victim: Slipway, files: Callable[[], list[str]]
) -> None:
    api = Api(victim.url)
    staged = api.staged(DATA)
    half = api.create()["id"]
    with api.begin_upload(half, len(DATA), DATA[:65536], verb="stage") as connection:
        eventually(lambda: api.show(half)["status"] == "uploading", "the stage has begun")
        victim.kill()
        connection.close()
    victim.start()
    eventually(lambda: api.show(half)["status"] == "queued", "the half staged image is queued")
    eventually(lambda: images_with_files(files) == {staged}, "the half staged file is gone")
    image = api.show(staged)
    assert (image["status"], image["size"]) == ("uploading", len(DATA))
    assert api.import_image(staged, "glance-direct").status_code == 202
    victim.restart()
    assert api.import_over(staged)["status"] == "success"
    assert api.show(staged)["status"] == "active"
    assert api.download(staged).content == DATA


def test_an_import_killed_at_any_moment_ends(victim: Slipway, files: Callable[[], list[str]]) -> None:
    api = Api(victim.url)
    chance = random.Random(13)
    ids = []
    for _ in range(ROUNDS):
        image_id = api.staged(DATA)
        assert api.import_image(image_id, "glance-direct").status_code == 202
        time.sleep(chance.uniform(0, 0.1))  # any moment will do
        victim.restart()
        ids.append(image_id)
    for image_id in ids:
        assert api.import_over(image_id)["status"] == "success"
        image = api.show(image_id)
        assert image["status"] == "active"
        assert "os_glance_import_task" not in image
        assert api.download(image_id).content == DATA
    eventually(lambda: len(directories(files)) == ROUNDS, "one directory for each image")


def test_a_download_that_was_killed_is_made_again(tmp_path: Path) -> None:
    with serving() as web:
        web.pages["/disk"] = DATA
        web.hold.add("/disk")
        filtering = {"allowed_hosts": "127.0.0.1", "allowed_ports": str(web.port)}
        victim = Slipway(
            tmp_path, harness.local_backend(tmp_path), {"import_filtering_opts": filtering}
        )
        try:
            api = Api(victim.url)
            image_id = api.create()["id"]
            method = {"name": "web-download", "uri": f"{web.url}/disk"}
            assert api.import_image(image_id, method).status_code == 202
            assert web.held.wait(60)
            victim.kill()
            web.hold.clear()
            web.release.set()
            victim.start()
            assert api.import_over(image_id)["status"] == "success"
            assert api.download(image_id).content == DATA
            found = object_files(victim, None)
            eventually(lambda: len(directories(found)) == 1, "the half file is gone")
        finally:
            victim.stop()


def test_two_servers_do_not_share_a_catalogue(victim: Slipway, tmp_path: Path) -> None:
    sections = victim.config.read_text(encoding="utf-8")
    for port in victim.ports:
        sections = sections.replace(str(port), str(harness.free_port()))
    config = tmp_path / "second.conf"
    config.write_text(sections, encoding="utf-8")
    config.chmod(0o600)
    second = harness.Child([harness.slipway_binary(), "serve", "--config-file", config], tmp_path / "second.log")
    assert second.process.wait(60) != 0
    second.stop()
    assert second.log.read_text(encoding="utf-8")
    assert Api(victim.url).get("/v2/images").status_code == 200
