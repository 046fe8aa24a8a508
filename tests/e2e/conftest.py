"""The servers and disks that the end-to-end tests share.

Nothing here skips: a missing binary, tool or environment makes the tests that need it fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import disks
import harness
import pytest
import venvs
from cli import Glance, OpenStack
from cloud import Cloud
from identity import SilentIdentity

DISK_BYTES = 40 * disks.MIB

BACKENDS = ["local", pytest.param("vcenter", marks=pytest.mark.vcenter)]


@dataclass(frozen=True)
class Disk:
    """A disk image on this machine."""

    path: Path
    size: int
    sha512: str
    md5: str

    @classmethod
    def of(cls, path: Path) -> Disk:
        return cls(path, path.stat().st_size, disks.digest(path), disks.digest(path, "md5"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def raw_disk(tmp_path_factory: pytest.TempPathFactory) -> Disk:
    return Disk.of(disks.make_raw(tmp_path_factory.mktemp("disks") / "disk.raw", DISK_BYTES))


@pytest.fixture(scope="session")
def sparse_vmdk(raw_disk: Disk) -> Disk:
    """The same disk as one hosted sparse file."""
    return Disk.of(disks.make_vmdk(raw_disk.path, raw_disk.path.with_name("sparse.vmdk")))


@pytest.fixture(scope="session")
def vcenter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.VCenter]:
    server = harness.VCenter(tmp_path_factory.mktemp("vcenter"))
    yield server
    server.stop()


def start_slipway(name: str, work: Path, request: pytest.FixtureRequest) -> harness.Slipway:
    """A slipway of its own, on the backend `local` or `vcenter`."""
    if name == "local":
        return harness.Slipway(work, harness.local_backend(work))
    return harness.Slipway(work, harness.vcenter_backend(request.getfixturevalue("vcenter")))


@pytest.fixture(scope="session", params=BACKENDS)
def slipway(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[harness.Slipway]:
    """One slipway for all tests of a backend; the tests tell their images apart by name."""
    server = start_slipway(request.param, tmp_path_factory.mktemp(f"slipway-{request.param}"), request)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def vcenter_slipway(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[harness.Slipway]:
    """The slipway of Nova's and Cinder's tests, which a store without a vCenter does not concern."""
    server = start_slipway("vcenter", tmp_path_factory.mktemp("slipway-compute"), request)
    yield server
    server.stop()


@pytest.fixture(params=BACKENDS)
def fresh_slipway(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[harness.Slipway]:
    """A slipway that has done nothing yet, for tests that look at its memory."""
    server = start_slipway(request.param, tmp_path / "slipway", request)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Two slipways behind one Keystone."""
    started = Cloud(tmp_path_factory.mktemp("cloud"))
    yield started
    started.stop()


@pytest.fixture(scope="session")
def clients() -> Path:
    """The programs of the environment `clients`."""
    return venvs.ensure("clients", harness.ROOT / "build" / "venvs") / "bin"


@pytest.fixture
def openstack(clients: Path, slipway: harness.Slipway, tmp_path: Path) -> OpenStack:
    return OpenStack.at(clients / "openstack", slipway.url, tmp_path)


@pytest.fixture
def openstack_in_cloud(clients: Path, slipway: harness.Slipway, tmp_path: Path) -> Iterator[OpenStack]:
    with SilentIdentity() as identity:
        yield OpenStack.in_cloud(clients / "openstack", slipway.url, identity.url, tmp_path)


@pytest.fixture
def glance(clients: Path, slipway: harness.Slipway, tmp_path: Path) -> Glance:
    return Glance.at(clients / "glance", slipway.url, tmp_path)
