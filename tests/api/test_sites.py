"""Services are shown the copy that is nearest to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import harness
import pytest
from client import Api, eventually, octets
from servers import Slipway, VCenter

DATA = octets(1 << 20)


@pytest.fixture(scope="module")
def slipway(tmp_path_factory: pytest.TempPathFactory, vcenter_server: VCenter) -> Iterator[Slipway]:
    """Every image lies on two datastores; a proxy in front says where its callers are."""
    backend = harness.vcenter_backend(vcenter_server)
    backend.options.update(vmware_datastores=["DC0:images:10", "DC0:work"], copies=2)
    server = Slipway(
        tmp_path_factory.mktemp("sites"),
        backend,
        {
            "site:east": {"networks": "198.51.100.0/24", "datastores": "DC0:images"},
            "site:west": {"networks": "203.0.113.0/24, 2001:db8::/32", "datastores": "DC0:w*"},
            "oslo_middleware": {"enable_proxy_headers_parsing": "true"},
        },
    )
    yield server
    server.stop()


@pytest.fixture
def image_id(slipway: Slipway, vcenter: VCenter) -> str:
    users = Api(slipway.url)
    made: str = users.active(DATA)["id"]
    path = f"/slipway/v1/images/{made}/copies"
    eventually(lambda: len(users.get(path).json()["copies"]) == 2, "there are two copies")
    return made


def shown(slipway: Slipway, image_id: str, client: str) -> list[str]:
    answer = Api(slipway.service_url).get(
        f"/v2/images/{image_id}", headers={"X-Forwarded-For": client}
    )
    record: dict[str, Any] = answer.json()
    urls = [location["url"] for location in record["locations"]]
    assert record["direct_url"] == urls[0], "what Nova takes and what Cinder takes"
    return [url.rpartition("dsName=")[2] for url in urls]


@pytest.mark.parametrize(
    ("client", "order"),
    [
        ("198.51.100.7", ["images", "work"]),
        ("203.0.113.7", ["work", "images"]),
        ("2001:db8::7", ["work", "images"]),
    ],
)
def test_the_nearest_copy_comes_first(
    slipway: Slipway, image_id: str, client: str, order: list[str]
) -> None:
    assert shown(slipway, image_id, client) == order


def test_a_list_is_ordered_as_each_image_is(slipway: Slipway, image_id: str) -> None:
    answer = Api(slipway.service_url).get("/v2/images", headers={"X-Forwarded-For": "203.0.113.7"})
    (image,) = [image for image in answer.json()["images"] if image["id"] == image_id]
    assert image["direct_url"].endswith("dsName=work")


def test_between_stores_the_site_wins_over_the_weight(tmp_path: Path, vcenter: VCenter) -> None:
    first = harness.vcenter_backend(vcenter, "first")
    second = harness.vcenter_backend(vcenter, "second", "work")
    first.options["weight"] = 10
    server = harness.Slipway(
        tmp_path,
        first,
        second,
        sections={
            "site:here": {"networks": "127.0.0.0/8", "datastores": "second"},
        },
    )
    try:
        users = Api(server.url)
        image_id = users.active(DATA)["id"]
        answer = users.post(
            f"/v2/images/{image_id}/import",
            json={"method": {"name": "copy-image"}, "stores": ["second"]},
        )
        assert answer.status_code == 202, answer.text
        path = f"/slipway/v1/images/{image_id}/copies"
        eventually(lambda: len(users.get(path).json()["copies"]) == 2, "there are two copies")
        record = Api(server.service_url).show(image_id)
        assert record["direct_url"] == record["locations"][0]["url"]
        assert record["direct_url"].endswith("dsName=work")
        assert record["stores"] == "first,second", "by weight"
    finally:
        server.stop()
