"""One tag at a time."""

from __future__ import annotations

import uuid
from urllib.parse import quote

import pytest
from client import Api


@pytest.mark.parametrize("tag", ["plain", "with blank", "grün", "🚀", "a%b", "a+b", "a?b#c", "x" * 255, "ü" * 255])
def test_a_tag_is_set_and_removed(api: Api, tag: str) -> None:
    image_id = api.create(tags=["other"])["id"]
    path = f"/v2/images/{image_id}/tags/{quote(tag, safe='')}"
    for _ in range(2):
        answer = api.put(path)
        assert (answer.status_code, answer.content) == (204, b"")
        assert sorted(api.show(image_id)["tags"]) == sorted(["other", tag])
    assert api.delete(path).status_code == 204
    assert api.show(image_id)["tags"] == ["other"]
    assert api.delete(path).status_code == 404


def test_a_tag_of_256_characters_is_refused(api: Api) -> None:
    image_id = api.create()["id"]
    assert api.put(f"/v2/images/{image_id}/tags/{'x' * 256}").status_code == 400
    assert api.show(image_id)["tags"] == []


@pytest.mark.parametrize("code", ["%01", "%0a", "%1f", "%7f"])
def test_a_tag_with_a_control_character_is_refused(api: Api, code: str) -> None:
    image_id = api.create()["id"]
    assert api.put(f"/v2/images/{image_id}/tags/a{code}b").status_code == 400
    assert api.show(image_id)["tags"] == []


def test_a_tag_with_a_slash_can_not_be_expressed(api: Api) -> None:
    image_id = api.create()["id"]
    assert api.put(f"/v2/images/{image_id}/tags/a/b").status_code == 404


def test_undecodable_tags_are_refused(api: Api) -> None:
    image_id = api.create()["id"]
    with api.connect() as connection:
        request = f"PUT /v2/images/{image_id}/tags/%ff%fe HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(request.encode())
        assert connection.recv(12) == b"HTTP/1.1 400"


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_no_image_has_no_tags(api: Api, method: str) -> None:
    assert api(method, f"/v2/images/{uuid.UUID(int=0)}/tags/x").status_code == 404
