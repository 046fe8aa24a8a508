"""What nova_boot.py and cinder_volume.py share: their options, their configuration file, their answer.

Both run in the environment `compute`, print one JSON object on standard output and log to standard
error. The exit status is 0 when the driver did what it was asked, 1 when it raised. Told to `serve`, they
answer each line of standard input, a JSON object with options, by one line, until it is closed.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Section = Mapping[str, object]


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """The far sides: a vCenter and an image endpoint."""
    vcenter = parser.add_argument_group("vCenter")
    vcenter.add_argument("--vcenter-host", required=True)
    vcenter.add_argument("--vcenter-port", type=int, default=443)
    vcenter.add_argument("--vcenter-user", required=True)
    vcenter.add_argument("--vcenter-password", required=True)
    vcenter.add_argument("--vcenter-ca", type=Path, help="CA file (default: the certificate is not checked)")
    vcenter.add_argument("--cluster", required=True, help="name of the compute cluster")
    vcenter.add_argument("--datastore-regex", help="datastores the driver may use (default: all)")
    image = parser.add_argument_group("image service")
    image.add_argument("--image-url", required=True, help="endpoint without /v2")
    image.add_argument("--token", default="x", help="sent as X-Auth-Token; there is no Keystone here")
    parser.add_argument("--debug", action="store_true", help="log the driver's debug messages")


def write_config(path: Path, sections: Mapping[str, Section]) -> Path:
    """An INI file as oslo.config reads it; None leaves an option out, a list repeats it."""
    lines: list[str] = []
    for name, options in sections.items():
        lines.append(f"[{name}]")
        for option, value in options.items():
            values = value if isinstance(value, list) else [] if value is None else [value]
            lines += [f"{option} = {entry}" for entry in values]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def report(action: Callable[[], dict[str, Any]]) -> int:
    """Run `action`, print what it returned or what it raised, and say how long it took."""
    started = time.monotonic()
    try:
        answer = {"ok": True, "error": None, "fault": None, **action()}
    except Exception as error:  # whatever a driver raises is the result
        traceback.print_exc()
        answer = {"ok": False, "error": f"{type(error).__name__}: {error}", "fault": fault_of(error)}
    answer["seconds"] = round(time.monotonic() - started, 3)
    print(json.dumps(answer), flush=True)
    return 0 if answer["ok"] else 1


def serve(options: argparse.Namespace, action: Callable[[argparse.Namespace], dict[str, Any]]) -> int:
    """Say that we are ready, then run `action` for each line of standard input.

    What the line names replaces the `options`.
    """
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        request = argparse.Namespace(**{**vars(options), **json.loads(line)})
        report(functools.partial(action, request))
    return 0


def fault_of(error: BaseException) -> str | None:
    """The vSphere fault behind an exception of oslo.vmware, if there is one."""
    cause: BaseException | None = error
    while cause is not None:
        faults = getattr(cause, "fault_list", None)
        if faults:
            return str(faults[0])
        if type(cause).__module__ == "oslo_vmware.exceptions":
            return type(cause).__name__.removesuffix("Exception")
        cause = cause.__cause__ or cause.__context__
    return None


def disks_of(devices: Any) -> list[dict[str, Any]]:
    """File, parent and capacity of the virtual disks among a VM's devices."""
    disks = []
    for device in getattr(devices, "VirtualDevice", devices):
        if type(device).__name__ != "VirtualDisk":
            continue
        parent = getattr(device.backing, "parent", None)
        disks.append(
            {
                "file": str(device.backing.fileName),
                "parent": str(parent.fileName) if parent else None,
                "capacity_bytes": int(device.capacityInKB) * 1024,
            }
        )
    return disks
