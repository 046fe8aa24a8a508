"""What slipway asks of a cloud, on one web server: tokens, the catalogue of services and limits of Keystone,
flavors of Nova, secrets of Barbican. What a real Keystone says is tested in tests/e2e."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import Any

import requests
from client import Api
from origin import Answer, Origin

ACCOUNT_TOKEN = "token-of-slipway"
ISSUED, EXPIRES = "2020-01-01T00:00:00.000000Z", "2099-01-01T00:00:00.000000Z"


def as_json(status: int, value: object, **headers: str) -> Answer:
    return status, {"Content-Type": "application/json", **headers}, json.dumps(value).encode()


class Cloud:
    """`limits` are those of every project; `flavors` the root disks, in GiB."""

    def __init__(self) -> None:
        self.web = Origin()
        self.limits: dict[str, int] = {}
        self.flavors: list[int] = []
        self.users: dict[str, dict[str, Any]] = {}  # tokens by what identifies them
        self.web.answers |= {
            "/v3/auth/tokens": self._tokens,
            "/v3/endpoints/image": lambda _: as_json(
                200, {"endpoint": {"id": "image", "service_id": "glance", "region_id": None}}
            ),
            "/v3/limits": lambda _: as_json(200, {"limits": []}),
            "/v3/registered_limits": self._registered_limits,
            "/compute/flavors/detail": self._flavors,
        }

    def stop(self) -> None:
        self.web.stop()

    def user(self, project: str, *roles: str) -> str:
        """The token of somebody in `project`."""
        token = f"token-{len(self.users)}-of-{project}"
        self.users[token] = {
            "project": {"id": project, "name": project, "domain": {"id": "default", "name": "Default"}},
            "roles": [{"id": role, "name": role} for role in roles or ("member", "reader")],
        }
        return token

    def sections(self) -> dict[str, dict[str, object]]:
        """Of the configuration of a slipway in this cloud."""
        account: dict[str, object] = {
            "auth_url": self.web.url,
            "auth_type": "password",
            "username": "slipway",
            "password": "of-slipway",
            "user_domain_id": "default",
        }
        project = {"project_name": "service", "project_domain_id": "default"}
        return {
            "DEFAULT": {"use_keystone_limits": True},
            "paste_deploy": {"flavor": "keystone"},
            "keystone_authtoken": {**account, **project},
            "oslo_limit": {**account, "system_scope": "all", "endpoint_id": "image"},
        }

    def _tokens(self, request: BaseHTTPRequestHandler) -> Answer:
        if request.command == "POST":
            return as_json(201, self._token({}), **{"X-Subject-Token": ACCOUNT_TOKEN})
        assert request.headers["X-Auth-Token"] == ACCOUNT_TOKEN
        user = self.users.get(str(request.headers["X-Subject-Token"]))
        if user is None:
            return as_json(404, {"error": {"code": 404, "message": "no such token"}})
        return as_json(200, self._token(user))

    def _token(self, facts: dict[str, Any]) -> dict[str, Any]:
        catalog = [
            {"type": type_, "endpoints": [{"interface": "public", "region_id": None, "url": self.web.url + path}]}
            for type_, path in (("compute", "/compute"), ("key-manager", "/keys/"))
        ]
        user = {"id": "somebody", "name": "somebody", "domain": {"id": "default", "name": "Default"}}
        times = {"issued_at": ISSUED, "expires_at": EXPIRES}
        return {"token": {"user": user, "catalog": catalog, **times, **facts}}

    def _registered_limits(self, _: BaseHTTPRequestHandler) -> Answer:
        entries = [
            {"resource_name": name, "default_limit": limit, "region_id": None}
            for name, limit in self.limits.items()
        ]
        return as_json(200, {"registered_limits": entries})

    def _flavors(self, _: BaseHTTPRequestHandler) -> Answer:
        flavors = [{"id": str(size), "name": f"with {size}", "disk": size} for size in self.flavors]
        return as_json(200, {"flavors": flavors})


class UserApi(Api):
    """One listener of a slipway, for whoever has this token."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url)
        self.token = token

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        options["headers"] = {"X-Auth-Token": self.token, **(options.get("headers") or {})}
        return super().__call__(method, path, **options)
