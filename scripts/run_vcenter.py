#!/usr/bin/env python3
"""Serve on a datastore of a simulated vCenter, until interrupted. For `./dev run --vcenter`."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "peers"))

import harness  # noqa: E402


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="slipway-vcenter-") as folder:
        vcenter = harness.VCenter(Path(folder) / "vcenter", drivers=False)
        backend = harness.vcenter_backend(vcenter)
        slipway = harness.Slipway(Path(folder) / "slipway", backend, ports=(9292, 9294))
        os_command = f"openstack --os-auth-type none --os-endpoint {slipway.url}"
        print(f"slipway     {slipway.url}  (no authentication: for development, loopback only)")
        print(f"services    {slipway.service_url}  (what Nova and Cinder are shown)")
        print(f"vCenter     {vcenter.greeting['url']}  user '{vcenter.USER}', password '{vcenter.PASSWORD}'")
        print(f"datastore   [{vcenter.datastore}] in {vcenter.datacenter['path']}, {vcenter.folders[vcenter.datastore]}")
        print(f"log         {slipway.child.log}")
        print()
        print(f"{os_command} image list")
        print(f"{os_command} image create --disk-format raw --container-format bare --file DISK NAME")
        print(f"{os_command} image save --file COPY NAME")
        sys.stdout.flush()
        try:
            signal.pause()
        except KeyboardInterrupt:
            pass
        finally:
            slipway.stop()
            vcenter.stop()


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupt)
    main()
