#!/usr/bin/env python3
"""Which image bytes leave slipway when Nova boots and Cinder makes volumes: a table, format by format.

    ./dev matrix [--floats refused|accepted] [--only FORMAT]... [--json FILE]

The drivers are those of the newest Nova and Cinder, unmodified; slipway and the simulated vCenter are real
processes. Each cell counts every image byte that leaves slipway by HTTP, every byte that passes by HTTP
between anybody and a datastore or a host, and every SOAP call. The exit status is 1 when a cell is not as it
should be. The table is made twice, since it is not known whether a vCenter reads Nova's `4096.0` as a number.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "peers"))

import harness
import venvs
from matrix_bench import COLD, COLUMNS, CONTROL, FLOATS, IMAGE, SEEDED, VOLUME, Cell, cells
from matrix_images import FORMS

COPIES = {
    "CloneVM_Task": "clone VM",
    "CopyDatastoreFile_Task": "copy file",
    "CopyVirtualDisk_Task": "copy disk",
    "ExportVm": "export",
    "ImportVApp": "import",
}


class Impossible:
    """A cell that upstream does not let be 0, and what slipway offers instead."""

    def __init__(self, row: str, column: str, file: str, snippet: str, why: str, instead: str) -> None:
        self.cell = (row, column)
        self.refused = column != COLD  # the driver refuses the image; otherwise it downloads
        self.note = f"`{_line(file, snippet)}` {why}. Instead: {instead}."


def impossible() -> list[Impossible]:
    """With the lines of the installed releases."""
    nova, cinder = "nova/virt/vmwareapi/vmops.py", "cinder/volume/drivers/vmware/vmdk.py"
    install = "boot the iso with Nova, and install onto a volume"
    return [
        Impossible(
            "iso",
            COLD,
            nova,
            "def _prepare_iso_image",
            "makes no folder for the server-side copy of an iso: with a location the boot fails, without one "
            "the compute host downloads",
            "a seed policy places the iso in the cache before the image is active",
        ),
        Impossible("iso", VOLUME, cinder, "def _validate_disk_format", "takes vmdk only", install),
        Impossible("iso", IMAGE, cinder, "def _validate_disk_format", "leaves no volume to upload", install),
    ]


def _line(file: str, snippet: str) -> str:
    """`file:line` of a text in the installed release."""
    environment = venvs.ensure("compute", harness.ROOT / "build" / "venvs")
    [path] = environment.glob(f"lib/python*/site-packages/{file}")
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if snippet in line:
            return f"{file}:{number}"
    raise harness.HarnessError(f"{file} has no {snippet!r} any more; look for what replaced it")


def faults(cell: Cell, exceptions: Sequence[Impossible]) -> list[str]:
    """What is not as it should be in a cell; nothing is what we want."""
    exception = next((each for each in exceptions if each.cell == (cell.row, cell.column)), None)
    if exception and exception.refused:
        return [] if cell.error and not cell.image_bytes else ["upstream takes it now"]
    if cell.error:
        return [cell.error]
    if exception or cell.row == CONTROL:
        counted = cell.image_bytes == cell.file_bytes <= cell.datastore_bytes
        return [] if counted else [f"{cell.image_bytes} of {cell.file_bytes} bytes were counted"]
    found = []
    if cell.image_bytes:
        found.append(f"{cell.image_bytes} image bytes left slipway")
    if cell.datastore_bytes and cell.column != IMAGE:  # an upload has to come from a host
        found.append(f"{cell.datastore_bytes} bytes passed to or from datastores")
    if cell.column == SEEDED and (copied := [call for call in cell.calls if call in COPIES]):
        found.append(f"copied by {', '.join(copied)}")
    return found


def text(cell: Cell, exceptions: Sequence[Impossible]) -> str:
    if wrong := faults(cell, exceptions):
        return f"**{'; '.join(wrong)}**"
    numbers = [n for n, each in enumerate(exceptions, 1) if each.cell == (cell.row, cell.column)]
    mark = "".join(f" [{number}]" for number in numbers)
    if cell.error:
        return f"refused{mark}"
    moved = {name: cell.calls.count(call) for call, name in COPIES.items() if call in cell.calls}
    how = [f"{count} × {name}" if count > 1 else name for name, count in moved.items()]
    return f"{cell.image_bytes}{mark}" + (f" ({', '.join(how)})" if how else "")


def table(found: Sequence[Cell], exceptions: Sequence[Impossible]) -> str:
    """Markdown: a row for each format, a column for each thing done with it."""
    lines = [f"| | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for row in dict.fromkeys(cell.row for cell in found):
        of_row = {cell.column: text(cell, exceptions) for cell in found if cell.row == row}
        lines.append(f"| {row} | {' | '.join(of_row.get(column, '') for column in COLUMNS)} |")
    return "\n".join(lines)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Print the matrix of formats and consumers.")
    parser.add_argument("--floats", choices=FLOATS, action="append", help="only with this answer to 4096.0")
    parser.add_argument("--only", choices=[form.name for form in FORMS], action="append", metavar="FORMAT")
    parser.add_argument("--json", type=Path, help="write every cell, with all its SOAP calls, into this file")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    forms = [form for form in FORMS if not options.only or form.name in options.only]
    exceptions = impossible()
    everything: dict[str, list[Cell]] = {}
    print("Image bytes that leave slipway, and (in brackets) what the storage copied instead.")
    for floats in options.floats or FLOATS:
        with tempfile.TemporaryDirectory(prefix="slipway-matrix-") as work:
            everything[floats] = cells(Path(work), floats, forms)
        print(f"\n`4096.0` is {floats}:\n\n{table(everything[floats], exceptions)}", flush=True)
    print()
    for number, exception in enumerate(exceptions, 1):
        print(f"[{number}] {exception.note}")
    if options.json:
        as_objects = {floats: [asdict(cell) for cell in found] for floats, found in everything.items()}
        options.json.write_text(json.dumps(as_objects, indent=1), encoding="utf-8")
    wrong = [cell for found in everything.values() for cell in found if faults(cell, exceptions)]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
