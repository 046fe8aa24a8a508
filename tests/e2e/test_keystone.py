"""slipway behind a real Keystone: who gets in, what each role may do, and how long a token is believed.

One Keystone and one slipway serve all tests; what changes users or tokens makes its own.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import harness
import pytest
import requests
from driver_run import Section
from keystone import PASSWORD, Keystone

SECONDS = 60


class Cloud:
    """A slipway that checks the tokens of a Keystone."""

    def __init__(
        self, keystone: Keystone, work: Path, *, limits: bool = False, **authtoken: object
    ) -> None:
        """`authtoken`: options laid over those of [keystone_authtoken]."""
        self.keystone = keystone
        backend = harness.local_backend(work)
        ports = (harness.free_port(), harness.free_port())
        known = keystone.server_sections()
        sections: dict[str, Section] = {
            "DEFAULT": {
                "bind_port": ports[0],
                "enabled_backends": backend.name,
                "use_keystone_limits": limits,
            },
            "paste_deploy": {"flavor": "keystone"},
            "keystone_authtoken": {**known["keystone_authtoken"], **authtoken},
            "oslo_limit": known["oslo_limit"],
        }
        self.slipway = harness.Slipway(work, backend, ports=ports, sections=sections)

    def stop(self) -> None:
        self.slipway.stop()

    def call(self, method: str, path: str, token: str = "", **options: Any) -> requests.Response:
        headers = {"Accept": "application/json", **options.pop("headers", {})}
        if token:
            headers["X-Auth-Token"] = token
        return requests.request(
            method, self.slipway.url + path, headers=headers, timeout=SECONDS, **options
        )

    def as_persona(self, user: str, method: str, path: str, **options: Any) -> requests.Response:
        return self.call(method, path, self.keystone.token(user), **options)

    def image(self, user: str, **record: Any) -> str:
        answer = self.as_persona(user, "POST", "/v2/images", json={"name": "an image", **record})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def log(self) -> str:
        return self.slipway.child.log.read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="module")
def keystone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keystone]:
    server = Keystone(tmp_path_factory.mktemp("keystone"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def cloud(keystone: Keystone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    cloud = Cloud(keystone, tmp_path_factory.mktemp("slipway"))
    keystone.publish(cloud.slipway.url)
    yield cloud
    cloud.stop()


@pytest.fixture
def strict(keystone: Keystone, tmp_path: Path) -> Iterator[Cloud]:
    """A slipway that asks Keystone for every request."""
    cloud = Cloud(keystone, tmp_path / "strict", token_cache_time=0)
    yield cloud
    cloud.stop()


def openstack(clients: Path, *arguments: str | Path, **environment: str | Path) -> Any:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    done = subprocess.run(
        [clients / "openstack", *arguments, "-f", "json"],
        env={**inherited, **{name: str(value) for name, value in environment.items()}},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_request_without_a_token_is_told_where_to_get_one(cloud: Cloud) -> None:
    for path in ("/v2/images", "/v2/schemas/image", "/v2/nothing", "/slipway/v1/tasks"):
        for token in ("", "no-token", "gAAAAA" + "x" * 200):
            answer = cloud.call("GET", path, token)
            assert answer.status_code == 401, path
            assert answer.headers["WWW-Authenticate"] == f'Keystone uri="{cloud.keystone.auth_url}"'
            assert "x-openstack-request-id" not in answer.headers
    assert cloud.call("GET", "/healthcheck").status_code == 200
    assert cloud.call("GET", "/").status_code == 300


def test_headers_that_name_an_identity_count_for_nothing(cloud: Cloud) -> None:
    pretended = {
        "X-Identity-Status": "Confirmed",
        "X-Roles": "admin",
        "X-Project-Id": "1",
        "X-User-Id": "1",
        "X-Service-Roles": "service",
        "X-Service-Identity-Status": "Confirmed",
    }
    assert cloud.call("GET", "/v2/images", headers=pretended).status_code == 401
    answer = cloud.as_persona(
        "demo", "POST", "/v2/images", json={"visibility": "public"}, headers=pretended
    )
    assert answer.status_code == 403


def test_each_role_may_what_the_policies_say(cloud: Cloud) -> None:
    image = cloud.image("demo", visibility="shared")
    path = f"/v2/images/{image}"
    change = [{"op": "replace", "path": "/name", "value": "another"}]
    patch = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
    for user, shown, changed in (
        ("demo", 200, 200),
        ("demo_reader", 200, 403),
        ("demo_manager", 200, 200),
        ("alt", 404, 404),
        ("alt_reader", 404, 404),
        ("admin", 200, 200),
    ):
        assert cloud.as_persona(user, "GET", path).status_code == shown, user
        answer = cloud.as_persona(user, "PATCH", path, json=change, headers=patch)
        assert answer.status_code == changed, user
    listed = {
        user: image in [entry["id"] for entry in cloud.as_persona(user, "GET", "/v2/images").json()["images"]]
        for user in ("demo", "demo_reader", "alt")
    }
    assert listed == {"demo": True, "demo_reader": True, "alt": False}
    assert cloud.as_persona("demo_reader", "POST", "/v2/images", json={}).status_code == 403
    assert cloud.as_persona("demo", "DELETE", path).status_code == 204


def test_the_owner_of_an_image_is_the_project_of_the_token(cloud: Cloud) -> None:
    image = cloud.image("demo")
    shown = cloud.as_persona("demo", "GET", f"/v2/images/{image}").json()
    assert shown["owner"] == cloud.keystone.project_id("demo")


def test_a_token_for_the_system_is_refused(cloud: Cloud) -> None:
    token = cloud.keystone.system_token("admin")
    assert cloud.call("GET", "/v2/images", token).status_code == 403
    assert cloud.call("POST", "/v2/images", token, json={}).status_code == 403


def test_a_revoked_token_is_refused_at_once_without_a_cache(strict: Cloud) -> None:
    token = strict.keystone.token("demo")
    assert strict.call("GET", "/v2/images", token).status_code == 200
    revoke(strict.keystone, token)
    assert strict.call("GET", "/v2/images", token).status_code == 401


def test_a_revoked_token_is_believed_for_the_time_of_the_cache(keystone: Keystone, tmp_path: Path) -> None:
    cloud = Cloud(keystone, tmp_path / "cached", token_cache_time=1)
    try:
        token = keystone.token("demo")
        assert cloud.call("GET", "/v2/images", token).status_code == 200
        revoke(keystone, token)
        deadline = time.monotonic() + SECONDS
        while cloud.call("GET", "/v2/images", token).status_code != 401:
            assert time.monotonic() < deadline, "the token is still believed"
            time.sleep(0.1)
    finally:
        cloud.stop()


def revoke(keystone: Keystone, token: str) -> None:
    answer = requests.delete(
        f"{keystone.auth_url}/auth/tokens",
        headers={"X-Auth-Token": keystone.token("admin"), "X-Subject-Token": token},
        timeout=SECONDS,
    )
    assert answer.status_code == 204, answer.text


def test_a_services_token_shows_a_service_and_a_bad_one_nobody(cloud: Cloud) -> None:
    image = cloud.image("demo", disk_format="raw", container_format="bare")
    path = f"/v2/images/{image}/locations"
    user = cloud.keystone.token("demo")
    assert cloud.call("GET", path, user).status_code == 403
    service = {"X-Service-Token": cloud.keystone.token("nova")}
    assert cloud.call("GET", path, user, headers=service).status_code == 200
    assert cloud.call("GET", path, user, headers={"X-Service-Token": "no-token"}).status_code == 401
    other = {"X-Service-Token": cloud.keystone.token("alt")}
    assert cloud.call("GET", path, user, headers=other).status_code == 401, "it lacks the role"


def test_without_keystone_nobody_gets_in(keystone: Keystone, tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{harness.free_port()}/v3"
    cloud = Cloud(keystone, tmp_path / "alone", auth_url=nowhere, http_request_max_retries=0)
    try:
        answer = cloud.call("GET", "/v2/images", keystone.token("demo"))
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert cloud.call("GET", "/healthcheck").status_code == 200
    finally:
        cloud.stop()


def test_an_application_credential_serves_for_the_account_of_slipway(keystone: Keystone, tmp_path: Path) -> None:
    credential = application_credential(keystone, "glance", "service")
    cloud = Cloud(
        keystone,
        tmp_path / "credential",
        auth_type="v3applicationcredential",
        application_credential_id=credential["id"],
        application_credential_secret=credential["secret"],
    )
    try:
        assert cloud.as_persona("demo", "GET", "/v2/images").status_code == 200
    finally:
        cloud.stop()


def application_credential(
    keystone: Keystone, user: str, project: str, **restrictions: object
) -> dict[str, str]:
    answer = requests.post(
        f"{keystone.auth_url}/users/{keystone.user_id(user)}/application_credentials",
        headers={"X-Auth-Token": keystone.token(user, project)},
        json={"application_credential": {"name": uuid.uuid4().hex, **restrictions}},
        timeout=SECONDS,
    )
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["application_credential"])


def test_openstack_works_with_a_password(cloud: Cloud, clients: Path, tmp_path: Path) -> None:
    clouds = cloud.keystone.write_clouds(tmp_path)
    image = uuid.uuid4().hex
    disk = tmp_path / "disk.raw"
    disk.write_bytes(random.Random(1).randbytes(100000))
    environment = {"OS_CLIENT_CONFIG_FILE": clouds, "OS_CLOUD": "demo", "HOME": tmp_path}
    create = ("image", "create", "--disk-format", "raw", "--container-format", "bare", "--file", disk, image)
    assert openstack(clients, *create, **environment)["status"] == "active"
    listed = openstack(clients, "image", "list", "--name", image, **environment)
    assert [entry["Name"] for entry in listed] == [image]
    other = openstack(clients, "image", "list", "--name", image, **{**environment, "OS_CLOUD": "alt"})
    assert other == []


def test_openstack_works_with_an_application_credential(cloud: Cloud, clients: Path, tmp_path: Path) -> None:
    credential = application_credential(cloud.keystone, "demo_reader", "demo")
    environment = {
        "OS_AUTH_TYPE": "v3applicationcredential",
        "OS_AUTH_URL": cloud.keystone.auth_url,
        "OS_APPLICATION_CREDENTIAL_ID": credential["id"],
        "OS_APPLICATION_CREDENTIAL_SECRET": credential["secret"],
        "HOME": tmp_path,
    }
    image = cloud.image("demo")
    assert image in [entry["ID"] for entry in openstack(clients, "image", "list", **environment)]


def test_a_restricted_application_credential_does_what_it_is_for(cloud: Cloud) -> None:
    image = cloud.image("demo")
    credential = application_credential(
        cloud.keystone,
        "demo",
        "demo",
        access_rules=[
            {"service": "image", "method": "GET", "path": "/v2/images"},
            {"service": "image", "method": "GET", "path": "/v2/images/{image_id}/members"},
            {"service": "compute", "method": "DELETE", "path": "/v2/**"},
        ],
    )
    granted = requests.post(
        f"{cloud.keystone.auth_url}/auth/tokens",
        json={
            "auth": {
                "identity": {
                    "methods": ["application_credential"],
                    "application_credential": {"id": credential["id"], "secret": credential["secret"]},
                }
            }
        },
        timeout=SECONDS,
    )
    assert granted.status_code == 201, granted.text
    token = granted.headers["X-Subject-Token"]
    statuses = {
        (method, path): cloud.call(method, path, token).status_code
        for method, path in [
            ("GET", "/v2/images"),
            ("GET", f"/v2/images/{image}/members"),
            ("GET", f"/v2/images/{image}"),
            ("DELETE", f"/v2/images/{image}"),
        ]
    }
    assert list(statuses.values()) == [200, 200, 401, 401], statuses


@pytest.fixture(scope="module")
def limited(keystone: Keystone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A slipway that keeps the project alt to its limits."""
    cloud = Cloud(keystone, tmp_path_factory.mktemp("limited"), limits=True)
    yield cloud
    cloud.stop()


