"""Horizon's calls for images, made as the dashboard makes them: openstack_dashboard.api.glance, unmodified.

Runs in the environment `horizon`, with a token in the environment variable TOKEN. Stands in: the browser's request,
with a user whose catalogue has one endpoint. Prints one JSON object, see `driver_run.report`.

    horizon_images.py --image-url http://127.0.0.1:9292
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Any

import django
import driver_run
import horizon.defaults
import openstack_auth.defaults
import openstack_dashboard.defaults
from django.conf import settings

PAGE_SIZE = 2
REGION = "RegionOne"
APPS = ["django.contrib.auth", "django.contrib.contenttypes", "openstack_auth"]
ACTIVE_SECONDS = 300.0


def configure() -> None:
    """What Django would read from the dashboard's settings, and small pages."""
    values: dict[str, Any] = {}
    for module in (horizon.defaults, openstack_auth.defaults, openstack_dashboard.defaults):
        values.update({name: getattr(module, name) for name in dir(module) if name.isupper()})
    kinds = {"unauthorized": (), "not_found": (), "recoverable": ()}  # none is shown to a browser here
    values.update(HORIZON_CONFIG={"exceptions": kinds}, API_RESULT_PAGE_SIZE=PAGE_SIZE, INSTALLED_APPS=APPS)
    settings.configure(**values)
    django.setup()


class Token:
    id = os.environ.get("TOKEN", "")


class User:
    """Who is logged in at the dashboard."""

    token = Token()
    services_region = REGION

    def __init__(self, image_url: str) -> None:
        endpoint = {"region_id": REGION, "interface": "public", "url": image_url}
        self.service_catalog = [{"type": "image", "name": "glance", "endpoints": [endpoint]}]


class Request:
    """What the browser sent."""

    def __init__(self, image_url: str) -> None:
        self.user = User(image_url)
        self.session: dict[str, Any] = {}
        self.COOKIES: dict[str, str] = {}
        self.META: dict[str, str] = {}


def flow(image_url: str) -> dict[str, Any]:
    from django.core.files.uploadedfile import SimpleUploadedFile
    from openstack_dashboard.api import glance

    request = Request(image_url)
    made = [
        glance.image_create(
            request,
            name=f"horizon-{number}",
            disk_format="raw",
            container_format="bare",
            visibility="private",
            data=SimpleUploadedFile("disk.raw", bytes([number]) * 4096),
        )
        for number in range(5)
    ]
    _wait_until_active(glance, request, [image.id for image in made])
    names = {"name": "in:" + ",".join(f"horizon-{number}" for number in range(5))}

    def page(**options: Any) -> tuple[list[str], bool, bool]:
        images, more, before = glance.image_list_detailed(
            request, filters=dict(names), paginate=True, sort_key="name", sort_dir="asc", **options
        )
        return [image.name for image in images], more, before

    # Forward by the last of a page, backward by the first of one.
    identity = {image.name: image.id for image in made}
    pages = [page()]
    while pages[-1][1]:
        pages.append(page(marker=identity[pages[-1][0][-1]]))
    back = page(marker=identity[pages[1][0][0]], reversed_order=True)
    updated = glance.image_update(
        request, made[0].id, name="horizon-renamed", protected=False, hw_disk_bus="scsi"
    )
    shown = glance.image_get(request, made[0].id)
    glance.image_deactivate(request, made[1].id)
    glance.image_reactivate(request, made[1].id)
    formats = glance.get_image_formats(request)
    namespaces, _, _ = glance.metadefs_namespace_list(request, paginate=True)
    types = glance.metadefs_resource_types_list(request)
    for image in made:
        glance.image_delete(request, image.id)
    return {
        "pages": pages,
        "back": back,
        "updated": updated.name,
        "properties": shown.properties,
        "size": shown.size,
        "formats": [name for name, _ in formats],
        "namespaces": [namespace.namespace for namespace in namespaces],
        "resource_types": [kind["name"] for kind in types],
        "left": len(glance.image_list_detailed(request, filters=dict(names))[0]),
    }


def _wait_until_active(glance: Any, request: Request, images: list[str]) -> None:
    """The dashboard uploads in a thread of its own."""
    deadline = time.monotonic() + ACTIVE_SECONDS
    while any(glance.image_get(request, image).status != "active" for image in images):
        if time.monotonic() > deadline:
            raise TimeoutError("an upload of the dashboard did not end")
        time.sleep(0.1)


def main() -> int:
    parser = argparse.ArgumentParser(description="Horizon's calls for images.")
    parser.add_argument("--image-url", required=True)
    arguments = parser.parse_args()
    configure()
    return driver_run.report(lambda: flow(arguments.image_url))


if __name__ == "__main__":
    sys.exit(main())
