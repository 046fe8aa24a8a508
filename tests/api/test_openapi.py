"""schema/openapi.json is a valid description, is served, and is true: answers are as it says, and none is 5xx.

That it describes every route and no other is shown by `openapi_test`.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import harness
import requests
import venvs
from servers import Slipway

DESCRIPTION = harness.ROOT / "schema" / "openapi.json"
# What an answer is held to: it is no failure of the server, and its status, type and body are described.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
)
EXAMPLES = 10  # of each operation, besides those at the limits of what is described
HOOKS = """\
import schemathesis

PATCHES = [f"application/openstack-images-v2.{minor}-json-patch" for minor in (0, 1)]
schemathesis.serializer.alias(PATCHES, "application/json")
"""


def tool(program: str) -> list[str]:
    return [str(venvs.ensure("openapi", harness.ROOT / "build" / "venvs") / "bin" / program)]


def test_the_description_is_valid_openapi() -> None:
    done = subprocess.run(
        [*tool("openapi-spec-validator"), DESCRIPTION], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_description_is_served_as_it_is(local_slipway: Slipway) -> None:
    answer = requests.get(f"{local_slipway.url}/slipway/v1/openapi.json", timeout=30)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.text == DESCRIPTION.read_text(encoding="utf-8")


def test_answers_to_all_kinds_of_requests_are_as_described(tmp_path: Path) -> None:
    """With an image and a namespace that can not be deleted: requests get further than to 404."""
    backend = harness.local_backend(tmp_path)
    second = {"filesystem_store_datadir": tmp_path / "second"}
    second["filesystem_store_datadir"].mkdir()
    options = {
        "DEFAULT": {
            "enabled_backends": f"{backend.name}, second:file",
            "show_multiple_locations": True,
            "image_cache_dir": tmp_path,
        },
        "second": second,
    }
    server = Slipway(tmp_path / "slipway", backend, options)
    try:
        record = {"name": "kept", "disk_format": "raw", "container_format": "bare", "protected": True}
        image = requests.post(f"{server.url}/v2/images", json=record, timeout=30).json()["id"]
        namespace = {"namespace": "kept", "visibility": "public", "protected": True}
        made = requests.post(f"{server.url}/v2/metadefs/namespaces", json=namespace, timeout=30)
        assert made.status_code == 201, made.text
        hooks = tmp_path / "hooks.py"
        hooks.write_text(HOOKS, encoding="utf-8")
        settings = tmp_path / "schemathesis.toml"
        names = {"path.image_id": image, "path.store": server.store, "path.namespace": "kept"}
        settings.write_text(
            f"hooks = {json.dumps(str(hooks))}\n[parameters]\n"
            + "".join(f"{json.dumps(name)} = {json.dumps(value)}\n" for name, value in names.items()),
            encoding="utf-8",
        )
        done = subprocess.run(
            [*tool("schemathesis"), "--config-file", settings, "run", DESCRIPTION, "--url", server.url]
            + ["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES)]
            + ["--generation-deterministic", "--no-color", "--warnings", "off"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-4000:]
    finally:
        server.child.stop()
