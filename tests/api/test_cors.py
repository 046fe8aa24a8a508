"""Web pages of another origin: Horizon uploads straight to slipway."""

from __future__ import annotations

from collections.abc import Iterator

import harness
import pytest
from client import Api, octets
from servers import Slipway

HORIZON = "https://horizon.example"
REPORTS = "https://reports.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slipway]:
    work = tmp_path_factory.mktemp("slipway-cors")
    off = work / "off"
    options = {
        "cors": {"allowed_origin": HORIZON, "max_age": 60},
        "cors.reports": {"allowed_origin": REPORTS, "allow_methods": "GET", "allow_credentials": False},
        "healthcheck": {"disable_by_file_path": off, "detailed": True},
        "DEFAULT": {"max_request_id_length": 40},
    }
    (work / "schema-image.json").write_text('{"properties": {"tier": {"type": "string", "enum": ["a", "b"]}}, "required": ["name"]}')
    server = Slipway(work, harness.local_backend(work), options)
    yield server
    server.stop()


@pytest.fixture
def api(server: Slipway) -> Api:
    return Api(server.url)


def test_a_page_may_ask_and_then_upload(api: Api) -> None:
    image_id = api.create()["id"]
    question = {
        "Origin": HORIZON,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type,x-auth-token",
    }
    answer = api("OPTIONS", f"/v2/images/{image_id}/file", headers=question)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == HORIZON
    assert answer.headers["Access-Control-Allow-Methods"] == "PUT"
    uploaded = api.upload(image_id, octets(1000), Origin=HORIZON)
    assert uploaded.status_code == 204
    assert uploaded.headers["Access-Control-Allow-Origin"] == HORIZON


def test_each_origin_has_the_rules_of_its_section(api: Api) -> None:
    def permitted(origin: str, method: str) -> dict[str, str]:
        answer = api("OPTIONS", "/v2/images", headers={"Origin": origin, "Access-Control-Request-Method": method})
        assert (answer.status_code, answer.content) == (200, b"")
        return {name: value for name, value in answer.headers.items() if name.startswith("Access-Control-")}

    assert permitted(HORIZON, "POST") == {
        "Access-Control-Allow-Origin": HORIZON,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Max-Age": "60",
    }
    assert permitted(REPORTS, "GET") == {
        "Access-Control-Allow-Origin": REPORTS,
        "Access-Control-Allow-Methods": "GET",
        "Access-Control-Max-Age": "60",
    }
    assert permitted(REPORTS, "POST") == {}


def test_other_pages_are_not_let_in(api: Api) -> None:
    answer = api.get("/v2/images", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_health_check_is_detailed_and_can_be_taken_down(server: Slipway, api: Api) -> None:
    detailed = api.get("/healthcheck", headers={"Accept": "application/json"}).json()
    assert detailed["detailed"] is True
    assert detailed["reasons"][0]["reason"] == "OK"
    assert api("HEAD", "/healthcheck").status_code == 204
    (server.work / "off").touch()
    try:
        answer = api.get("/healthcheck")
        assert (answer.status_code, answer.text) == (503, "DISABLED BY FILE")
    finally:
        (server.work / "off").unlink()


def test_a_request_id_is_taken_up_to_its_length(api: Api) -> None:
    named = api.get("/v2/images", headers={"X-OpenStack-Request-ID": "night-run-7"})
    assert named.headers["x-openstack-request-id"] == "req-night-run-7"
    long = api.get("/v2/images", headers={"X-OpenStack-Request-ID": "req-" + "a" * 37})
    assert long.status_code == 431


def test_the_operators_schema_is_served_and_held_to(api: Api) -> None:
    schema = api.get("/v2/schemas/image").json()
    assert schema["properties"]["tier"]["is_base"] is False
    assert schema["required"] == ["name"]
    assert "kernel_id" not in schema["properties"]
    assert api.post("/v2/images", json={"tier": "a"}).status_code == 400
    assert api.post("/v2/images", json={"name": "x", "tier": "c"}).status_code == 400
    assert api.create(tier="b")["tier"] == "b"
