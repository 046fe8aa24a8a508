"""Sharing an image with projects."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from client import Api


@pytest.fixture
def image_id(api: Api) -> str:
    image_id: str = api.create()["id"]
    return image_id


def members(api: Api, image_id: str) -> dict[str, str]:
    answer = api.get(f"/v2/images/{image_id}/members")
    assert answer.status_code == 200
    return {member["member_id"]: member["status"] for member in answer.json()["members"]}


def test_a_member_is_added_shown_changed_and_removed(api: Api, image_id: str) -> None:
    path = f"/v2/images/{image_id}/members"
    assert api.get(path).json() == {"members": [], "schema": "/v2/schemas/members"}
    answer = api.post(path, json={"member": "project"})
    assert answer.status_code == 200
    member = answer.json()
    assert member == {
        "member_id": "project",
        "image_id": image_id,
        "status": "pending",
        "created_at": member["created_at"],
        "updated_at": member["updated_at"],
        "schema": "/v2/schemas/member",
    }
    assert api.get(f"{path}/project").json() == member
    for status in ("accepted", "rejected", "pending"):
        answer = api.put(f"{path}/project", json={"status": status})
        assert (answer.status_code, answer.json()["status"]) == (200, status)
    assert members(api, image_id) == {"project": "pending"}
    answer = api.delete(f"{path}/project")
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.get(f"{path}/project").status_code == 404
    assert api.delete(f"{path}/project").status_code == 404
    assert members(api, image_id) == {}


def test_a_member_is_added_once_and_may_come_back(api: Api, image_id: str) -> None:
    path = f"/v2/images/{image_id}/members"
    assert api.post(path, json={"member": "p"}).status_code == 200
    assert api.post(path, json={"member": "p"}).status_code == 409
    assert api.put(f"{path}/p", json={"status": "accepted"}).status_code == 200
    assert api.delete(f"{path}/p").status_code == 204
    assert api.post(path, json={"member": "p"}).status_code == 200
    assert members(api, image_id) == {"p": "pending"}


@pytest.mark.parametrize(
    "body", [None, {}, {"member": ""}, {"member": 7}, {"member": None}, {"member": "x" * 256}, [], ["p"], "p"]
)
def test_what_is_no_member_is_refused(api: Api, image_id: str, body: Any) -> None:
    assert api.post(f"/v2/images/{image_id}/members", json=body).status_code == 400
    assert members(api, image_id) == {}


@pytest.mark.parametrize("body", [None, {}, {"status": ""}, {"status": "maybe"}, {"status": 7}, [], "accepted"])
def test_what_is_no_status_is_refused(api: Api, image_id: str, body: Any) -> None:
    path = f"/v2/images/{image_id}/members"
    assert api.post(path, json={"member": "p"}).status_code == 200
    assert api.put(f"{path}/p", json=body).status_code == 400
    assert members(api, image_id) == {"p": "pending"}


def test_nobody_is_a_member_of_what_is_not_there(api: Api, image_id: str) -> None:
    missing = f"/v2/images/{uuid.UUID(int=0)}/members"
    assert api.get(missing).status_code == 404
    assert api.post(missing, json={"member": "p"}).status_code == 404
    assert api.get(f"{missing}/p").status_code == 404
    assert api.put(f"{missing}/p", json={"status": "accepted"}).status_code == 404
    assert api.delete(f"{missing}/p").status_code == 404
    path = f"/v2/images/{image_id}/members/p"
    assert api.get(path).status_code == 404
    assert api.put(path, json={"status": "accepted"}).status_code == 404


@pytest.mark.parametrize("visibility", ["private", "public", "community"])
def test_only_shared_images_have_members(api: Api, image_id: str, visibility: str) -> None:
    path = f"/v2/images/{image_id}/members"
    assert api.post(path, json={"member": "p"}).status_code == 200
    assert api.put(f"{path}/p", json={"status": "accepted"}).status_code == 200
    change = [{"op": "replace", "path": "/visibility", "value": visibility}]
    assert api.patch(image_id, change).status_code == 200
    assert api.get(path).status_code == 403
    assert api.post(path, json={"member": "q"}).status_code == 403
    assert api.get(f"{path}/p").status_code == 404
    assert api.put(f"{path}/p", json={"status": "rejected"}).status_code == 403
    assert api.delete(f"{path}/p").status_code == 403
    back = [{"op": "replace", "path": "/visibility", "value": "shared"}]
    assert api.patch(image_id, back).status_code == 200
    assert members(api, image_id) == {"p": "accepted"}


def test_an_image_has_at_most_128_members(api: Api, image_id: str) -> None:
    path = f"/v2/images/{image_id}/members"
    for number in range(128):
        assert api.post(path, json={"member": f"p{number}"}).status_code == 200
    assert api.post(path, json={"member": "p128"}).status_code == 413
    assert len(members(api, image_id)) == 128


def test_a_member_id_is_counted_in_characters(api: Api, image_id: str) -> None:
    path = f"/v2/images/{image_id}/members"
    assert api.post(path, json={"member": "ü" * 255}).status_code == 200
    assert api.post(path, json={"member": "ü" * 256}).status_code == 400
    assert members(api, image_id) == {"ü" * 255: "pending"}


@pytest.mark.parametrize("member", ["a\nb", "\u0001", "a\u007f"])
def test_a_member_id_with_a_control_character_is_refused(api: Api, image_id: str, member: str) -> None:
    assert api.post(f"/v2/images/{image_id}/members", json={"member": member}).status_code == 400
    assert members(api, image_id) == {}


@pytest.mark.parametrize("visibility", ["public", "community", "private"])
def test_an_image_that_is_not_shared_has_no_member_to_show(api: Api, visibility: str) -> None:
    image_id = api.create(visibility=visibility)["id"]
    assert api.get(f"/v2/images/{image_id}/members/p").status_code == 404
    assert api.get(f"/v2/images/{image_id}/members").status_code == 403
