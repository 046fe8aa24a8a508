"""Locations are read strictly: a wrong id would be another image."""

from __future__ import annotations

import pytest
from slipway_glance_store.location import named, object_id_of, own_url

ID = "961973d8-3360-4364-919e-2c197825dbb4"
QUERY = "?dcPath=DC0&dsName=images"
FILE = "vsphere://vc.example/folder/openstack_glance/a.00112233aabbccdd/a.vmdk"


@pytest.mark.parametrize("query", [QUERY, "?dsName=a+b%20c&dcPath=folder%2FDC0"])
def test_the_query_names_the_object(query: str) -> None:
    url = named(FILE + query, ID)
    assert url == f"{FILE}{query}&object={ID}"
    assert object_id_of(url) == ID


def test_our_own_form_is_read_back() -> None:
    assert own_url("fast store", ID) == f"slipway://fast%20store/{ID}"
    assert object_id_of(own_url("fast store", ID)) == ID


@pytest.mark.parametrize(
    "url",
    [
        "",
        f"file:///images/{ID}",
        f"vsphere://vc.example/a.vmdk{QUERY}&object={ID}",
        f"vsphere://vc.example/folders/a.vmdk{QUERY}&object={ID}",
        f"{FILE}?object={ID}",
        f"{FILE}?dcPath=DC0&object={ID}",
        f"{FILE}?dsName=images&object={ID}",
        f"{FILE}{QUERY}",
        f"{FILE}{QUERY}&object=",
        f"{FILE}{QUERY}&object=other",
        f"{FILE}{QUERY}&object={ID}x",
        f"{FILE}{QUERY}&object={ID.upper()}",
        f"{FILE}{QUERY}&object={ID}&object={ID}",
        f"slipway:///{ID}",
        f"slipway://fast/deeper/{ID}",
        f"slipway://fast/{ID}.vmdk",
        "slipway://fast/",
        "slipway://fast",
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not the location"):
        object_id_of(url)
