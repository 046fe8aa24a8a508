"""slipway is told to stop: what was begun may end, within its grace; nothing is left half done."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import harness
import pytest
import requests
from client import ANSWER_SECONDS, PATIENCE_SECONDS, Api, eventually, octets, read_all, read_head
from servers import Slipway, object_files

LARGE = octets(48 << 20)  # more than sockets hold


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Slipway]]:
    """Starts a slipway with these values in [http]."""
    started: list[Slipway] = []

    def start(**http: object) -> Slipway:
        server = Slipway(tmp_path, harness.local_backend(tmp_path), {"http": http})
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


def tell_to_stop(server: Slipway) -> None:
    server.child.process.send_signal(signal.SIGTERM)
    eventually(lambda: "server.stop.started" in server.log(), "it has begun to stop")


def refuses_connections(server: Slipway) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.ports[0]), timeout=ANSWER_SECONDS).close()
    except ConnectionRefusedError:
        return True
    return False


def exit_code(server: Slipway) -> int:
    return server.child.process.wait(PATIENCE_SECONDS)


def test_an_idle_slipway_stops_at_once_and_in_order(start: Callable[..., Slipway]) -> None:
    server = start()
    session = requests.Session()  # keeps its connection
    assert session.get(f"{server.url}/v2/images", timeout=ANSWER_SECONDS).status_code == 200
    tell_to_stop(server)
    assert exit_code(server) == 0
    assert "server.stop.done" in server.log()
    assert "server.stop.cut_connections" not in server.log()


def test_while_it_drains_it_works_and_says_so_to_load_balancers(start: Callable[..., Slipway]) -> None:
    server = start(drain_seconds=3600)
    api = Api(server.url)
    assert api.get("/healthcheck").status_code == 200
    tell_to_stop(server)
    answer = api.get("/healthcheck")
    assert (answer.status_code, answer.text) == (503, "DRAINING")
    answer = api.get("/healthcheck", headers={"Accept": "application/json"})
    assert answer.json() == {"detailed": False, "reasons": ["DRAINING"]}
    assert api("HEAD", "/healthcheck").status_code == 503
    data = octets(100_000)
    assert api.download(api.active(data)["id"]).content == data
    # A second signal is for those who will not wait.
    server.child.process.send_signal(signal.SIGTERM)
    exit_code(server)


def test_transfers_that_have_begun_come_to_their_end(start: Callable[..., Slipway]) -> None:
    server = start(shutdown_grace=3600)
    api = Api(server.url)
    stored = api.active(LARGE)["id"]
    incoming = api.create()["id"]
    with (
        api.connect() as download,
        api.begin_upload(incoming, len(LARGE), LARGE[: 1 << 20]) as upload,
    ):
        download.sendall(f"GET /v2/images/{stored}/file HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert b" 200 " in read_head(download).splitlines()[0]
        eventually(lambda: api.show(incoming)["status"] == "saving", "the upload is under way")
        tell_to_stop(server)
        eventually(lambda: refuses_connections(server), "nobody new is let in")
        assert read_all_of(download, len(LARGE)) == LARGE
        upload.sendall(LARGE[1 << 20 :])
        assert b" 204 " in read_head(upload).splitlines()[0]
        assert exit_code(server) == 0
    server.child.stop()
    server.start()
    assert api.show(incoming)["status"] == "active"
    assert api.download(incoming).content == LARGE


def read_all_of(connection: socket.socket, count: int) -> bytes:
    """The body that follows a head, on a connection that is closed after it."""
    body = read_all(connection)
    assert len(body) <= count
    return body


def test_what_outlasts_its_grace_is_cut_and_leaves_nothing(start: Callable[..., Slipway]) -> None:
    server = start(shutdown_grace=1)
    api = Api(server.url)
    files = object_files(server, None)
    image_id = api.create()["id"]
    with api.begin_upload(image_id, len(LARGE), LARGE[: 1 << 20]) as upload:
        eventually(lambda: api.show(image_id)["status"] == "saving", "the upload is under way")
        tell_to_stop(server)
        assert b" 204 " not in read_all(upload)
        assert exit_code(server) == 0
    assert "server.stop.cut_connections" in server.log()
    server.child.stop()
    server.start()
    image = api.show(image_id)
    assert (image["status"], image["size"], image["checksum"]) == ("queued", None, None)
    eventually(lambda: not files(), "the bytes of the upload are gone")
    assert api.upload(image_id, LARGE).status_code == 204
    assert api.download(image_id).content == LARGE


def test_the_memory_of_a_server_goes_to_no_core_file(start: Callable[..., Slipway]) -> None:
    pid = start().child.process.pid
    limits = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
    [cores] = [line.split() for line in limits.splitlines() if line.startswith("Max core file size")]
    assert cores[4:6] == ["0", "0"]
