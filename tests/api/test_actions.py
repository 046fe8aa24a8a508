"""Taking an image out of use and back."""

from __future__ import annotations

import uuid

import pytest
from client import Api


def act(api: Api, image_id: str, action: str, **options: object) -> int:
    return api.post(f"/v2/images/{image_id}/actions/{action}", **options).status_code


def test_an_image_is_deactivated_and_reactivated(any_api: Api) -> None:
    image_id = any_api.active(b"abc")["id"]
    for action, status in [
        ("reactivate", "active"),
        ("deactivate", "deactivated"),
        ("deactivate", "deactivated"),
        ("reactivate", "active"),
    ]:
        assert act(any_api, image_id, action) == 204
        assert any_api.show(image_id)["status"] == status
        assert any_api.download(image_id).content == b"abc"  # an admin may always


@pytest.mark.parametrize("action", ["deactivate", "reactivate"])
def test_an_image_without_data_has_no_activity(api: Api, action: str) -> None:
    image_id = api.create()["id"]
    assert act(api, image_id, action) == 403
    assert api.show(image_id)["status"] == "queued"


@pytest.mark.parametrize("action", ["deactivate", "reactivate"])
def test_no_image_can_not_be_acted_on(api: Api, action: str) -> None:
    assert act(api, str(uuid.UUID(int=0)), action) == 404


def test_an_unknown_action_is_not_found(api: Api) -> None:
    assert act(api, api.active(b"abc")["id"], "activate") == 404


def test_an_action_takes_no_body(api: Api) -> None:
    image_id = api.active(b"abc")["id"]
    assert act(api, image_id, "deactivate", json={}) == 400
    assert act(api, image_id, "deactivate", headers={"Content-Length": "0"}) == 204


def test_a_deactivated_image_may_be_changed_and_deleted(any_api: Api) -> None:
    image_id = any_api.active(b"abc")["id"]
    assert act(any_api, image_id, "deactivate") == 204
    change = [{"op": "replace", "path": "/name", "value": "after"}]
    assert any_api.patch(image_id, change).status_code == 200
    assert any_api.delete(f"/v2/images/{image_id}").status_code == 204


def test_a_deactivated_image_is_not_cloned(any_api: Api) -> None:
    image_id = any_api.active(b"abc")["id"]
    assert act(any_api, image_id, "deactivate") == 204
    answer = any_api.clone(image_id, datacenter="DC0", datastore="work", path="a/b.vmdk")
    assert answer.status_code == 409