def limit(keystone: Keystone, project: str, **limits: int) -> None:
    """Give the project these limits, in place of those it had."""
    token = {"X-Auth-Token": keystone.system_token("admin")}
    where = f"{keystone.auth_url}/limits"
    owner = keystone.project_id(project)
    listed = requests.get(f"{where}?project_id={owner}", headers=token, timeout=SECONDS).json()
    for old in listed["limits"]:
        assert requests.delete(f"{where}/{old['id']}", headers=token, timeout=SECONDS).status_code == 204
    service = keystone.request("GET", "/services?type=image")["services"][0]["id"]
    made = [
        {
            "service_id": service,
            "region_id": "RegionOne",
            "project_id": owner,
            "resource_name": name,
            "resource_limit": number,
        }
        for name, number in limits.items()
    ]
    answer = requests.post(where, headers=token, json={"limits": made}, timeout=SECONDS)
    assert answer.status_code == 201, answer.text


def upload(cloud: Cloud, token: str, image: str, data: bytes, *, chunked: bool = False) -> int:
    body: Any = iter([data]) if chunked else data
    headers = {"Content-Type": "application/octet-stream"}
    return cloud.call("PUT", f"/v2/images/{image}/file", token, data=body, headers=headers).status_code


def new_image(cloud: Cloud, token: str) -> requests.Response:
    record = {"disk_format": "raw", "container_format": "bare"}
    return cloud.call("POST", "/v2/images", token, json=record)


