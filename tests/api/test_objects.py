"""Objects of another image service: kept, checked and hashed as images are, but no images of this one."""

from __future__ import annotations

import hashlib
import itertools

import pytest
from client import Api, octets
from servers import Slipway

DATA = octets(3 << 20, seed=7)
_numbers = itertools.count()


@pytest.fixture
def path(any_slipway: Slipway, any_api: Api) -> str:
    store = any_api.get("/slipway/v1/stores").json()["stores"][0]["id"]
    return f"/slipway/v1/stores/{store}/objects/object-{next(_numbers)}"


def put(api: Api, path: str, data: bytes = DATA):
    return api.put(path, data=data, headers={"Content-Type": "application/octet-stream"})


def test_an_object_comes_back_as_it_went(any_api: Api, path: str) -> None:
    answer = put(any_api, path)
    assert answer.status_code == 201, answer.text
    stored = answer.json()
    assert stored["size"] == len(DATA)
    assert stored["checksum"] == hashlib.md5(DATA).hexdigest()
    assert stored["os_hash_value"] == hashlib.sha512(DATA).hexdigest()
    assert any_api.get(path).content == DATA
    head = any_api("HEAD", path)
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(DATA)))
    part = any_api.get(path, headers={"Range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, DATA[1000:2000])
    assert any_api.delete(path).status_code == 204
    assert any_api.get(path).status_code == 404
    assert any_api.delete(path).status_code == 404


def test_an_object_of_unknown_length_is_kept(any_api: Api, path: str) -> None:
    answer = any_api.put(
        path, data=iter([DATA[:100], DATA[100:]]), headers={"Content-Type": "application/octet-stream"}
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["size"] == len(DATA)
    assert any_api.get(path).content == DATA


def test_a_name_is_taken_until_the_object_is_removed(any_api: Api, path: str) -> None:
    assert put(any_api, path).status_code == 201
    assert put(any_api, path, b"other").status_code == 409
    assert any_api.get(path).content == DATA
    assert any_api.delete(path).status_code == 204
    assert put(any_api, path, b"other").status_code == 201
    assert any_api.get(path).content == b"other"


def test_an_object_is_no_image(any_api: Api, path: str) -> None:
    before = {image["id"] for image in any_api.images("?limit=1000")}
    assert put(any_api, path).status_code == 201
    assert {image["id"] for image in any_api.images("?limit=1000")} == before


@pytest.mark.parametrize("name", ["a%2fb", "..", "%20", "x" * 65])
def test_a_name_that_hosts_do_not_take_is_refused(any_api: Api, path: str, name: str) -> None:
    answer = put(any_api, path.rsplit("/", 1)[0] + "/" + name)
    assert answer.status_code in (400, 404), answer.text


def test_an_unknown_store_is_refused(any_api: Api) -> None:
    assert put(any_api, "/slipway/v1/stores/nowhere/objects/x").status_code == 400
