"""A cloud with Keystone for the end-to-end tests, and the clients of its users."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import harness
import keystone
import openstack.config
import openstack.connection
import tempest_run
import venvs
from cli import Glance, OpenStack


class Cloud(tempest_run.Cloud):
    """Tempest's cloud of the run `strict`, with slipway in it."""

    def __init__(self, work: Path) -> None:
        super().__init__("slipway", work, strict=True)
        self.clouds = self.keystone.write_clouds(work / "clients")
        self.projects = {name: self.keystone.project_id(name) for name in ("demo", "alt")}

    def connect(self, user: str) -> openstack.connection.Connection:
        known = openstack.config.OpenStackConfig(config_files=[str(self.clouds)], load_envvars=False)
        return openstack.connection.Connection(config=known.get_one(user))

    def openstack(self, user: str) -> OpenStack:
        """Finds clouds.yaml in the folder that it runs in."""
        return OpenStack(_client("openstack"), self.clouds.parent, "--os-cloud", user)

    def glance(self, user: str) -> Glance:
        identity = {
            "auth-url": self.keystone.auth_url,
            "username": user,
            "password": keystone.PASSWORD,
            "project-name": keystone.PERSONAS[user][0],
            "user-domain-id": "default",
            "project-domain-id": "default",
            "region-name": keystone.REGION,
        }
        options = [part for name, value in identity.items() for part in (f"--os-{name}", value)]
        return Glance(_client("glance"), self.clouds.parent, *options)

    def horizon(self, user: str) -> dict[str, Any]:
        """The answer of horizon_images.py."""
        python = venvs.ensure("horizon", harness.ROOT / "build" / "venvs") / "bin" / "python"
        done = subprocess.run(
            [python, harness.PEERS / "horizon_images.py", "--image-url", self.url],
            env={**os.environ, "TOKEN": self.keystone.token(user)},
            capture_output=True,
            text=True,
            timeout=harness.PEER_SECONDS,
            check=False,
        )
        if done.returncode not in (0, 1):
            raise harness.HarnessError(f"horizon_images.py: {done.stderr[-4000:]}")
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer

    def gophercloud(self) -> dict[str, str]:
        """Flow → what went wrong in it."""
        go = subprocess.run([harness.ROOT / "scripts" / "go.sh"], check=True, capture_output=True, text=True)
        program = harness.ROOT / "build" / "peers" / "gophercloud"
        build = [go.stdout.strip(), "build", "-buildvcs=false", "-o", program, "."]
        subprocess.run(build, cwd=harness.PEERS / "gophercloud", check=True)
        ran = subprocess.run(
            [program, "-auth-url", self.keystone.auth_url, "-password", keystone.PASSWORD],
            capture_output=True,
            text=True,
            timeout=harness.PEER_SECONDS,
            check=False,
        )
        if ran.returncode:
            raise harness.HarnessError(f"gophercloud: {ran.stderr}")
        flows = [json.loads(line) for line in ran.stdout.splitlines()]
        return {flow["flow"]: flow["error"] for flow in flows}


def _client(program: str) -> Path:
    return venvs.ensure("clients", harness.ROOT / "build" / "venvs") / "bin" / program
