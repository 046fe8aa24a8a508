"""A real Keystone of the newest release, with the users, projects and endpoints of a small cloud.

    keystone = Keystone(work)                  # a folder for this one; serves when it returns
    keystone.auth_url                          # http://127.0.0.1:PORT/v3
    keystone.publish(url, remote_url)          # where the catalogue says that images are; may be called again
    keystone.token("demo")                     # a token of one of PERSONAS
    keystone.token("glance", project="demo")   # of a user on another project, where it has a role
    keystone.server_sections()                 # [keystone_authtoken], [oslo_limit]: for slipway and for Glance
    keystone.write_clouds(work)                # clouds.yaml with one entry for each persona; its path
    keystone.request("GET", "/users")          # anything else, as admin: the parsed answer
    keystone.project_id("demo")
    keystone.stop()

Everything is in the domain Default, every password is PASSWORD. Making the database takes half a minute, so
it is made once, under build/peers, and copied for each Keystone. Tokens and roles are cached in the one
process: what is revoked is gone at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import grp
import hashlib
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import harness
import venvs
from driver_run import Section, write_config

PASSWORD = "secret"
REGION = "RegionOne"
START_SECONDS = 120.0
TEMPLATES = harness.ROOT / "build" / "peers"

# user → the project of its token, and its roles there. nova and glance are services.
PERSONAS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "admin": ("admin", ("admin",)),
    "demo": ("demo", ("member",)),
    "demo_reader": ("demo", ("reader",)),
    "demo_manager": ("demo", ("manager",)),
    "alt": ("alt", ("member",)),
    "alt_reader": ("alt", ("reader",)),
    "glance": ("service", ("admin", "service")),
    "nova": ("service", ("admin", "service")),
}
# type → name; Tempest looks the service up by its name. The second is another worker of it.
IMAGE_SERVICES = {"image": "glance", "image_remote": "glance_remote"}
INTERFACES = ("public", "internal", "admin")
# What a project may have unless a limit of its own says otherwise; sizes in MiB.
REGISTERED_LIMITS = {
    "image_size_total": 100000,
    "image_stage_total": 100000,
    "image_count_total": 10000,
    "image_count_uploading": 1000,
}
NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing was published yet


class Keystone:
    """One Keystone on a free port of the loopback interface, on an SQLite file of its own."""

    def __init__(self, work: Path) -> None:
        self._begin(work, _template())
        for service in self.request("GET", "/services?type=identity")["services"]:
            self._point(service["id"], self.auth_url)

    def _begin(self, work: Path, template: Path | None) -> None:
        """`template`: a folder to take the database and the keys from."""
        self.work = work
        self.port = harness.free_port()
        self.auth_url = f"http://127.0.0.1:{self.port}/v3"
        self._token = ""
        if template:
            shutil.copytree(template, work, dirs_exist_ok=True)
        config = _configure(work)
        options: Section = {
            "module": "keystone.wsgi.api:application",
            "http-socket": f"127.0.0.1:{self.port}",
            "master": "true",
            "processes": 1,  # the cache is one process's own
            "threads": 4,
            "enable-threads": "true",
            "lazy-apps": "true",
            "die-on-term": "true",
            "buffer-size": 65535,
            "add-header": "Connection: close",
        }
        self.child = harness.Child(
            [_venv() / "bin" / "uwsgi", "--ini", write_config(work / "uwsgi.ini", {"uwsgi": options})],
            work / "uwsgi.log",
            environment={
                "OS_KEYSTONE_CONFIG_DIR": str(work),
                "OS_KEYSTONE_CONFIG_FILES": str(config),
                "PYTHONPATH": "",  # this module has the name of theirs
            },
        )
        try:
            self._wait_until_ready()
            self._token = self.token("admin")
        except harness.HarnessError:
            self.stop()
            raise

    @classmethod
    def make_template(cls, work: Path) -> None:
        """Fill `work` with the database and the keys of a cloud; its endpoints lead nowhere."""
        _bootstrap(work)
        keystone = cls.__new__(cls)
        keystone._begin(work, None)
        try:
            keystone._populate()
        finally:
            keystone.stop()

    def stop(self) -> None:
        self.child.stop()

    def publish(self, url: str, remote_url: str | None = None) -> None:
        """Name `url` in the catalogue as the image service, and `remote_url` as its second worker."""
        for kind, where in zip(IMAGE_SERVICES, (url, remote_url or url), strict=True):
            self._point(self._service_id(kind), where)

    def token(self, user: str, project: str | None = None) -> str:
        """A token of `user` on `project` (default: the persona's)."""
        return self._authenticate(user, {"project": _named(project or PERSONAS[user][0])})

    def system_token(self, user: str) -> str:
        """A token of `user` for the whole system: admin and glance may."""
        return self._authenticate(user, {"system": {"all": True}})

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """As admin; `path` is below /v3. An answer without a body is an empty object."""
        answer, _ = self._call(method, path, body)
        return answer

    def project_id(self, name: str) -> str:
        return str(self.request("GET", f"/projects?name={name}")["projects"][0]["id"])

    def user_id(self, name: str) -> str:
        return str(self.request("GET", f"/users?name={name}")["users"][0]["id"])

    def server_sections(self) -> dict[str, Section]:
        """What the configuration of an image server needs to validate tokens and to look limits up."""
        credentials: Section = {
            "auth_url": self.auth_url,
            "auth_type": "password",
            "username": "glance",
            "password": PASSWORD,
            "user_domain_id": "default",
        }
        found = self.request("GET", f"/endpoints?service_id={self._service_id('image')}&interface=public")
        return {
            "keystone_authtoken": {
                **credentials,
                "www_authenticate_uri": self.auth_url,
                "project_name": "service",
                "project_domain_id": "default",
                "service_token_roles": "service",
                "service_token_roles_required": True,
            },
            "oslo_limit": {
                **credentials,
                "system_scope": "all",
                "endpoint_id": found["endpoints"][0]["id"],
            },
        }

    def write_clouds(self, work: Path) -> Path:
        """A clouds.yaml (JSON is YAML) for OS_CLIENT_CONFIG_FILE; `--os-cloud` takes a persona."""
        work.mkdir(parents=True, exist_ok=True)
        clouds = {
            user: {
                "region_name": REGION,
                "identity_api_version": "3",
                "auth": {
                    "auth_url": self.auth_url,
                    "username": user,
                    "password": PASSWORD,
                    "project_name": project,
                    "user_domain_id": "default",
                    "project_domain_id": "default",
                },
            }
            for user, (project, _) in PERSONAS.items()
        }
        path = work / "clouds.yaml"
        path.write_text(json.dumps({"clouds": clouds}, indent=2), encoding="utf-8")
        path.chmod(0o600)
        return path

    def _populate(self) -> None:
        domain = {"domain_id": "default"}
        projects = {name: self.project_id(name) for name in ("admin",)}
        for name in ("service", "demo", "alt"):
            made = self.request("POST", "/projects", {"project": {"name": name, **domain}})
            projects[name] = made["project"]["id"]
        roles = {role["name"]: role["id"] for role in self.request("GET", "/roles")["roles"]}
        for user, (project, granted) in PERSONAS.items():
            if user == "admin":
                continue  # made by the bootstrap
            made = self.request("POST", "/users", {"user": {"name": user, "password": PASSWORD, **domain}})
            identity = made["user"]["id"]
            for role in granted:
                self.request("PUT", f"/projects/{projects[project]}/users/{identity}/roles/{roles[role]}")
            if user == "glance":  # limits are read for the whole system
                self.request("PUT", f"/system/users/{identity}/roles/{roles['reader']}")
        for kind, name in IMAGE_SERVICES.items():
            made = self.request("POST", "/services", {"service": {"type": kind, "name": name}})
            service = made["service"]["id"]
            for interface in INTERFACES:
                endpoint = {
                    "service_id": service,
                    "interface": interface,
                    "region_id": REGION,
                    "url": NOWHERE,
                }
                self.request("POST", "/endpoints", {"endpoint": endpoint})
        limits = [
            {
                "service_id": self._service_id("image"),
                "region_id": REGION,
                "resource_name": name,
                "default_limit": limit,
            }
            for name, limit in REGISTERED_LIMITS.items()
        ]
        # Limits are the system's, not a project's.
        self._token = self.system_token("admin")
        self.request("POST", "/registered_limits", {"registered_limits": limits})

    def _service_id(self, kind: str) -> str:
        return str(self.request("GET", f"/services?type={kind}")["services"][0]["id"])

    def _point(self, service_id: str, url: str) -> None:
        for endpoint in self.request("GET", f"/endpoints?service_id={service_id}")["endpoints"]:
            self.request("PATCH", f"/endpoints/{endpoint['id']}", {"endpoint": {"url": url}})

    def _authenticate(self, user: str, scope: Mapping[str, Any]) -> str:
        password = {"user": {"name": user, "domain": {"id": "default"}, "password": PASSWORD}}
        identity = {"methods": ["password"], "password": password}
        _, headers = self._call("POST", "/auth/tokens", {"auth": {"identity": identity, "scope": scope}})
        return str(headers["X-Subject-Token"])

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None
    ) -> tuple[dict[str, Any], Mapping[str, str]]:
        request = urllib.request.Request(
            self.auth_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "X-Auth-Token": self._token},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return (json.loads(text) if text else {}), answer.headers
        except urllib.error.HTTPError as error:
            reason = error.read().decode(errors="replace")
            raise harness.HarnessError(
                f"Keystone refuses {method} {path}: {error.code} {reason}"
            ) from None

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self.child.process.poll() is None and time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(self.auth_url, timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise self.child.died("keystone")


def _named(project: str) -> dict[str, Any]:
    return {"name": project, "domain": {"id": "default"}}


def _venv() -> Path:
    return venvs.ensure("keystone", harness.ROOT / "build" / "venvs")


def _configure(work: Path) -> Path:
    """keystone.conf for the folder `work`; its path."""
    return write_config(
        work / "keystone.conf",
        {
            "DEFAULT": {"log_file": work / "keystone.log"},
            "database": {"connection": f"sqlite:///{work / 'keystone.sqlite'}"},
            "token": {"provider": "fernet", "expiration": 86400},
            "fernet_tokens": {"key_repository": work / "fernet"},
            "credential": {"key_repository": work / "credential"},
            "identity": {"password_hash_rounds": 4},  # the fewest: these passwords are no secret
            "oslo_policy": {"enforce_scope": True, "enforce_new_defaults": True},
            # Without a cache every token is validated from the database: half a second a request.
            "cache": {"enabled": True, "backend": "dogpile.cache.memory"},
        },
    )


def _bootstrap(work: Path) -> None:
    for folder in ("fernet", "credential"):
        (work / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    config = _configure(work)
    owner = ["--keystone-user", getpass.getuser(), "--keystone-group", grp.getgrgid(os.getgid()).gr_name]
    for arguments in (
        ["db_sync"],
        ["fernet_setup", *owner],
        ["credential_setup", *owner],
        [
            "bootstrap",
            *("--bootstrap-password", PASSWORD, "--bootstrap-region-id", REGION),
            *(part for face in INTERFACES for part in (f"--bootstrap-{face}-url", NOWHERE)),
        ],
    ):
        command = [str(_venv() / "bin" / "keystone-manage"), "--config-file", str(config), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise harness.HarnessError(f"keystone-manage {arguments[0]} failed:\n{done.stderr[-4000:]}")


def _template() -> Path:
    """The folder to copy, made unless it is there; another release or another cloud makes another."""
    version = hashlib.sha256(venvs.fingerprint("keystone").encode() + Path(__file__).read_bytes())
    folder = TEMPLATES / f"keystone-{version.hexdigest()[:16]}"
    with _alone(TEMPLATES / ".keystone.lock"):
        if not folder.exists():
            making = folder.with_suffix(".making")
            shutil.rmtree(making, ignore_errors=True)
            Keystone.make_template(making)
            making.rename(folder)
    return folder


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield
