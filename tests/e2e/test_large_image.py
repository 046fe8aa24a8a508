"""An image far larger than the memory slipway may use."""

from __future__ import annotations

import hashlib
from pathlib import Path

import disks
import harness
import requests

SIZE_BYTES = 5 << 30
MEMORY_LIMIT_BYTES = 64 * disks.MIB

MARKS = {
    0: b"first bytes of the disk",
    (1 << 32) - 5: b"across the 4 GiB line",
    3 * (1 << 30) + 12345: b"somewhere in a hole",
    SIZE_BYTES - 14: b"the last bytes",
}


def test_five_gibibytes_pass_through_little_memory(fresh_slipway: harness.Slipway, tmp_path: Path) -> None:
    source = disks.make_sparse_file(tmp_path / "large.raw", SIZE_BYTES, MARKS)
    sha512 = disks.digest(source)
    images = f"{fresh_slipway.url}/v2/images"
    record = {"name": "large", "disk_format": "raw", "container_format": "bare"}
    created = requests.post(images, json=record, timeout=60)
    assert created.status_code == 201, created.text
    image = f"{images}/{created.json()['id']}"

    with source.open("rb") as body:
        headers = {"Content-Type": "application/octet-stream"}
        stored = requests.put(f"{image}/file", data=body, headers=headers, timeout=1800)
    assert stored.status_code == 204, stored.text
    shown = requests.get(image, timeout=60).json()
    assert (shown["status"], shown["size"]) == ("active", SIZE_BYTES)
    assert (shown["os_hash_algo"], shown["os_hash_value"]) == ("sha512", sha512)

    for offset, data in MARKS.items():
        first, last = max(offset - 100, 0), min(offset + len(data) + 99, SIZE_BYTES - 1)
        part = requests.get(f"{image}/file", headers={"Range": f"bytes={first}-{last}"}, timeout=120)
        assert part.status_code == 206
        with source.open("rb") as file:
            file.seek(first)
            assert part.content == file.read(last - first + 1), f"at {first}"

    with requests.get(f"{image}/file", stream=True, timeout=600) as whole:
        assert int(whole.headers["Content-Length"]) == SIZE_BYTES
        digest = hashlib.sha512()
        for block in whole.iter_content(4 * disks.MIB):
            digest.update(block)
    assert digest.hexdigest() == sha512
    assert fresh_slipway.child.peak_memory_bytes() < MEMORY_LIMIT_BYTES
    assert requests.delete(image, timeout=600).status_code == 204
