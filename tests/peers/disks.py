"""Disk images for the tests: made, converted, compared and hashed."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

MIB = 1 << 20
SECTOR_BYTES = 512
ISO_SECTOR_BYTES = 2048
_DATASTORE_PATH = re.compile(r"\[(?P<datastore>[^\]]+)\] (?P<path>.+)")


_OVF = """<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
  <References><File ovf:id="file1" ovf:href="{name}" ovf:size="{size}"/></References>
  <DiskSection>
    <Info>Disks</Info>
    <Disk ovf:diskId="disk1" ovf:fileRef="file1" ovf:capacity="{capacity}"
      ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>
  </DiskSection>
  <VirtualSystem ovf:id="machine"><Info>A machine</Info></VirtualSystem>
</Envelope>
"""


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


def make_ova(source: Path, target: Path) -> Path:
    """An appliance: a tar whose first member describes the second, a streamOptimized disk."""
    disk = make_vmdk(source, target.with_name("disk1.vmdk"), "streamOptimized")
    described = _OVF.format(name=disk.name, size=disk.stat().st_size, capacity=source.stat().st_size)
    description = target.with_name("machine.ovf")
    description.write_text(described, encoding="utf-8")
    with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as archive:
        for member in (description, disk):
            archive.add(member, member.name)
            member.unlink()
    return target


def make_iso(target: Path, size: int) -> Path:
    """The descriptors of an ISO 9660 volume with an empty root directory; the rest does not compress."""
    root_sector, path_table = 19, 18
    entry = bytes([34, 0]) + _both(root_sector, 4) + _both(ISO_SECTOR_BYTES, 4)
    entry += bytes(7) + b"\x02\0\0" + _both(1, 2) + b"\x01\0"
    primary = b"\x01CD001\x01\0" + b" " * 32 + b"SLIPWAY".ljust(32)
    primary += bytes(8) + _both(size // ISO_SECTOR_BYTES, 4) + bytes(32)
    primary += _both(1, 2) * 2 + _both(ISO_SECTOR_BYTES, 2) + _both(10, 4)
    primary += path_table.to_bytes(4, "little") + bytes(4) + path_table.to_bytes(4, "big") + bytes(4) + entry
    table = b"\x01\0" + root_sector.to_bytes(4, "little") + b"\x01\0\0"
    with target.open("wb") as file:
        file.write(random.Random(2).randbytes(size))
        file.seek(0)
        file.write(bytes(16 * ISO_SECTOR_BYTES))
        for sector in (primary, b"\xffCD001\x01", table, entry):
            file.write(sector.ljust(ISO_SECTOR_BYTES, b"\0"))
    return target


def _both(value: int, width: int) -> bytes:
    """A number as ISO 9660 writes it: in both byte orders."""
    return value.to_bytes(width, "little") + value.to_bytes(width, "big")


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
