"""The tests that glance_store ships for drivers, on this driver.

They were written for single stores that are loaded by a list of built-in names, and for a cloud that is
described in clouds.yaml; what they ask for on the way is provided here.
"""

from __future__ import annotations

import unittest.mock
from typing import Any

import glance_store
import testtools
from fake_slipway import FakeSlipway
from glance_store import exceptions, location
from glance_store.tests import base, utils
from glance_store.tests.functional import base as functional
from glance_store.tests.unit import test_store_capabilities
from oslo_config import cfg

BACKENDS = {"fast": "slipway", "bulk": "slipway"}


def load(test: Any, conf: cfg.ConfigOpts) -> Any:
    """Both backends on a fresh server; the driver of `fast`."""
    server = FakeSlipway()
    test.addCleanup(server.close)
    conf(args=[])
    conf.register_opt(cfg.DictOpt("enabled_backends"))
    conf.set_override("enabled_backends", BACKENDS)
    glance_store.register_store_opts(conf)
    for backend in BACKENDS:
        conf.set_override("slipway_url", server.url, backend)
        conf.set_override("slipway_store", backend, backend)
    patch = unittest.mock.patch.object(location, "SCHEME_TO_CLS_BACKEND_MAP", {})
    patch.start()
    test.addCleanup(patch.stop)
    test.addCleanup(conf.reset)
    glance_store.create_multi_stores(conf)
    return location.SCHEME_TO_CLS_BACKEND_MAP["slipway"]["fast"]["store"]


class TestMultiStore(base.MultiStoreBaseTest, test_store_capabilities.TestStoreCapabilitiesChecking):
    """The base of the drivers' tests with several backends, and the checks of capabilities."""

    _CONF = cfg.ConfigOpts()

    def setUp(self) -> None:
        super().setUp()
        self.conf = self._CONF
        self.store = load(self, self.conf)

    def test_every_scheme_leads_to_its_backend(self) -> None:
        for scheme in ("slipway", "vsphere"):
            assert set(location.SCHEME_TO_CLS_BACKEND_MAP[scheme]) == set(BACKENDS)

    def test_generated_data_is_stored(self) -> None:
        size = 5 << 20
        image = utils.FakeData(size)
        stored = self.store.add(functional.UUID1, image, size, "sha256")
        assert stored[1] == size

    def test_a_backend_that_is_not_configured_is_unknown(self) -> None:
        uri = f"slipway://fast/{functional.UUID1}"
        self.assertRaises(
            exceptions.UnknownScheme,
            location.get_location_from_uri_and_backend,
            uri,
            "slow",
            conf=self.conf,
        )


class TestDriver(functional.BaseFunctionalTests):
    """What every driver has to pass: add, get, get_size, delete."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        testtools.TestCase.__init__(self, *args, **kwargs)  # not that of Base, which reads clouds.yaml

    def setUp(self) -> None:
        testtools.TestCase.setUp(self)  # nor this, which loads a built-in driver
        self.store = load(self, cfg.ConfigOpts())
        by_scheme = {
            scheme: {"store": self.store, "location_class": backends["fast"]["location_class"]}
            for scheme, backends in location.SCHEME_TO_CLS_BACKEND_MAP.items()
        }
        patch = unittest.mock.patch.object(location, "SCHEME_TO_CLS_MAP", by_scheme)
        patch.start()
        self.addCleanup(patch.stop)
