"""The images of the matrix: one disk in every format that users upload, and what they say about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import disks

Maker = Callable[[Path, Path], Path]


@dataclass(frozen=True)
class Form:
    """A row: how the file is made from a raw disk, and the record that goes with it."""

    name: str
    make: Maker
    record: Mapping[str, str]
    is_iso: bool = False


def _raw(source: Path, target: Path) -> Path:
    return source


def _vmdk(subformat: str) -> Maker:
    return lambda source, target: disks.make_vmdk(source, target, subformat)


def _converted(target_format: str, **options: str) -> Maker:
    return lambda source, target: disks.convert(source, target, target_format, **options)


def _iso(source: Path, target: Path) -> Path:
    return disks.make_iso(target, 4 * disks.MIB)


def _of_vmware(disk_type: str, container: str = "bare") -> dict[str, str]:
    return {"disk_format": "vmdk", "container_format": container, "vmware_disktype": disk_type}


FORMS = (
    Form("vmdk sparse", _vmdk("monolithicSparse"), _of_vmware("sparse")),
    Form("vmdk preallocated", _raw, _of_vmware("preallocated")),
    Form("vmdk thin", _raw, _of_vmware("thin")),
    Form("vmdk eagerZeroedThick", _raw, _of_vmware("eagerZeroedThick")),
    Form("vmdk streamOptimized", _vmdk("streamOptimized"), _of_vmware("streamOptimized")),
    Form("ova", disks.make_ova, _of_vmware("streamOptimized", "ova")),
    Form("iso", _iso, {"disk_format": "iso"}, is_iso=True),
    Form("raw", _raw, {"disk_format": "raw"}),
    Form("qcow2", _converted("qcow2"), {"disk_format": "qcow2"}),
    Form("vhd", _converted("vpc", subformat="dynamic", force_size="on"), {"disk_format": "vhd"}),
    Form("vhdx", _converted("vhdx"), {"disk_format": "vhdx"}),
    Form("vdi", _converted("vdi"), {"disk_format": "vdi"}),
)
