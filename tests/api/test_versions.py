"""Which versions there are, and how a client finds them."""

from __future__ import annotations

import pytest
from client import Api

IDS = [
    "v2.15", "v2.13", "v2.12", "v2.11", "v2.10", "v2.9", "v2.8", "v2.17",
    "v2.7", "v2.6", "v2.5", "v2.4", "v2.3", "v2.2", "v2.1", "v2.0",
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/versions", 200),
        ("/versions/", 200),
        ("/versions/anything", 200),
        ("/", 300),
        ("//", 300),
        ("/v1", 300),
        ("/v3/images", 300),
        ("/V2/images", 300),
        ("/foo", 300),
        ("/v2.18/images", 300),
    ],
)
def test_the_version_document_is_served(api: Api, path: str, status: int) -> None:
    answer = api.get(path)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json"
    versions = answer.json()["versions"]
    assert [version["id"] for version in versions] == IDS
    assert [version["id"] for version in versions if version["status"] == "CURRENT"] == ["v2.17"]
    assert {version["status"] for version in versions} == {"CURRENT", "SUPPORTED"}
    assert all(
        version["links"] == [{"rel": "self", "href": f"{api.url}/v2/"}] for version in versions
    )


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_any_method_may_ask_for_versions(api: Api, method: str) -> None:
    assert api(method, "/versions").status_code == 200


@pytest.mark.parametrize(("path", "status"), [("/versions", 200), ("/", 300)])
def test_head_of_the_document_has_no_body(api: Api, path: str, status: int) -> None:
    answer = api("HEAD", path)
    assert answer.status_code == status
    assert answer.content == b""


def test_the_version_without_a_slash_leads_to_the_one_with(api: Api) -> None:
    answer = api.get("/v2")
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"{api.url}/v2/"
    assert api.get("/v2/").status_code == 404


@pytest.mark.parametrize("token", ["v2", *IDS])
def test_every_accepted_version_is_the_same_api(api: Api, token: str) -> None:
    answer = api.get(f"/{token}/images?limit=0")
    assert answer.status_code == 200
    assert answer.json()["images"] == []


def test_a_version_may_come_in_the_media_type(api: Api) -> None:
    headers = {"Accept": "application/vnd.openstack.images-v2.9"}
    assert api.get("/images?limit=0", headers=headers).status_code == 200
    headers = {"Accept": "application/vnd.openstack.images-v9"}
    assert api.get("/images", headers=headers).status_code == 300


def test_forwarded_headers_do_not_change_links(api: Api) -> None:
    headers = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "elsewhere.example",
        "Forwarded": "proto=https;host=elsewhere.example",
    }
    versions = api.get("/versions", headers=headers).json()["versions"]
    assert versions[0]["links"][0]["href"] == f"{api.url}/v2/"


def test_the_health_check_answers(api: Api) -> None:
    assert api.get("/healthcheck").status_code == 200
