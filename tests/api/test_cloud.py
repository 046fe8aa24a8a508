"""What slipway learns from the cloud around it: limits of projects, Nova's flavors, the key manager."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import harness
import pytest
from client import octets
from cloud import Cloud, UserApi
from servers import Slipway, VCenter

MIB = 1 << 20


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    cloud = Cloud()
    yield cloud
    cloud.stop()


@pytest.fixture(scope="module")
def slipway(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Iterator[Slipway]:
    """One store, and another."""
    work = tmp_path_factory.mktemp("slipway-cloud")
    backend = harness.Backend("one:file", harness.local_backend(work).options)
    (work / "two").mkdir()
    options = cloud.sections()
    options["DEFAULT"]["enabled_backends"] = "one:file, two:file"
    options["two"] = {"filesystem_store_datadir": work / "two"}
    server = Slipway(work, backend, options)
    yield server
    server.stop()


@pytest.fixture
def limited(slipway: Slipway, cloud: Cloud) -> Iterator[Callable[..., UserApi]]:
    """A member of a new project, which has these limits and no others."""

    def limited(*roles: str, **limits: int) -> UserApi:
        usual = dict.fromkeys(("image_size_total", "image_stage_total"), 1 << 20)
        usual |= dict.fromkeys(("image_count_total", "image_count_uploading"), 1000)
        cloud.limits = usual | limits
        return UserApi(slipway.url, cloud.user(uuid.uuid4().hex, *roles))

    yield limited


def at_once(work: Callable[[str], int], image_ids: list[str]) -> list[int]:
    with ThreadPoolExecutor(len(image_ids)) as pool:
        return sorted(pool.map(work, image_ids))


def created(api: UserApi, count: int) -> list[str]:
    return [api.create()["id"] for _ in range(count)]


def test_stages_at_once_keep_to_the_limit(limited: Callable[..., UserApi]) -> None:
    api = limited(image_stage_total=3)
    data = octets(MIB)
    answers = at_once(lambda image_id: api.stage(image_id, data).status_code, created(api, 8))
    assert answers == [204] * 3 + [413] * 5
    assert len([image for image in api.images() if image["status"] == "uploading"]) == 3


def test_uploads_at_once_keep_to_the_limit(limited: Callable[..., UserApi]) -> None:
    api = limited(image_size_total=3)
    data = octets(MIB)
    answers = at_once(lambda image_id: api.upload(image_id, data).status_code, created(api, 8))
    assert answers == [204] * 3 + [413] * 5


def test_staging_counts_for_itself_until_the_import(limited: Callable[..., UserApi]) -> None:
    api = limited(image_size_total=1, image_stage_total=10)
    data = octets(700 << 10)
    api.active(data)
    image_id = api.staged(data)
    assert api.import_image(image_id, "glance-direct").status_code == 413
    assert api.show(image_id)["status"] == "uploading"


def test_images_being_filled_keep_to_the_limit(limited: Callable[..., UserApi]) -> None:
    api = limited(image_count_uploading=3)
    answers = at_once(lambda image_id: api.stage(image_id, b"abc").status_code, created(api, 8))
    assert answers == [204] * 3 + [413] * 5
    image_id = api.create()["id"]
    assert api.upload(image_id, b"abc").status_code == 413
    staged = next(image["id"] for image in api.images() if image["status"] == "uploading")
    assert api.delete(f"/v2/images/{staged}").status_code == 204
    assert api.upload(image_id, b"abc").status_code == 204


def test_a_certificate_is_found_by_keystones_catalogue(
    limited: Callable[..., UserApi], cloud: Cloud
) -> None:
    api = limited()
    secret = str(uuid.uuid4())
    signature = {
        "img_signature": "bm8=",
        "img_signature_hash_method": "SHA-256",
        "img_signature_key_type": "RSA-PSS",
        "img_signature_certificate_uuid": secret,
    }
    cloud.web.files[f"/keys/v1/secrets/{secret}/payload"] = b"no certificate"
    answer = api.upload(api.create(**signature)["id"], b"abc")
    assert (answer.status_code, "no X.509 certificate" in answer.text) == (400, True)


@pytest.mark.vcenter
def test_seeds_have_the_sizes_of_novas_flavors(tmp_path: Path, vcenter: VCenter, cloud: Cloud) -> None:
    cloud.flavors = [0, 2, 1]
    options = cloud.sections()
    options["DEFAULT"] = {}
    options["seed:cluster"] = {"datacenter": "DC0", "datastore_regex": "work", "sizes_from_nova": True}
    server = Slipway(tmp_path, harness.vcenter_backend(vcenter), options)
    try:
        api = UserApi(server.url, cloud.user("operators", "admin", "member", "reader"))
        image_id = api.active(octets(MIB))["id"]
        (kept,) = api.get(f"/slipway/v1/images/{image_id}/seeds").json()["seeds"]
        assert (kept["state"], kept["sizes_gb"]) == ("warm", [1, 2])
    finally:
        server.stop()
