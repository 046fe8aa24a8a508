"""The cache API, as Glance answers it: a register of images, without their bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import harness
import pytest
from client import Api, octets
from servers import Slipway

NODE = "http://node-1.example:9292"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slipway]:
    work = tmp_path_factory.mktemp("slipway-cache")
    options = {
        "DEFAULT": {
            "image_cache_dir": work / "cache",
            "image_cache_max_size": 2500,
            "worker_self_reference_url": NODE,
        }
    }
    server = Slipway(work, harness.local_backend(work), options)
    yield server
    server.stop()


@pytest.fixture
def api(server: Slipway) -> Iterator[Api]:
    api = Api(server.url)
    yield api
    assert api.delete("/v2/cache").status_code == 204


def cached(api: Api) -> dict[str, dict[str, Any]]:
    body = api.get("/v2/cache").json()
    assert body["queued_images"] == []
    return {image["image_id"]: image for image in body["cached_images"]}


def test_an_active_image_is_cached_when_it_is_asked_for(api: Api) -> None:
    assert api.put("/v2/cache/no-such-image").status_code == 404
    assert api.put(f"/v2/cache/{api.create()['id']}").status_code == 400
    image_id = api.active(octets(1000))["id"]
    answer = api.put(f"/v2/cache/{image_id}")
    assert (answer.status_code, answer.content) == (202, b"")
    entry = cached(api)[image_id]
    assert (entry["size"], entry["hits"], entry["checksum"]) == (1000, 0, None)
    assert isinstance(entry["id"], int)
    assert entry["last_accessed"] >= entry["last_modified"] > 1e9


def test_whole_downloads_are_counted_and_parts_are_not(api: Api) -> None:
    image_id = api.active(octets(1000))["id"]
    api.download(image_id, Range="bytes=0-9")
    assert cached(api) == {}
    for _ in range(3):
        assert api.download(image_id).content == octets(1000)
    assert cached(api)[image_id]["hits"] == 2  # the first one has cached it


def test_entries_go_by_request_and_with_their_images(api: Api) -> None:
    first, second, third = (api.active(octets(1000))["id"] for _ in range(3))
    for image_id in (first, second, third):
        api.put(f"/v2/cache/{image_id}")
    assert api.delete(f"/v2/cache/{first}").status_code == 204
    assert api.delete(f"/v2/cache/{first}").status_code == 204
    assert api.delete("/v2/cache/no-such-image").status_code == 404
    assert api.delete(f"/v2/images/{second}").status_code == 204
    assert list(cached(api)) == [third]
    target = {"x-image-cache-clear-target": "queue"}
    assert api.delete("/v2/cache", headers=target).status_code == 204
    assert list(cached(api)) == [third]
    target = {"x-image-cache-clear-target": "everything"}
    assert api.delete("/v2/cache", headers=target).status_code == 400
    assert api.delete("/v2/cache", headers={"x-image-cache-clear-target": "cache"}).status_code == 204
    assert cached(api) == {}


def test_pruning_lets_go_of_what_was_asked_for_the_longest_ago(api: Api) -> None:
    old, middle, new = (api.active(octets(1000))["id"] for _ in range(3))
    for image_id in (old, middle, new):
        api.download(image_id)
    api.download(old)
    answer = api.post("/v2/cache/prune")
    assert answer.json() == {"total_files_pruned": 1, "total_bytes_pruned": 1000}
    assert set(cached(api)) == {old, new}
    assert api.post("/v2/cache/clean").status_code == 200


def test_nodes_are_told(api: Api) -> None:
    image_id = api.active(octets(1000))["id"]
    assert api.get(f"/v2/cache/nodes/{image_id}").json() == []
    api.put(f"/v2/cache/{image_id}")
    assert api.get(f"/v2/cache/nodes/{image_id}").json() == [NODE]
    assert api.get("/v2/cache/nodes/no-such-image").status_code == 404


def test_the_versions_say_that_there_is_a_cache(api: Api) -> None:
    versions = api.get("/versions").json()["versions"]
    assert versions[0] == versions[0] | {"id": "v2.18", "status": "CURRENT"}
    assert {"v2.14", "v2.16", "v2.18"} <= {version["id"] for version in versions}
    assert api.get("/v2.18/images").status_code == 200


def test_without_a_cache_there_is_none(local_slipway: Slipway) -> None:
    api = Api(local_slipway.url)
    for method, path in [("GET", "/v2/cache"), ("DELETE", "/v2/cache"), ("POST", "/v2/cache/prune")]:
        assert api(method, path).status_code == 404
    assert "v2.18" not in {version["id"] for version in api.get("/versions").json()["versions"]}