def test_a_project_is_kept_to_its_number_of_images_by_many_at_once(limited: Cloud) -> None:
    limit(limited.keystone, "alt", image_count_total=3)
    token = limited.keystone.token("alt")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: new_image(limited, token), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [413] * 5
    usage = limited.call("GET", "/v2/info/usage", token).json()["usage"]
    assert usage["image_count_total"] == {"limit": 3, "usage": 3}
    for answer in answers:
        if answer.status_code == 201:
            limited.call("DELETE", f"/v2/images/{answer.json()['id']}", token)
    assert limited.call("GET", "/v2/info/usage", token).json()["usage"]["image_count_total"]["usage"] == 0


def test_a_project_is_kept_to_its_bytes(limited: Cloud) -> None:
    limit(limited.keystone, "alt", image_size_total=2)
    token = limited.keystone.token("alt")
    first, second, third = (new_image(limited, token).json()["id"] for _ in range(3))
    assert upload(limited, token, first, b"x" * (1 << 20)) == 204
    assert upload(limited, token, second, b"x" * ((1 << 20) + 1)) == 413
    # A length that nobody announced may exceed the limit once.
    assert upload(limited, token, third, b"x" * ((1 << 20) + 1), chunked=True) == 204
    assert upload(limited, token, second, b"x", chunked=True) == 413
    usage = limited.call("GET", "/v2/info/usage", token).json()["usage"]
    assert usage["image_size_total"]["limit"] == 2
    limit(limited.keystone, "alt", image_size_total=100)
    assert upload(limited, token, second, b"x" * ((1 << 20) + 1)) == 204


def test_other_projects_have_the_registered_limits(limited: Cloud) -> None:
    limit(limited.keystone, "alt", image_count_total=0)
    assert new_image(limited, limited.keystone.token("alt")).status_code == 413
    assert new_image(limited, limited.keystone.token("demo")).status_code == 201


def test_usage_is_empty_where_keystone_keeps_no_limits(cloud: Cloud) -> None:
    assert cloud.as_persona("demo", "GET", "/v2/info/usage").json() == {"usage": {}}


def test_no_token_and_no_password_is_in_the_log(cloud: Cloud) -> None:
    tokens = [cloud.keystone.token(user) for user in ("demo", "nova")]
    cloud.call("GET", "/v2/images", tokens[0], headers={"X-Service-Token": tokens[1]})
    log = cloud.log()
    assert PASSWORD not in log
    assert not any(token in log for token in tokens)
