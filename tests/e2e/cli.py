"""The stock command line clients, as a user without Keystone calls them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any


class CommandFailed(AssertionError):
    """A client ended with an error; the message is what it printed."""


class Client:
    """A program with fixed first arguments, away from the configuration of whoever runs the tests."""

    def __init__(self, program: Path, home: Path, *options: str) -> None:
        self._command = [str(program), *options]
        self._home = home

    def __call__(self, *arguments: str | Path, data: Path | None = None) -> str:
        """`data`: a file for its standard input."""
        with (data or Path(os.devnull)).open("rb") as stdin:
            return self._run(arguments, stdin if data else None)

    def _run(self, arguments: Sequence[str | Path], stdin: IO[bytes] | None) -> str:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        done = subprocess.run(
            [*self._command, *map(str, arguments)],
            env={**environment, "HOME": str(self._home)},
            cwd=self._home,
            stdin=stdin,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode:
            raise CommandFailed(f"{' '.join(map(str, arguments))}: {done.stdout}{done.stderr}")
        return done.stdout


class OpenStack(Client):
    """`openstack`, with answers as JSON where it can."""

    @classmethod
    def at(cls, program: Path, url: str, home: Path) -> OpenStack:
        """Knows the image service and no other."""
        return cls(program, home, "--os-auth-type", "none", "--os-endpoint", url)

    @classmethod
    def in_cloud(cls, program: Path, url: str, identity_url: str, home: Path) -> OpenStack:
        """Knows an identity service, too; only clouds.yaml can name one for each."""
        clouds = {
            "slipway": {
                "auth_type": "none",
                "auth": {"endpoint": url},
                "image_endpoint_override": url,
                "identity_api_version": "3",
                "identity_endpoint_override": identity_url,
            }
        }
        # JSON is YAML.
        (home / "clouds.yaml").write_text(json.dumps({"clouds": clouds}), encoding="utf-8")
        return cls(program, home, "--os-cloud", "slipway")

    def json(self, *arguments: str | Path) -> Any:
        return json.loads(self(*arguments, "-f", "json"))


class Glance(Client):
    """`glance`, whose answers are tables."""

    @classmethod
    def at(cls, program: Path, url: str, home: Path) -> Glance:
        """Knows the image service and no other."""
        return cls(program, home, "--os-image-url", url, "--os-auth-token", "x")

    def record(self, *arguments: str | Path, data: Path | None = None) -> dict[str, str]:
        """A two-column table as a dictionary."""
        return {row[0]: row[1] for row in self.rows(*arguments, data=data) if len(row) == 2}

    def rows(self, *arguments: str | Path, data: Path | None = None) -> list[list[str]]:
        """The rows below the heading of a table; a cell that was wrapped is put together again."""
        rows: list[list[str]] = []
        lines = [line for line in self(*arguments, data=data).splitlines() if line.startswith("|")]
        for line in lines[1:]:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if cells[0]:
                rows.append(cells)
            else:
                rows[-1] = [before + cell for before, cell in zip(rows[-1], cells, strict=True)]
        return rows
