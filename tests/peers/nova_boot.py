"""Boot one VM with Nova's unmodified VMwareVCDriver.

    build/venvs/compute/bin/python tests/peers/nova_boot.py --image-id ID --image-url URL
        --vcenter-host H --vcenter-port P --vcenter-user U --vcenter-password W --cluster C

What runs is the installed Nova: `VMwareVCDriver.spawn` with its vmops, image cache, Glance client and
oslo.vmware session. The image record goes through Nova's Glance client into an ImageMeta, as the
compute manager does it. Nothing of nova.virt.vmwareapi, nova.image.glance or oslo_vmware is patched.

What stands outside the driver and is replaced:

* Keystone: the request context carries a fixed token, and `[glance] endpoint_override` names the endpoint,
  which Nova then uses as it is.
* the message bus: `transport_url = fake://`. The driver makes clients for the compute API when it is
  constructed and sends nothing through them.
* the database: the Instance and its Flavor are built in memory and never saved.
* Neutron: the instance has no network interfaces.
* VNC: switched off in the configuration; there is no console to reach.
"""

from __future__ import annotations

from nova import monkey_patch

monkey_patch.patch(backend="threading")  # as nova-compute does, before anything else is imported

import argparse  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import uuid  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import driver_run  # noqa: E402


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Boot one VM with Nova's VMwareVCDriver.")
    driver_run.add_common_options(parser)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--image-id")
    what.add_argument(
        "--serve",
        action="store_true",
        help="boot for each line of standard input; lines may set image_id, root_gb, cache_prefix",
    )
    parser.add_argument("--root-gb", type=int, default=1, help="root disk of the flavor; 0: as the image")
    parser.add_argument("--full-clone", action="store_true", help="use_linked_clone = false")
    parser.add_argument("--cache-prefix", help="[vmware] cache_prefix")
    parser.add_argument("--my-ip", default="192.0.2.10", help="part of the cache folder without a prefix")
    return parser.parse_args()


def configuration(options: argparse.Namespace, work: Path) -> dict[str, driver_run.Section]:
    return {
        "DEFAULT": {
            "compute_driver": "vmwareapi.VMwareVCDriver",
            "my_ip": options.my_ip,
            "state_path": work,
            "transport_url": "fake://",
            "debug": options.debug,
            "use_stderr": True,
        },
        "vmware": {
            "host_ip": options.vcenter_host,
            "host_port": options.vcenter_port,
            "host_username": options.vcenter_user,
            "host_password": options.vcenter_password,
            "ca_file": options.vcenter_ca,
            "insecure": options.vcenter_ca is None,
            "cluster_name": options.cluster,
            "datastore_regex": options.datastore_regex,
            "cache_prefix": options.cache_prefix,
            "use_linked_clone": not options.full_clone,
            "task_poll_interval": 0.1,
            "api_retry_count": 2,
        },
        "glance": {"endpoint_override": options.image_url, "num_retries": 0},
        "oslo_concurrency": {"lock_path": work},
        "vnc": {"enabled": False},
    }


def boot(options: argparse.Namespace) -> dict[str, Any]:
    """Spawn, then read the VM back through the driver's own session."""
    # The driver takes its defaults from the configuration while it is imported.
    from nova import context, objects
    from nova.compute import power_state, task_states, vm_states
    from nova.conf import CONF
    from nova.image import glance
    from nova.virt import virtapi
    from nova.virt.vmwareapi import driver, vm_util
    from oslo_vmware import vim_util

    objects.register_all()
    CONF.set_override("cache_prefix", options.cache_prefix, "vmware")
    request = context.RequestContext(
        user_id="peer-user", project_id="peer-project", auth_token=options.token, is_admin=False
    )
    image = glance.API().get(request, options.image_id)
    vm = instance(objects, request, options, image)
    vm.power_state, vm.vm_state, vm.task_state = (
        power_state.NOSTATE,
        vm_states.BUILDING,
        task_states.SPAWNING,
    )

    compute = driver.VMwareVCDriver(virtapi.VirtAPI())
    compute.init_host("peer")
    compute.spawn(
        request,
        vm,
        objects.ImageMeta.from_dict(image),
        injected_files=[],
        admin_password=None,
        allocations={},
        network_info=[],
        block_device_info={},
    )
    session = compute._session
    reference = vm_util.get_vm_ref(session, vm)
    devices, path = (
        session._call_method(vim_util, "get_object_property", reference, name)
        for name in ("config.hardware.device", "config.files.vmPathName")
    )
    info = compute.get_info(vm)
    compute.cleanup_host("peer")
    return {
        "vm": {
            "uuid": vm.uuid,
            "moref": vim_util.get_moref_value(reference),
            "path": str(path),
            "running": info.state == power_state.RUNNING,
        },
        "disks": driver_run.disks_of(devices),
    }


def instance(objects: Any, request: Any, options: argparse.Namespace, image: dict[str, Any]) -> Any:
    """What the compute manager would have loaded from the database."""
    from nova import utils

    flavor = objects.Flavor(
        id=1,
        name="peer",
        flavorid="peer",
        memory_mb=512,
        vcpus=1,
        root_gb=options.root_gb,
        ephemeral_gb=0,
        swap=0,
        rxtx_factor=1.0,
        vcpu_weight=0,
        disabled=False,
        is_public=True,
        extra_specs={},
    )
    return objects.Instance(
        request,
        id=1,
        uuid=str(uuid.uuid4()),
        display_name="peer",
        hostname="peer",
        host="peer",
        node="peer",
        project_id=request.project_id,
        user_id=request.user_id,
        image_ref=options.image_id,
        flavor=flavor,
        vcpus=flavor.vcpus,
        memory_mb=flavor.memory_mb,
        root_gb=flavor.root_gb,
        ephemeral_gb=0,
        metadata={},
        system_metadata=utils.get_system_metadata_from_image(image),
        config_drive="",
        launched_at=None,
        numa_topology=None,
        pci_requests=None,
        vcpu_model=None,
        trusted_certs=None,
        info_cache=None,
    )


def main() -> int:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="nova-boot-") as folder:
        work = Path(folder)
        path = driver_run.write_config(work / "nova.conf", configuration(options, work))
        from nova import config
        from oslo_log import log

        config.parse_args(["nova-compute", "--config-file", str(path)], configure_db=False)
        log.setup(config.CONF, "nova")
        if options.serve:
            return driver_run.serve(options, boot)
        return driver_run.report(lambda: boot(options))


if __name__ == "__main__":
    sys.exit(main())
