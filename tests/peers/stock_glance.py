"""A stock Glance of the newest release, with slipway's driver as its stores.

It serves under uWSGI, as Glance asks for. Keystone's middleware is replaced by glance_identity.py. The
driver is installed by pip from plugins/glance_store into a folder beside the environment `glance`, so that
the environment stays as its lock says.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import harness
import venvs
from driver_run import Section, write_config

PLUGIN = harness.ROOT / "plugins" / "glance_store"
START_SECONDS = 300.0  # a busy machine loads Glance slowly


class StockGlance:
    """One glance-api on free ports of the loopback interface, on an SQLite file."""

    ENVIRONMENT: Mapping[str, str] = {}

    def __init__(self, work: Path, backends: Mapping[str, Section]) -> None:
        """`backends`: options of the stores by name; the first is the default."""
        work.mkdir(parents=True, exist_ok=True)
        self._bin = venvs.ensure("glance", harness.ROOT / "build" / "venvs") / "bin"
        self._environment = {
            **os.environ,
            "PATH": f"{self._bin}:{os.environ['PATH']}",
            "PYTHONPATH": str(self._install_driver(work)),
            "OS_GLANCE_CONFIG_DIR": str(work),
            **self.ENVIRONMENT,
        }
        self.url = f"http://127.0.0.1:{harness.free_port()}"
        self.config = write_config(work / "glance-api.conf", self._configuration(work, backends))
        self.config.chmod(0o600)
        self._manage(self.config, "db_sync")
        self.child = harness.Child(
            [self._bin / "uwsgi", "--ini", self._uwsgi(work)],
            work / "uwsgi.log",
            environment=self._environment,
        )
        self.log = work / "glance.log"
        try:
            harness.wait_until_healthy(self.child, self.url, START_SECONDS)
        except harness.HarnessError:
            self.stop()
            raise

    def stop(self) -> None:
        self.child.stop()

    def _configuration(self, work: Path, backends: Mapping[str, Section]) -> dict[str, Section]:
        return {
            "DEFAULT": {
                "log_file": work / "glance.log",
                "enabled_backends": ",".join(f"{name}:slipway" for name in backends),
                "enabled_import_methods": "[glance-direct,copy-image]",
                "show_image_direct_url": True,
                "worker_self_reference_url": self.url,
                "transport_url": "fake://",
            },
            "database": {"connection": f"sqlite:///{work / 'glance.sqlite'}"},
            "glance_store": {"default_backend": next(iter(backends))},
            **backends,
            "os_glance_staging_store": {"filesystem_store_datadir": _folder(work / "staging")},
            "os_glance_tasks_store": {"filesystem_store_datadir": _folder(work / "tasks")},
            "oslo_concurrency": {"lock_path": _folder(work / "lock")},
            "paste_deploy": {"flavor": "keystone", "config_file": self._pipeline(work)},
            "wsgi": {"python_interpreter": self._bin / "python3", "task_pool_threads": 4},
        }

    def _uwsgi(self, work: Path) -> Path:
        """One process keeps SQLite simple."""
        options = {**uwsgi_options(self.url), "processes": 1, "threads": 4}
        return write_config(work / "uwsgi.ini", {"uwsgi": options})

    def _pipeline(self, work: Path) -> Path:
        """Glance's own, with another filter under the name of Keystone's."""
        text = (self._bin.parent / "etc" / "glance" / "glance-api-paste.ini").read_text(encoding="utf-8")
        replaced = text.replace(
            "keystonemiddleware.auth_token:filter_factory", "glance_identity:filter_factory"
        )
        if replaced == text:
            raise harness.HarnessError("Glance's pipeline has no filter of keystonemiddleware any more")
        path = work / "glance-api-paste.ini"
        path.write_text(replaced, encoding="utf-8")
        return path

    def _install_driver(self, work: Path) -> Path:
        """From a copy: building leaves files beside the sources."""
        source = shutil.copytree(PLUGIN, work / "driver-source", ignore=shutil.ignore_patterns("tests"))
        install = [str(self._bin / "pip"), "install", "--quiet", "--no-deps", "--no-build-isolation"]
        subprocess.run([*install, "--target", str(work / "driver"), str(source)], check=True)
        shutil.copy(harness.PEERS / "glance_identity.py", work / "driver")
        return work / "driver"

    def _manage(self, config: Path, *arguments: str) -> None:
        command = [str(self._bin / "glance-manage"), "--config-file", str(config), *arguments]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise harness.HarnessError(f"glance-manage {' '.join(arguments)} failed:\n{done.stderr[-4000:]}")


def uwsgi_options(url: str) -> Section:
    """A glance-api at `url`. The router passes bodies of unknown length on as they come."""
    return {
        "module": "glance.wsgi.api:application",
        "http": url.removeprefix("http://"),
        "socket": f"127.0.0.1:{harness.free_port()}",
        "http-chunked-input": "true",
        "http-auto-chunked": "true",
        "http-raw-body": "true",
        "http-timeout": 900,
        "socket-timeout": 900,
        "chunked-input-timeout": 900,
        "chunked-input-limit": 8 << 20,  # the client sends chunks of 1 MiB, just above the default
        "add-header": "Connection: close",
        "buffer-size": 65535,
        "master": "true",
        "enable-threads": "true",
        "lazy-apps": "true",
        "die-on-term": "true",
    }


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path
