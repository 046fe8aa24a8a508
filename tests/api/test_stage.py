"""PUT /v2/images/{id}/stage: data that are put by for an import."""

from __future__ import annotations

import pytest
from client import Api, eventually, md5, octets, read_all
from conftest import BACKENDS
from servers import Slipway, VCenter, object_files

DATA = octets((1 << 20) + 7)


def test_staged_data_are_seen_as_a_size_only(any_api: Api) -> None:
    image_id = any_api.staged(DATA)
    image = any_api.show(image_id)
    assert (image["status"], image["size"], image["checksum"]) == ("uploading", len(DATA), None)
    assert image["virtual_size"] is None
    assert not any(name.startswith("os_glance") for name in image)
    assert any_api.download(image_id).status_code == 204


def test_a_chunked_body_of_unknown_length_is_taken(any_api: Api) -> None:
    image_id = any_api.create()["id"]
    assert any_api.stage(image_id, iter([DATA[:1000], DATA[1000:]])).status_code == 204
    assert any_api.import_image(image_id, "glance-direct").status_code == 202
    assert any_api.import_over(image_id)["status"] == "success"
    assert any_api.download(image_id).content == DATA


def test_only_plain_octets_are_taken(api: Api) -> None:
    image_id = api.create()["id"]
    for content_type in ("application/json", ""):
        answer = api.put(f"/v2/images/{image_id}/stage", data=b"x", headers={"Content-Type": content_type})
        assert answer.status_code == 415
    assert api.show(image_id)["status"] == "queued"


def test_what_is_not_queued_is_refused(api: Api) -> None:
    active = api.active(b"data")["id"]
    staged = api.staged(b"data")
    for image_id in (active, staged):
        before = api.show(image_id)
        assert api.stage(image_id, b"other").status_code == 409
        assert api.upload(image_id, b"other").status_code == 409
        assert api.show(image_id)["status"] == before["status"]
    assert api.stage("70c4b014-c77e-467c-a910-1902585b5391", b"x").status_code == 404


def test_a_length_must_be_as_announced(api: Api) -> None:
    image_id = api.create()["id"]
    for announced in (len(DATA) - 1, len(DATA) + 1):
        answer = api.stage(image_id, iter([DATA]), x_openstack_image_size=str(announced))
        assert answer.status_code == 400, answer.text
        image = api.show(image_id)
        assert (image["status"], image["size"]) == ("queued", None)
    assert api.stage(image_id, b"x", x_openstack_image_size="many").status_code == 400
    assert api.stage(image_id, DATA).status_code == 204


def test_a_client_that_goes_away_leaves_the_image_queued(api: Api) -> None:
    image_id = api.create()["id"]
    with api.begin_upload(image_id, 5_000_000, DATA, verb="stage"):
        eventually(lambda: api.show(image_id)["status"] == "uploading", "the stage has begun")
        answer = api.import_image(image_id, "glance-direct")
        assert answer.status_code == 409, answer.text
    eventually(lambda: api.show(image_id)["status"] == "queued", "the image is queued again")


def test_deleting_stops_a_stage(api: Api) -> None:
    image_id = api.create()["id"]
    with api.begin_upload(image_id, len(DATA), DATA[:-1], verb="stage") as connection:
        eventually(lambda: api.show(image_id)["status"] == "uploading", "the stage has begun")
        assert api.delete(f"/v2/images/{image_id}").status_code == 204
        connection.sendall(DATA[-1:])
        connection.shutdown(1)
        assert read_all(connection).startswith(b"HTTP/1.1 410 ")


@pytest.mark.parametrize("kind", BACKENDS)
def test_staging_takes_no_disk_of_its_own(kind: str, request: pytest.FixtureRequest) -> None:
    """The bytes go straight to where the import commits them."""
    slipway: Slipway = request.getfixturevalue(f"{kind}_slipway")
    vcenter: VCenter | None = request.getfixturevalue("vcenter") if kind == "vcenter" else None
    api = Api(slipway.url)
    files = object_files(slipway, vcenter)
    image_id = api.staged(DATA)
    before = [name for name in files() if name.startswith(image_id)]
    assert before
    assert api.import_image(image_id, "glance-direct").status_code == 202
    assert api.import_over(image_id)["status"] == "success"
    assert [name for name in files() if name.startswith(image_id)] == before
    transfers = api.get(f"/slipway/v1/images/{image_id}/transfers").json()["transfers"]
    costs = [(t["kind"], t["account"]["bytes_through"]) for t in transfers]
    assert costs == [("import", 0), ("stage", len(DATA))]
    image = api.show(image_id)
    assert (image["status"], image["checksum"]) == ("active", md5(DATA))
    assert api.download(image_id).content == DATA


def test_deleting_removes_what_was_staged(local_slipway: Slipway) -> None:
    api = Api(local_slipway.url)
    files = object_files(local_slipway, None)
    image_id = api.staged(DATA)
    assert api.delete(f"/v2/images/{image_id}").status_code == 204
    eventually(
        lambda: not any(name.startswith(image_id) for name in files()), "the staged files are gone"
    )
