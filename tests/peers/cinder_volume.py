"""Make a volume from an image, and an image from a volume, with Cinder's unmodified vmdk driver.

    build/venvs/compute/bin/python tests/peers/cinder_volume.py create --state DIR --image-id ID ...
    build/venvs/compute/bin/python tests/peers/cinder_volume.py upload --state DIR --volume-id ID ...
    build/venvs/compute/bin/python tests/peers/cinder_volume.py serve --state DIR ...

What runs is the installed Cinder: its VolumeManager with VMwareVcVmdkDriver as configured backend. `create`
goes through the manager's create flow (the image's location and metadata by Cinder's Glance client, then
the driver), `upload` through the manager's copy_volume_to_image. The catalogue of volumes is Cinder's own,
an SQLite file under `--state`, so that a later `upload` finds what `create` made. Nothing is patched.

What stands outside the volume service and is replaced:

* Keystone: the request context carries a fixed token, and `glance_api_servers` names the endpoint.
* the message bus: `transport_url = fake://`; reports to the scheduler go nowhere.
* Cinder's API service: the rows that it would have made (the volume, before `create`) and the one
  request it sends to the image service (the record, before `upload`) are made here.
* the scheduler: the volume's host is this backend.
"""

from __future__ import annotations

from cinder import monkey_patch

monkey_patch.patch()  # as cinder-volume does, before anything else is imported

import argparse  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import driver_run  # noqa: E402

BACKEND = "vmdk"
HOST = f"peer@{BACKEND}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Drive Cinder's vmdk driver.")
    common = argparse.ArgumentParser(add_help=False)
    driver_run.add_common_options(common)
    common.add_argument("--state", type=Path, required=True, help="folder of Cinder's database")
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", parents=[common], help="make a volume from an image")
    create.add_argument("--image-id", required=True)
    create.add_argument("--size-gb", type=int, default=1)
    upload = commands.add_parser("upload", parents=[common], help="make an image from a volume")
    upload.add_argument("--volume-id", required=True)
    upload.add_argument("--name", default="from-volume")
    serve = commands.add_parser("serve", parents=[common], help="do so for each line of standard input")
    serve.set_defaults(size_gb=1, name="from-volume")
    return parser.parse_args()


def configuration(options: argparse.Namespace) -> dict[str, driver_run.Section]:
    return {
        "DEFAULT": {
            "debug": options.debug,
            "use_stderr": True,
            "enabled_backends": BACKEND,
            "glance_api_servers": options.image_url,
            "glance_num_retries": 0,
            "host": "peer",
            "reinit_driver_count": 0,
            "state_path": options.state,
            "transport_url": "fake://",
        },
        BACKEND: {
            "volume_driver": "cinder.volume.drivers.vmware.vmdk.VMwareVcVmdkDriver",
            "volume_backend_name": BACKEND,
            "vmware_host_ip": options.vcenter_host,
            "vmware_host_port": options.vcenter_port,
            "vmware_host_username": options.vcenter_user,
            "vmware_host_password": options.vcenter_password,
            "vmware_ca_file": options.vcenter_ca,
            "vmware_insecure": options.vcenter_ca is None,
            "vmware_cluster_name": options.cluster,
            "vmware_datastore_regex": options.datastore_regex,
            "vmware_task_poll_interval": 0.1,
            "vmware_tmp_dir": options.state,
        },
        "coordination": {"backend_url": f"file://{options.state / 'coordination'}"},
        "database": {"connection": f"sqlite:///{options.state / 'cinder.sqlite'}"},
        "oslo_concurrency": {"lock_path": options.state / "locks"},
    }


def create(options: argparse.Namespace, manager: Any, request: Any) -> dict[str, Any]:
    """Run the volume manager's create flow for a new row."""
    from cinder import objects
    from cinder.volume import volume_types

    volume = objects.Volume(
        request,
        size=options.size_gb,
        status="creating",
        attach_status="detached",
        host=f"{HOST}#{BACKEND}",
        display_name="peer",
        project_id=request.project_id,
        user_id=request.user_id,
        availability_zone="nova",
        volume_type_id=volume_types.get_default_volume_type(request)["id"],
        use_quota=False,
    )
    volume.create()
    spec = objects.RequestSpec(volume_id=volume.id, image_id=options.image_id)
    manager.create_volume(request, volume, request_spec=spec, allow_reschedule=False)
    volume.refresh()
    return {"volume": {"id": volume.id, "status": volume.status}, **backing(manager, volume)}


def upload(options: argparse.Namespace, manager: Any, request: Any) -> dict[str, Any]:
    """Create the image record as Cinder's API does, then let the manager fill it."""
    from cinder import objects
    from cinder.image import glance

    volume = objects.Volume.get_by_id(request, options.volume_id)
    images = glance.get_default_image_service()
    record = {"name": options.name, "disk_format": "vmdk", "container_format": "bare"}
    image = images.create(request, record)
    manager.copy_volume_to_image(request, volume.id, image)
    image = images.show(request, image["id"])
    return {
        "image": {name: image[name] for name in ("id", "status", "size", "disk_format")},
        **backing(manager, volume),
    }


def backing(manager: Any, volume: Any) -> dict[str, Any]:
    """The volume's shadow VM and its disk, read through the driver's own session."""
    from oslo_vmware import vim_util

    driver = manager.driver
    reference = driver.volumeops.get_backing(volume.name, volume.id)
    devices = driver.session.invoke_api(
        vim_util, "get_object_property", driver.session.vim, reference, "config.hardware.device"
    )
    return {
        "vm": {"moref": vim_util.get_moref_value(reference)},
        "disks": driver_run.disks_of(devices),
    }


def start() -> Any:
    """The volume service's manager, in this process."""
    from cinder import coordination
    from cinder.volume import manager as volume_manager

    coordination.COORDINATOR.start()
    manager = volume_manager.VolumeManager(host=HOST, service_name=BACKEND)
    manager.init_host(service_id=1)
    if not manager.driver.initialized:
        raise RuntimeError("the driver did not start, see the log above")
    return manager


def run(options: argparse.Namespace, manager: Any) -> dict[str, Any]:
    """Hand the manager one request."""
    from cinder import context

    request = context.RequestContext(
        user_id="peer-user",
        project_id="peer-project",
        auth_token=options.token,
        is_admin=False,
        overwrite=False,
    )
    action = create if options.command == "create" else upload
    return action(options, manager, request)


def configure(options: argparse.Namespace) -> None:
    """What the start script of cinder-volume does, and the database that an operator has made before."""
    from cinder import objects, rpc, service, version  # noqa: F401  (service registers options)
    from cinder.common import config  # noqa: F401  (registers the global options)
    from cinder.db import migration
    from oslo_config import cfg
    from oslo_log import log

    options.state.mkdir(parents=True, exist_ok=True)
    path = driver_run.write_config(options.state / "cinder.conf", configuration(options))
    objects.register_all()
    log.register_options(cfg.CONF)
    cfg.CONF(["--config-file", str(path)], project="cinder", version=version.version_string())
    log.setup(cfg.CONF, "cinder")
    rpc.init(cfg.CONF)
    migration.db_sync()


def main() -> int:
    options = arguments()
    options.state = options.state.resolve()
    configure(options)
    if options.command == "serve":
        manager = start()
        return driver_run.serve(options, lambda request: run(request, manager))
    return driver_run.report(lambda: run(options, start()))


if __name__ == "__main__":
    sys.exit(main())
