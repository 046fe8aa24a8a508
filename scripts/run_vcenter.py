#!/usr/bin/env python3
"""Serve on a datastore of a simulated vCenter, until interrupted. For `./dev run --vcenter`.

The ports are 9292 and 9294, or what slipway's own environment variables say.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "peers"))

import harness  # noqa: E402


def lines_to_paste(url: str, datacenter: str, datastore: str) -> list[str]:
    """What a shell runs as it stands, once the client is on its path; tests/e2e does so."""
    client = f"openstack --os-auth-type none --os-endpoint {url} image"
    slipway = shlex.quote(str(harness.slipway_binary()))
    return [
        "seq 200000 > try.raw",
        f"{client} create --disk-format raw --container-format bare --file try.raw try",
        f"{client} list",
        f"{client} save --file copy.raw try",
        "cmp try.raw copy.raw && echo equal",
        f'{slipway} clone --url {url} "$({client} show -f value -c id try)"'
        f" --datacenter {shlex.quote(datacenter)} --datastore {shlex.quote(datastore)} --path vm7/vm7.vmdk",
        f"{client} delete try",
    ]


def describe(vcenter: harness.VCenter, slipway: harness.Slipway) -> None:
    print(f"slipway     {slipway.url}  (no authentication: for development, loopback only)")
    print(f"services    {slipway.service_url}  (what Nova and Cinder are shown)")
    print(f"vCenter     {vcenter.greeting['url']}  user '{vcenter.USER}', password '{vcenter.PASSWORD}'")
    folder = vcenter.folders[vcenter.datastore]
    print(f"datastore   [{vcenter.datastore}] in {vcenter.datacenter['path']}, {folder}")
    print(f"log         {slipway.child.log}")
    print("\nThe stock client, in the folder of slipway's sources:")
    print('  PATH="$(tests/peers/venvs.py clients)/bin:$PATH"')
    print("\nUpload, list, download, compare, clone:")
    datacenter = vcenter.datacenter["path"].strip("/")
    for line in lines_to_paste(slipway.url, datacenter, vcenter.compute_datastore):
        print(f"  {line}")
    sys.stdout.flush()


def wait(children: list[harness.Child]) -> None:
    """Until a child ends, which is an error that shows its log."""
    while True:
        for child in children:
            if child.process.poll() is not None:
                status = child.process.returncode
                raise SystemExit(f"run: {child.log.stem} ended (status {status}):\n{child.tail()}")
        time.sleep(0.2)


def main() -> None:
    ports = (
        int(os.environ.get("OS_DEFAULT__BIND_PORT", "9292")),
        int(os.environ.get("OS_SERVICE_API__BIND_PORT", "9294")),
    )
    with tempfile.TemporaryDirectory(prefix="slipway-vcenter-") as folder:
        vcenter = harness.VCenter(Path(folder) / "vcenter", drivers=False)
        try:
            slipway = harness.Slipway(Path(folder) / "slipway", harness.vcenter_backend(vcenter), ports=ports)
            try:
                describe(vcenter, slipway)
                wait([slipway.child, vcenter.child])
            except KeyboardInterrupt:
                pass
            finally:
                slipway.stop()
        finally:
            vcenter.stop()


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupt)
    main()
