#!/usr/bin/env python3
"""OpenStack's own tests of the Image API: Tempest and its Glance plugin, against slipway or a real Glance.

    ./dev tempest                     both runs against slipway
    ./dev tempest --control           the same against Glance on MariaDB, too
    tests/peers/tempest_run.py --regex 'ImagesTagsTest' --run lenient --keep /tmp/tempest

A cloud is started for each server: Keystone, one SQL server, two workers on it (`image` and `image_remote` in
the catalogue), a web server with two images. Tempest runs twice, since its flags exclude each other:

    strict     content must match the declared format; nobody is believed when he says what a location hashes to
    lenient    the other way round; only the tests that say something new then

Prints a table, each skip with its reason, and the end of each failure. Ends with status 1 when a test failed.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import databases
import disks
import harness
import keystone
import venvs
from control_glance import ControlGlance
from driver_run import Section, write_config

EVERYTHING = r"^(tempest\.(api\.image|scenario\.test_unified_limits)|glance_tempest_plugin\.)"
LENIENT_ONLY = r"^tempest\.api\.image\..*(ListUserImagesTest|secure_hash_false)"
RUN_SECONDS = 3600.0
IMPORT_METHODS = "[glance-direct,web-download,copy-image,glance-download]"


@dataclasses.dataclass(frozen=True)
class Run:
    """One configuration of server and tests."""

    name: str
    regex: str
    strict: bool


RUNS = {run.name: run for run in (Run("strict", EVERYTHING, True), Run("lenient", LENIENT_ONLY, False))}


@dataclasses.dataclass(frozen=True)
class Test:
    """How one test ended; `reason` tells why it was skipped or failed."""

    id: str
    status: str
    reason: str
    seconds: float

    @property
    def name(self) -> str:
        """The id without the attributes that Tempest writes behind it."""
        return self.id.partition("[")[0]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """All tests of one run."""

    server: str
    run: str
    tests: list[Test]
    seconds: float

    def of(self, *statuses: str) -> list[Test]:
        return [test for test in self.tests if test.status in statuses]

    @property
    def failed(self) -> list[Test]:
        return [test for test in self.tests if test.status not in ("success", "xfail", "skip")]


class SlipwayWorkers:
    """Two slipways on one PostgreSQL."""

    name = "slipway"

    def __init__(self, work: Path) -> None:
        self._work = work
        self._stack = ExitStack()
        self.server = databases.Postgres()
        self._stack.callback(self.server.stop)

    def database(self) -> str:
        return self.server.url("slipway")

    def start(self, name: str, url: str, sections: Mapping[str, Section]) -> None:
        work = self._work / name
        work.mkdir()
        where: Section = {"bind_host": "127.0.0.1", "bind_port": url.rpartition(":")[2]}
        config = write_config(
            work / "slipway.conf",
            {
                **sections,
                "DEFAULT": {**sections["DEFAULT"], **where},
                "paste_deploy": {"flavor": "keystone"},
            },
        )
        config.chmod(0o600)
        child = harness.Child(
            [harness.slipway_binary(), "serve", "--config-file", config], work / "slipway.log"
        )
        self._stack.callback(child.stop)
        harness.wait_until_healthy(child, url)

    def stop(self) -> None:
        self._stack.close()


class GlanceWorkers:
    """Two Glances on one MariaDB."""

    name = "glance"

    def __init__(self, work: Path) -> None:
        self._work = work
        self._stack = ExitStack()
        self.server = databases.MariaDb()
        self._stack.callback(self.server.stop)
        self._first = True

    def database(self) -> str:
        return self.server.url("glance")

    def start(self, name: str, url: str, sections: Mapping[str, Section]) -> None:
        worker = ControlGlance(self._work / name, url, sections, first=self._first)
        self._first = False
        self._stack.callback(worker.stop)

    def stop(self) -> None:
        self._stack.close()


SERVERS: Mapping[str, Callable[[Path], SlipwayWorkers | GlanceWorkers]] = {
    "slipway": SlipwayWorkers,
    "glance": GlanceWorkers,
}


class Cloud:
    """Keystone, two workers of an image service and a web server, as one run wants them."""

    def __init__(self, server: str, work: Path, *, strict: bool) -> None:
        work.mkdir(parents=True, exist_ok=True)
        self.strict = strict
        self._stack = ExitStack()
        try:
            self._start(server, work)
        except BaseException:
            self.stop()
            raise

    def _start(self, server: str, work: Path) -> None:
        self.web = self._serve_images(work / "web")
        self.keystone = keystone.Keystone(work / "keystone")
        self._stack.callback(self.keystone.stop)
        urls = [f"http://127.0.0.1:{harness.free_port()}" for _ in range(2)]
        self.url = urls[0]
        self.keystone.publish(*urls)
        workers = SERVERS[server](work)
        self._stack.callback(workers.stop)
        database = workers.database()
        for name, url in zip(("first", "second"), urls, strict=True):
            folder = work / f"{name}-files"
            workers.start(name, url, self._sections(url, database, work / "stores", folder))

    def stop(self) -> None:
        self._stack.close()

    def _sections(self, url: str, database: str, stores: Path, own: Path) -> dict[str, Section]:
        """What Glance and slipway read alike. `stores`: shared by the workers, `own`: of this one."""
        return {
            "DEFAULT": {
                "worker_self_reference_url": url,
                "enabled_backends": "cheap:file, fast:file, web:http",
                "enabled_import_methods": IMPORT_METHODS,
                "show_image_direct_url": True,
                "show_multiple_locations": True,
                "image_cache_dir": _folder(own / "cache"),
                "image_cache_driver": "centralized_db",
                "use_keystone_limits": True,
                "do_secure_hash": self.strict,
            },
            "database": {"connection": database},
            "glance_store": {"default_backend": "cheap"},
            # Tempest compares the stores of an image with a sorted list; servers list them by weight.
            "cheap": {"filesystem_store_datadir": _folder(stores / "cheap"), "weight": 200},
            "fast": {"filesystem_store_datadir": _folder(stores / "fast"), "weight": 100},
            "web": {"store_description": "what others serve"},
            "os_glance_staging_store": {"filesystem_store_datadir": _folder(own / "staging")},
            "os_glance_tasks_store": {"filesystem_store_datadir": _folder(own / "tasks")},
            # Of the random bytes that Tempest uploads as raw, some look like a broken partition table.
            "image_format": {
                "require_image_format_match": self.strict,
                "gpt_safety_checks_nonfatal": "mbr",
            },
            "import_filtering_opts": {
                "allowed_schemes": "[http,https]",
                "allowed_hosts": f"[127.0.0.1,localhost,{_address()}]",
                "allowed_ports": "[]",
            },
            "oslo_policy": {"enforce_scope": True, "enforce_new_defaults": True},
            **self.keystone.server_sections(),
        }

    def _serve_images(self, folder: Path) -> str:
        folder.mkdir(parents=True)
        raw = disks.make_raw(folder / "raw.img", 4 * disks.MIB)
        subprocess.run(
            ["qemu-img", "convert", "-O", "qcow2", raw, folder / "disk.qcow2"], check=True, capture_output=True
        )
        handler = functools.partial(_QuietFiles, directory=str(folder))
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._stack.callback(server.server_close)
        self._stack.callback(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}"

    def configuration(self) -> dict[str, Section]:
        """tempest.conf."""
        return {
            "auth": {
                "use_dynamic_credentials": True,
                "create_isolated_networks": False,
                "admin_username": "admin",
                "admin_password": keystone.PASSWORD,
                "admin_project_name": "admin",
                "admin_domain_name": "Default",
                "admin_system": "all",
            },
            "identity": {
                "auth_version": "v3",
                "uri_v3": self.keystone.auth_url,
                "region": keystone.REGION,
                "v3_endpoint_type": "public",
            },
            "service_available": {
                "glance": True,
                **dict.fromkeys(("nova", "cinder", "neutron", "swift", "horizon"), False),
            },
            "enforce_scope": {"glance": True, "keystone": True},
            "network": {"project_networks_reachable": False},
            "validation": {"run_validation": False},
            "image": {
                "region": keystone.REGION,
                "alternate_image_endpoint": "image_remote",
                "image_caching_enabled": True,
                "http_image": f"{self.web}/raw.img",
                "http_qcow2_image": f"{self.web}/disk.qcow2",
                "container_formats": "bare,ami,ari,aki,ovf,ova,docker,compressed",
                "disk_formats": "qcow2,raw,ami,ari,aki,vhd,vhdx,vmdk,vdi,iso,ploop",
                "build_timeout": 300,
                "build_interval": 1,
            },
            "image-feature-enabled": {
                "import_image": True,
                "os_glance_reserved": True,
                "manage_locations": True,
                "image_conversion": True,
                "image_format_enforcement": self.strict,
                "do_secure_hash": self.strict,
                "http_store_enabled": True,
                "store_weight_enabled": True,
            },
        }


class _QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def run(server: str, which: Run, work: Path, regex: str | None = None) -> Outcome:
    """Start a cloud, run Tempest in it, and tell how each test ended."""
    cloud = Cloud(server, work / "cloud", strict=which.strict)
    try:
        return run_in(cloud, server, which, work, regex)
    finally:
        cloud.stop()


def run_in(cloud: Cloud, server: str, which: Run, work: Path, regex: str | None = None) -> Outcome:
    programs = venvs.ensure("tempest", harness.ROOT / "build" / "venvs") / "bin"
    workspace = work / "workspace"
    registry = ["--workspace-path", str(work / "workspaces.yaml")]
    # HOME: Tempest keeps a list of its workspaces there.
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OS_")},
        "HOME": str(work),
        "PATH": f"{programs}:{os.environ['PATH']}",
    }
    command = functools.partial(
        subprocess.run, env=environment, text=True, capture_output=True, check=False, timeout=RUN_SECONDS
    )
    made = command([programs / "tempest", "init", *registry, str(workspace)])
    if made.returncode:
        raise harness.HarnessError(f"tempest init failed:\n{made.stdout}{made.stderr}")
    write_config(workspace / "etc" / "tempest.conf", cloud.configuration())
    begun = time.monotonic()
    ran = command(
        [programs / "tempest", "run", "--serial", "--regex", regex or which.regex], cwd=workspace
    )
    seconds = time.monotonic() - begun
    (work / "tempest.out").write_text(ran.stdout + ran.stderr, encoding="utf-8")
    stream = command([programs / "stestr", "last", "--subunit"], cwd=workspace, text=False).stdout
    told = subprocess.run(
        [programs / "python", harness.PEERS / "subunit_results.py"],
        input=stream,
        capture_output=True,
        check=True,
    )
    tests = [Test(**json.loads(line)) for line in told.stdout.splitlines()]
    if not tests:
        raise harness.HarnessError(f"tempest ran nothing:\n{ran.stdout[-4000:]}{ran.stderr[-4000:]}")
    return Outcome(server, which.name, tests, seconds)


def print_table(outcomes: list[Outcome]) -> None:
    columns = "{:<10} {:<9} {:>6} {:>7} {:>7} {:>8} {:>8}"
    print(columns.format("server", "run", "tests", "passed", "failed", "skipped", "seconds"))
    for outcome in outcomes:
        counts = (len(outcome.of("success", "xfail")), len(outcome.failed), len(outcome.of("skip")))
        print(
            columns.format(
                outcome.server, outcome.run, len(outcome.tests), *counts, f"{outcome.seconds:.0f}"
            )
        )
    for outcome in outcomes:
        for test in outcome.of("skip"):
            print(f"skipped  {outcome.server} {outcome.run}: {test.name}: {' '.join(test.reason.split())}")
    for outcome in outcomes:
        for test in outcome.failed:
            print(f"FAILED   {outcome.server} {outcome.run}: {test.name}\n{test.reason}")


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _address() -> str:
    """The address that one of the tests serves from: the first that is not loopback. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        address: str = probe.getsockname()[0]
        return address


