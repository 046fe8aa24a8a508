"""A vCenter that misbehaves: what clients are told, and what is left behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import harness
import pytest
import requests
from client import Api, eventually, octets
from driver_run import Section
from servers import Slipway, VCenter, object_files

DATA = octets(3 * (1 << 20) + 5)
PASSWORD = "canary-7f3e9b-password"
TRANSFER_KINDS = ("folder", "esx-folder")
INTERNALS = re.compile(rb"127\.0\.0\.\d|canary|vmware_soap|[Tt]raceback|/tmp/|/sdk|cookie|https?://127")


class Guarded(VCenter):
    """One with a password that can be told from any other text."""

    PASSWORD = PASSWORD

    def __init__(self, work: Path) -> None:
        super().__init__(work)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    server = Guarded(tmp_path_factory.mktemp("guarded"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, guarded: Guarded) -> Iterator[Slipway]:
    backend = harness.vcenter_backend(guarded)
    options: dict[str, Section] = {"DEFAULT": {"debug": True}}
    slipway = Slipway(tmp_path_factory.mktemp("slipway"), backend, options)
    yield slipway
    slipway.stop()


@pytest.fixture
def faulty(guarded: Guarded) -> Iterator[Guarded]:
    guarded.heal()
    guarded.clear_journal()
    yield guarded
    guarded.heal()


@pytest.fixture
def api(faulty: Guarded, server: Slipway) -> Iterator[Api]:
    yield Api(server.url)
    assert PASSWORD not in server.log()


def assert_tells_nothing(answer: requests.Response) -> None:
    """A refusal that a client may see: words, but none about the inside."""
    if answer.status_code >= 400:
        assert not INTERNALS.search(answer.content), answer.text


def assert_works(api: Api) -> None:
    image_id = api.active(DATA)["id"]
    assert api.download(image_id).content == DATA


def assert_whole_or_queued(
    api: Api, server: Slipway, vcenter: VCenter, image_id: str, answer: requests.Response
) -> None:
    """An upload that succeeded is there; one that failed left nothing and can be repeated."""
    assert_tells_nothing(answer)
    vcenter.heal()
    if answer.status_code == 204:
        assert api.download(image_id).content == DATA
        return
    assert answer.status_code in (413, 500, 503, 504), answer.text
    image = api.show(image_id)
    assert (image["status"], image["size"], image["checksum"]) == ("queued", None, None)
    files = object_files(server, vcenter)
    eventually(lambda: not [name for name in files() if image_id in name], "what was written is gone")
    assert api.upload(image_id, DATA).status_code == 204
    assert api.download(image_id).content == DATA


# --------------------------------------------------------------------------------------- sessions


@pytest.mark.parametrize("shape", ["fault", "missing", "empty"])
def test_an_expired_session_is_renewed_unseen(api: Api, faulty: Guarded, shape: str) -> None:
    image_id = api.active(DATA)["id"]
    assert faulty.expire_sessions(shape) >= 1
    assert_works(api)
    faulty.expire_sessions(shape)
    assert api.download(image_id).content == DATA
    faulty.expire_sessions(shape)
    task_id = api.started_clone(image_id, datacenter="DC0", datastore="work", path=f"{shape}/disk.vmdk")
    assert api.finished_task(task_id)["status"] == "success"


@pytest.mark.parametrize("shape", ["fault", "missing", "empty"])
def test_a_session_that_expires_during_an_upload_does_not_end_it(
    api: Api, faulty: Guarded, server: Slipway, shape: str
) -> None:
    image_id = api.create()["id"]
    with api.begin_upload(image_id, len(DATA), DATA[:1_000_000]) as upload:
        eventually(lambda: api.show(image_id)["status"] == "saving", "the upload has begun")
        faulty.expire_sessions(shape)
        upload.sendall(DATA[1_000_000:])
        assert upload.recv(12) == b"HTTP/1.1 204"
    assert api.download(image_id).content == DATA


def test_many_requests_renew_a_session_once(api: Api, faulty: Guarded) -> None:
    image_id = api.active(DATA)["id"]
    faulty.expire_sessions("fault")
    faulty.clear_journal()
    for _ in range(5):
        assert api.download(image_id).status_code == 200
    assert len(faulty.calls("Login")) <= 1


# -------------------------------------------------------------------------------------- transfers


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
@pytest.mark.parametrize("count", [1, 0])
def test_an_upload_that_the_datastore_refuses(
    api: Api, faulty: Guarded, server: Slipway, status: int, count: int
) -> None:
    for kind in TRANSFER_KINDS:
        faulty.fault(kind, "http_status", method="PUT", status=status, count=count)
    image_id = api.create()["id"]
    assert_whole_or_queued(api, server, faulty, image_id, api.upload(image_id, DATA))


@pytest.mark.parametrize("action", ["reset", "short_put", "early_200", "lost_answer", "html_200", "no_space", "locked"])
@pytest.mark.parametrize("at_byte", [0, 1 << 20])
def test_an_upload_that_breaks_on_its_way(
    api: Api, faulty: Guarded, server: Slipway, action: str, at_byte: int
) -> None:
    for kind in TRANSFER_KINDS:
        faulty.fault(kind, action, method="PUT", path="vmdk", at_byte=at_byte, count=0)
    image_id = api.create()["id"]
    answer = api.upload(image_id, DATA)
    if action == "short_put" and at_byte:
        assert answer.status_code != 204
    assert_whole_or_queued(api, server, faulty, image_id, answer)


def test_a_server_that_swallows_the_tail_is_found_out(api: Api, faulty: Guarded, server: Slipway) -> None:
    for kind in TRANSFER_KINDS:
        faulty.fault(kind, "short_put", method="PUT", path="vmdk", at_byte=len(DATA) // 2, count=0)
    image_id = api.create()["id"]
    answer = api.upload(image_id, DATA)
    assert answer.status_code in (500, 503), answer.text
    assert_whole_or_queued(api, server, faulty, image_id, answer)


def test_a_manifest_that_can_not_be_written_fails_the_upload(
    api: Api, faulty: Guarded, server: Slipway
) -> None:
    for kind in TRANSFER_KINDS:
        faulty.fault(kind, "http_status", method="PUT", path="json", status=500, count=0)
    image_id = api.create()["id"]
    assert_whole_or_queued(api, server, faulty, image_id, api.upload(image_id, DATA))


def test_a_full_datastore_is_told(api: Api, faulty: Guarded, server: Slipway) -> None:
    free = faulty.control("GET", "/space")["DC0/images"]["free"]
    image_id = api.create()["id"]
    try:
        faulty.set(free_space={"DC0/images": 1 << 20})
        answer = api.upload(image_id, DATA)
        assert answer.status_code == 413
        assert_tells_nothing(answer)
        assert api.show(image_id)["status"] == "queued"
    finally:
        faulty.set(free_space={"DC0/images": free})
    assert_whole_or_queued(api, server, faulty, image_id, answer)


def test_a_datastore_that_fills_up_during_an_upload(api: Api, faulty: Guarded, server: Slipway) -> None:
    free = faulty.control("GET", "/space")["DC0/images"]["free"]
    image_id = api.create()["id"]
    try:
        with api.begin_upload(image_id, len(DATA), DATA[:1_000_000]) as upload:
            eventually(lambda: api.show(image_id)["status"] == "saving", "the upload has begun")
            faulty.set(free_space={"DC0/images": 100_000})
            try:
                upload.sendall(DATA[1_000_000:])
            except OSError:
                pass
            assert upload.recv(12) in (b"HTTP/1.1 413", b"HTTP/1.1 503", b"HTTP/1.1 500")
        eventually(lambda: api.show(image_id)["status"] == "queued", "the image is queued again")
    finally:
        faulty.set(free_space={"DC0/images": free})
    files = object_files(server, faulty)
    eventually(lambda: not [name for name in files() if image_id in name], "what was written is gone")
    assert api.upload(image_id, DATA).status_code == 204


@pytest.mark.parametrize("action", ["reset", "truncated_get", "too_long_get", "no_length_get", "wrong_range", "html_200"])
def test_a_download_is_right_or_visibly_broken(api: Api, faulty: Guarded, action: str) -> None:
    image_id = api.active(DATA)["id"]
    for kind in TRANSFER_KINDS:
        faulty.fault(kind, action, method="GET", at_byte=1 << 20, count=0)
    for headers in ({}, {"Range": f"bytes=5-{len(DATA) - 1}"}):
        try:
            answer = api.download(image_id, **headers)
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError):
            continue  # cut off, which is how a client learns of it
        if answer.status_code in (200, 206):
            expected = DATA[5:] if headers else DATA
            whole = len(answer.content) == int(answer.headers["Content-Length"])
            assert answer.content == expected or not whole
        else:
            assert answer.status_code in (204, 500, 503, 504), answer.text
            assert_tells_nothing(answer)
    faulty.heal()
    assert api.download(image_id).content == DATA


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_a_download_that_the_datastore_refuses(api: Api, faulty: Guarded, status: int) -> None:
    image_id = api.active(DATA)["id"]
    for kind in TRANSFER_KINDS:
        faulty.fault(kind, "http_status", method="GET", status=status, count=0)
    answer = api.download(image_id)
    assert answer.status_code in (204, 500, 503, 504)
    assert_tells_nothing(answer)
    faulty.heal()
    assert api.download(image_id).content == DATA


def test_slow_answers_are_waited_for(api: Api, faulty: Guarded) -> None:
    for kind in ("soap", *TRANSFER_KINDS):
        faulty.fault(kind, "delay", ms=300, count=0)
    assert_works(api)


def test_a_slow_datastore_is_waited_for(api: Api, faulty: Guarded) -> None:
    image_id = api.active(DATA)["id"]
    for kind in TRANSFER_KINDS:
        faulty.fault(kind, "slow_drip", method="GET", rate=4 << 20, count=0)
    assert api.download(image_id).content == DATA


# ------------------------------------------------------------------------------------------- calls


@pytest.mark.parametrize("action", ["reset", "garbage_xml", "html_200", "lost_answer"])
def test_a_call_that_goes_wrong_once(api: Api, faulty: Guarded, server: Slipway, action: str) -> None:
    faulty.fault("soap", action)
    image_id = api.create()["id"]
    assert_whole_or_queued(api, server, faulty, image_id, api.upload(image_id, DATA))


@pytest.mark.parametrize("fault", ["NoPermission", "SystemError", "HostCommunication", "InvalidState", "FileLocked"])
def test_a_directory_that_can_not_be_made(api: Api, faulty: Guarded, server: Slipway, fault: str) -> None:
    faulty.fault("soap", "soap_fault", method="MakeDirectory", fault=fault, count=0)
    image_id = api.create()["id"]
    answer = api.upload(image_id, DATA)
    assert answer.status_code >= 400
    assert answer.status_code not in (401, 404, 409)
    assert_tells_nothing(answer)
    faulty.heal()
    assert api.show(image_id)["status"] == "queued"
    assert api.upload(image_id, DATA).status_code == 204


def test_a_file_that_is_in_use_is_deleted_later(api: Api, faulty: Guarded, server: Slipway) -> None:
    image_id = api.active(DATA)["id"]
    faulty.fault("soap", "soap_fault", method="DeleteDatastoreFile_Task", fault="SystemError", count=1)
    assert api.delete(f"/v2/images/{image_id}").status_code == 204
    assert api.get(f"/v2/images/{image_id}").status_code == 404
    files = object_files(server, faulty)
    eventually(lambda: not [name for name in files() if image_id in name], "the file is gone")


def test_a_renamed_datastore_is_still_the_same(api: Api, faulty: Guarded, server: Slipway) -> None:
    """Where datastores are is remembered for a few seconds; after that the new name is known."""
    image_id = api.active(DATA)["id"]
    faulty.control("POST", "/restart-inventory-rename", {"datastore": "DC0/images", "name": "renamed"})
    try:
        eventually(lambda: api.download(image_id).status_code == 200, "the renamed datastore is found")
        assert api.download(image_id).content == DATA
        assert "renamed" in Api(server.service_url).show(image_id)["direct_url"]
    finally:
        faulty.control("POST", "/restart-inventory-rename", {"datastore": "DC0/renamed", "name": "images"})
    eventually(lambda: api.download(image_id).status_code == 200, "the old name is known again")
    assert api.download(image_id).content == DATA


# -------------------------------------------------------------------------------- a vCenter is away


def test_without_its_vcenter_slipway_still_answers(tmp_path: Path) -> None:
    vcenter = Guarded(tmp_path / "vcenter")
    server = Slipway(tmp_path / "slipway", harness.vcenter_backend(vcenter))
    try:
        api = Api(server.url)
        stored = api.active(DATA)["id"]
        queued = api.create()["id"]
        vcenter.stop()
        assert api.show(stored)["status"] == "active"
        answers = [
            api.download(stored),
            api.upload(queued, DATA),
            api.clone(stored, datacenter="DC0", datastore="work", path="a/b.vmdk"),
        ]
        for answer in answers:
            assert answer.status_code in (500, 503, 504), answer.text
            assert_tells_nothing(answer)
        assert api.show(queued)["status"] == "queued"
        assert api.delete(f"/v2/images/{stored}").status_code == 204
        assert PASSWORD not in server.log()
    finally:
        server.stop()
        vcenter.stop()


def test_a_wrong_password_is_not_told(tmp_path: Path, guarded: Guarded) -> None:
    backend = harness.vcenter_backend(guarded)
    wrong = {**backend.options, "vmware_server_password": "wrong-canary-4711"}
    try:
        server = Slipway(tmp_path, harness.Backend(backend.name, wrong))
    except harness.HarnessError:
        log = (tmp_path / "slipway.log").read_text(encoding="utf-8")
    else:
        try:
            api = Api(server.url)
            answer = api.upload(api.create()["id"], DATA)
            assert answer.status_code in (500, 503)
            assert_tells_nothing(answer)
            log = server.log()
        finally:
            server.stop()
    assert "wrong-canary-4711" not in log
