"""URLs of objects, taken apart.

vsphere://SERVER/folder/PATH?dcPath=DC&dsName=DS&object=ID
    Where slipway keeps the bytes: Nova and Cinder have vCenter copy that file. They read `dcPath` and
    `dsName` and pass over `object`, which is ours: slipway names files in its own way.
slipway://STORE/ID
    An object that has no such place, as in a store of slipway's that is a local folder.
"""

from __future__ import annotations

import re
import urllib.parse

SCHEMES = ("slipway", "vsphere")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def is_object_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def own_url(store: str, object_id: str) -> str:
    return f"{url_prefix(store)}{object_id}"


def named(url: str, object_id: str) -> str:
    """slipway's URL of a file, with the object that it belongs to."""
    return f"{url}&object={object_id}"


def url_prefix(store: str) -> str:
    return f"slipway://{urllib.parse.quote(store, safe='')}/"


def object_id_of(url: str) -> str:
    """The id in a URL of either form; a ValueError for any other."""
    parts = urllib.parse.urlsplit(url)
    folders, _, name = parts.path.rpartition("/")
    if parts.scheme == "slipway":
        if parts.netloc and not folders and is_object_id(name):
            return name
    elif parts.scheme == "vsphere":
        query = urllib.parse.parse_qs(parts.query)
        objects = query.get("object", [])
        if (
            len(objects) == 1
            and is_object_id(objects[0])
            and f"{folders}/".startswith("/folder/")
            and {"dcPath", "dsName"} <= query.keys()
        ):
            return objects[0]
    raise ValueError("not the location of an object in slipway")