def main() -> int:
    parser = argparse.ArgumentParser(description="Tempest against slipway, and against Glance.")
    parser.add_argument("--control", action="store_true", help="Glance, too")
    parser.add_argument("--server", choices=sorted(SERVERS), help="only this one")
    parser.add_argument("--run", choices=sorted(RUNS), help="only this run")
    parser.add_argument("--regex", help="only tests whose id it finds")
    parser.add_argument("--keep", type=Path, help="an empty folder for logs and databases, which stay")
    parser.add_argument("--json", type=Path, help="write how each test ended into this file")
    arguments = parser.parse_args()
    servers = [arguments.server] if arguments.server else ["slipway"] + ["glance"] * arguments.control
    runs = [RUNS[arguments.run]] if arguments.run else list(RUNS.values())
    base = arguments.keep or Path(tempfile.mkdtemp(prefix="slipway-tempest-"))
    try:
        outcomes = [
            run(server, which, base / server / which.name, arguments.regex)
            for server in servers
            for which in runs
        ]
    finally:
        if not arguments.keep:
            shutil.rmtree(base, ignore_errors=True)
    print_table(outcomes)
    if arguments.json:
        everything: list[dict[str, Any]] = [dataclasses.asdict(outcome) for outcome in outcomes]
        arguments.json.write_text(json.dumps(everything, indent=1), encoding="utf-8")
    return 1 if any(outcome.failed for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
