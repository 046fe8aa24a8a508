"""Disk images for the tests: made, converted, compared and hashed."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
import subprocess
from pathlib import Path

MIB = 1 << 20
SECTOR_BYTES = 512
_DATASTORE_PATH = re.compile(r"\[(?P<datastore>[^\]]+)\] (?P<path>.+)")


def tool(name: str) -> str:
    """The path of a program; a missing one is a failure and never a skip."""
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(f"{name} is needed and not on PATH (Debian: apt install qemu-utils)")
    return path


def make_raw(path: Path, size: int, *, seed: int = 1) -> Path:
    """A raw disk with an MBR, scattered data that does not compress, and holes between."""
    source = random.Random(seed)
    with path.open("wb") as disk:
        disk.truncate(size)
        disk.write(_mbr(size // SECTOR_BYTES))
        for offset in range(MIB, size - MIB + 1, 8 * MIB):
            disk.seek(offset)
            disk.write(source.randbytes(MIB))
        disk.seek(size - SECTOR_BYTES)
        disk.write(source.randbytes(SECTOR_BYTES))
    return path


def make_sparse_file(path: Path, size: int, marks: dict[int, bytes]) -> Path:
    """A file of holes with a few bytes at the given offsets."""
    with path.open("wb") as file:
        file.truncate(size)
        for offset, data in marks.items():
            file.seek(offset)
            file.write(data)
    return path


def convert(source: Path, target: Path, target_format: str, **options: str) -> Path:
    """`source` (raw) as another format, by qemu-img."""
    extra = ["-o", ",".join(f"{key}={value}" for key, value in options.items())] if options else []
    command = [tool("qemu-img"), "convert", "-q", "-f", "raw", "-O", target_format, *extra]
    subprocess.run([*command, str(source), str(target)], check=True)
    return target


def make_vmdk(source: Path, target: Path, subformat: str = "monolithicSparse") -> Path:
    return convert(source, target, "vmdk", subformat=subformat)


def same_guest_data(raw: Path, other: Path, other_format: str) -> bool:
    """Whether a guest would read the same from both; a longer disk may only add zeros."""
    command = [tool("qemu-img"), "compare", "-q", "-U", "-f", "raw", "-F", other_format]
    return subprocess.run([*command, str(raw), str(other)], check=False).returncode == 0


def virtual_size(path: Path, disk_format: str) -> int:
    """The capacity a guest sees."""
    command = [tool("qemu-img"), "info", "-U", "-f", disk_format, "--output", "json", str(path)]
    answer = subprocess.run(command, check=True, capture_output=True).stdout
    return int(json.loads(answer)["virtual-size"])


def on_host(datastore_path: str, folders: dict[str, Path]) -> Path:
    """Where the simulated vCenter keeps `[datastore] folder/file`."""
    match = _DATASTORE_PATH.fullmatch(datastore_path)
    if match is None:
        raise ValueError(f"not a datastore path: {datastore_path}")
    return folders[match["datastore"]] / match["path"]


def digest(path: Path, algorithm: str = "sha512") -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _mbr(sectors: int) -> bytes:
    """A master boot record with one Linux partition from 1 MiB to the end."""
    first = MIB // SECTOR_BYTES
    chs = b"\xfe\xff\xff"
    entry = b"\x80" + chs + b"\x83" + chs + first.to_bytes(4, "little")
    entry += (sectors - first).to_bytes(4, "little")
    return entry.rjust(446 + 16, b"\0").ljust(510, b"\0") + b"\x55\xaa"
