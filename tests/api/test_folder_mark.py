"""A folder of images whose file system is not mounted: the place is there, and empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import harness
import pytest
from client import Api
from servers import Slipway

MARK = ".slipway-catalog"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Slipway]:
    server = Slipway(tmp_path, harness.local_backend(tmp_path))
    yield server
    server.stop()


@pytest.fixture
def folder(server: Slipway, tmp_path: Path) -> Path:
    [mark] = tmp_path.rglob(MARK)
    return mark.parent


def test_nothing_is_written_to_a_mount_point(server: Slipway, folder: Path) -> None:
    api = Api(server.url)
    image_id = api.active(b"bytes")["id"]
    elsewhere = folder.rename(folder.with_name("elsewhere"))
    folder.mkdir()
    for _ in range(2):
        assert api.download(image_id).status_code == 503
        other = api.create()["id"]
        refused = api.upload(other, b"other")
        assert refused.status_code == 503
        assert api.show(other)["status"] == "queued"
        assert list(folder.iterdir()) == []
        server.stop()  # a server that starts without it knows no better
        server.start()
    folder.rmdir()
    elsewhere.rename(folder)
    assert api.download(image_id).content == b"bytes"
    assert api.upload(other, b"other").status_code == 204


def test_a_folder_belongs_to_one_catalogue(server: Slipway, folder: Path, tmp_path: Path) -> None:
    server.stop()
    for database in tmp_path.glob("*.sqlite*"):
        database.unlink()
    with pytest.raises(harness.HarnessError, match="belongs to another catalogue"):
        server.start()
    (folder / MARK).unlink()
    server.start()
    assert Api(server.url).images() == []
