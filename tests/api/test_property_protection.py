"""property_protection_file: who may do what with which properties. The first section that matches decides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import harness
import pytest
import requests
from client import PATCH_V21, Api
from servers import Slipway

RULES = """
[^x_secret$]
create = admin
read = billing
update = admin
delete = admin

[^x_frozen]
create = admin, member
read = @
update = !
delete = !

[^x_]
create = @
read = @
update = @
delete = @
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slipway]:
    work = tmp_path_factory.mktemp("slipway-protected")
    rules = work / "property-protections.conf"
    rules.write_text(RULES)
    server = Slipway(work, harness.local_backend(work), {"DEFAULT": {"property_protection_file": rules}})
    yield server
    server.stop()


@pytest.fixture
def api(server: Slipway) -> Api:
    return Api(server.url)


def change(api: Api, image_id: str, **operation: Any) -> requests.Response:
    headers = {"Content-Type": PATCH_V21}
    return api("PATCH", f"/v2/images/{image_id}", json=[operation], headers=headers)


def test_what_may_be_done_is_done(api: Api) -> None:
    image_id = api.create(x_mine="1")["id"]
    assert change(api, image_id, op="replace", path="/x_mine", value="2").json()["x_mine"] == "2"
    assert "x_mine" not in change(api, image_id, op="remove", path="/x_mine").json()


def test_what_no_section_names_may_not_be_done(api: Api) -> None:
    assert api.post("/v2/images", json={"name": "x", "other": "1"}).status_code == 403
    image_id = api.create()["id"]
    assert change(api, image_id, op="add", path="/other", value="1").status_code == 403


def test_the_first_section_that_matches_decides(api: Api) -> None:
    image_id = api.create(x_frozen_here="1")["id"]
    assert change(api, image_id, op="replace", path="/x_frozen_here", value="2").status_code == 403
    assert change(api, image_id, op="remove", path="/x_frozen_here").status_code == 403
    assert api.show(image_id)["x_frozen_here"] == "1"


def test_what_may_not_be_read_is_not_there(api: Api) -> None:
    created = api.create(x_secret="1")
    assert "x_secret" not in created
    assert "x_secret" not in api.show(created["id"])
    assert all("x_secret" not in image for image in api.images())
    assert change(api, created["id"], op="remove", path="/x_secret").status_code == 409


def test_base_attributes_are_nobodys_properties(api: Api) -> None:
    image_id = api.create(min_disk=1)["id"]
    assert change(api, image_id, op="replace", path="/name", value="new").status_code == 200
