"""What is done to imported data before they are stored; qemu-img is the judge of the disks."""

from __future__ import annotations

import gzip
import io
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import harness
import pytest
from client import Api, md5, octets
from servers import Slipway

DISK = octets(3 << 20) + bytes(5 << 20) + octets(65536, seed=2)


@pytest.fixture(scope="module", params=["raw", "qcow2", "vmdk"])
def converting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, str]]:
    """A server that converts, and into what."""
    work = tmp_path_factory.mktemp(f"convert-{request.param}")
    options: dict[str, dict[str, object]] = {
        "image_import_opts": {
            "image_import_plugins": "['inject_image_metadata', 'image_decompression', 'image_conversion']"
        },
        "inject_metadata_properties": {"inject": "hw_disk_bus:scsi", "ignore_user_roles": "nobody"},
        "image_conversion": {"output_format": request.param},
    }
    server = Slipway(work, harness.local_backend(work), options)
    yield Api(server.url), request.param
    server.stop()


def qemu_img(*arguments: str | Path) -> None:
    subprocess.run(["qemu-img", *map(str, arguments)], check=True, capture_output=True)


def zipped(data: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("disk.qcow2", data)
    return archive.getvalue()


def test_a_packed_disk_is_unpacked_and_converted(converting: tuple[Api, str], tmp_path: Path) -> None:
    api, wanted = converting
    (tmp_path / "disk.raw").write_bytes(DISK)
    qemu_img("convert", "-f", "raw", "-O", "qcow2", tmp_path / "disk.raw", tmp_path / "disk.qcow2")
    qcow2 = (tmp_path / "disk.qcow2").read_bytes()
    for packed in (gzip.compress(qcow2), zipped(qcow2), qcow2):
        image_id = api.staged(packed, disk_format="qcow2")
        assert api.import_image(image_id, "glance-direct").status_code == 202
        task = api.import_over(image_id)
        assert task["status"] == "success", task
        image = api.show(image_id)
        assert (image["disk_format"], image["container_format"]) == (wanted, "bare")
        assert image["hw_disk_bus"] == "scsi"
        data = api.download(image_id).content
        assert (image["size"], image["checksum"]) == (len(data), md5(data))
        (tmp_path / "out").write_bytes(data)
        if wanted != "raw":
            qemu_img("check", "-f", wanted, tmp_path / "out")
        qemu_img("compare", "-f", "raw", "-F", wanted, tmp_path / "disk.raw", tmp_path / "out")


def test_what_can_not_be_unpacked_is_refused(converting: tuple[Api, str]) -> None:
    api, _ = converting
    for data, word in ((gzip.compress(DISK)[:-100], "damaged"), (b"\x20\x30-lh5-" + bytes(100), "lha")):
        image_id = api.staged(data)
        assert api.import_image(image_id, "glance-direct").status_code == 202
        task = api.import_over(image_id)
        assert (task["status"], word in task["message"]) == ("failure", True), task
        assert api.show(image_id)["status"] == "queued"
