"""The servers that the tests of the API share. A missing binary is a failure; nothing is skipped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import harness
import pytest
from client import Api
from servers import Slipway, VCenter

BACKENDS = ["local", pytest.param("vcenter", marks=pytest.mark.vcenter)]


@pytest.fixture(scope="session")
def vcenter_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VCenter]:
    server = VCenter(tmp_path_factory.mktemp("vcenter"))
    yield server
    server.stop()


@pytest.fixture
def vcenter(vcenter_server: VCenter) -> Iterator[VCenter]:
    """The simulated vCenter, in order before the test and after it, with an empty journal."""
    vcenter_server.heal()
    vcenter_server.clear_journal()
    yield vcenter_server
    vcenter_server.heal()


@pytest.fixture(scope="session")
def clone_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the local store makes clones."""
    return tmp_path_factory.mktemp("clones")


@pytest.fixture(scope="session")
def local_slipway(tmp_path_factory: pytest.TempPathFactory, clone_root: Path) -> Iterator[Slipway]:
    work = tmp_path_factory.mktemp("slipway-local")
    server = Slipway(work, harness.local_backend(work), {"local": {"clone_root": clone_root}})
    yield server
    server.stop()


@pytest.fixture(scope="session")
def vcenter_slipway(
    tmp_path_factory: pytest.TempPathFactory, vcenter_server: VCenter
) -> Iterator[Slipway]:
    work = tmp_path_factory.mktemp("slipway-vcenter")
    server = Slipway(work, harness.vcenter_backend(vcenter_server))
    yield server
    server.stop()


@pytest.fixture
def api(local_slipway: Slipway) -> Api:
    """Users' listener of a slipway on a local folder, for what does not depend on the store."""
    return Api(local_slipway.url)


@pytest.fixture
def service_api(local_slipway: Slipway) -> Api:
    return Api(local_slipway.service_url)


@pytest.fixture(params=BACKENDS)
def any_slipway(request: pytest.FixtureRequest) -> Slipway:
    """Once per kind of store."""
    server: Slipway = request.getfixturevalue(f"{request.param}_slipway")
    return server


@pytest.fixture
def any_api(any_slipway: Slipway) -> Api:
    return Api(any_slipway.url)
