"""The real Glance, to judge the judges by: two workers on one MariaDB, as an operator would run them.

`sections` are the same as slipway gets. What Glance needs beside them is added here: it serves under uWSGI,
and its pipeline is a file.
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
from harness import Child
from stock_glance import START_SECONDS, uwsgi_options


class ControlGlance:
    """One worker at `url`. The first one on a database prepares it."""

    def __init__(self, work: Path, url: str, sections: Mapping[str, Section], *, first: bool) -> None:
        work.mkdir(parents=True, exist_ok=True)
        environments = harness.ROOT / "build" / "venvs"
        self._bin = venvs.ensure("glance", environments) / "bin"
        self._environment = {
            "PATH": f"{self._bin}:{os.environ['PATH']}",
            "PYTHONPATH": str(venvs.ensure_libraries("glance", environments)),  # MariaDB's driver
            "OS_GLANCE_CONFIG_DIR": str(work),
        }
        samples = self._bin.parent / "etc" / "glance"
        pipeline = shutil.copy(samples / "glance-api-paste.ini", work)
        (work / "lock").mkdir(exist_ok=True)
        config = write_config(
            work / "glance-api.conf",
            {
                **sections,
                "DEFAULT": {
                    **sections["DEFAULT"],
                    "log_file": work / "glance.log",
                    "transport_url": "fake://",
                },
                "oslo_concurrency": {"lock_path": work / "lock"},
                "paste_deploy": {"flavor": "keystone+cachemanagement", "config_file": pipeline},
                "wsgi": {"python_interpreter": self._bin / "python3", "task_pool_threads": 8},
            },
        )
        config.chmod(0o600)
        if first:
            self._manage(config, "db_sync")
            self._manage(config, "db_load_metadefs", str(samples / "metadefs"))
        options = {**uwsgi_options(url), "processes": 2, "threads": 1}
        self.child = Child(
            [self._bin / "uwsgi", "--ini", write_config(work / "uwsgi.ini", {"uwsgi": options})],
            work / "uwsgi.log",
            environment=self._environment,
        )
        try:
            harness.wait_until_healthy(self.child, url, START_SECONDS)
        except harness.HarnessError:
            self.stop()
            raise

    def stop(self) -> None:
        self.child.stop()

    def _manage(self, config: Path, *arguments: str) -> None:
        command = [str(self._bin / "glance-manage"), "--config-file", str(config), *arguments]
        done = subprocess.run(
            command, env={**os.environ, **self._environment}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise harness.HarnessError(f"glance-manage {arguments[0]} failed:\n{done.stderr[-4000:]}")
