"""No image byte leaves slipway when Nova boots and Cinder makes volumes, whatever format was uploaded."""

from __future__ import annotations

import harness
import matrix
import pytest
from matrix_bench import COLD, COLUMNS, CONTROL, FLOATS, SEEDED, VOLUME, Cell, cells
from matrix_images import FORMS

pytestmark = pytest.mark.vcenter

LOGIN = ["RetrieveServiceContent", "Login", "FindExtension"]
# The mark of Nova's ager, the base disk, its extent, the disk of the flavor's size.
SEEDED_BOOT = [
    *LOGIN,
    "CreateVM_Task",
    *["SearchDatastore_Task"] * 4,
    "ReconfigVM_Task",
    "Rename_Task",
    "PowerOnVM_Task",
    "Logout",
]
# The mark and the iso; the flavor's root disk is made empty.
SEEDED_ISO_BOOT = [
    *LOGIN,
    "CreateVM_Task",
    *["SearchDatastore_Task"] * 2,
    "ReconfigVM_Task",
    "CreateVirtualDisk_Task",
    "ReconfigVM_Task",
    "Rename_Task",
    "PowerOnVM_Task",
    "Logout",
]


@pytest.fixture(scope="module", params=FLOATS)
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Cell]:
    """A whole table, for a vCenter that refuses Nova's `4096.0` and for one that accepts it."""
    return cells(tmp_path_factory.mktemp(f"matrix-{request.param}"), request.param, FORMS)


def test_every_cell_is_as_it_should_be(found: list[Cell]) -> None:
    exceptions = matrix.impossible()
    assert [(cell.row, cell.column) for cell in found] == [
        *((form.name, column) for form in FORMS for column in COLUMNS),
        (CONTROL, COLD),
        (CONTROL, VOLUME),
    ]
    wrong = {f"{cell.row} / {cell.column}": matrix.faults(cell, exceptions) for cell in found}
    assert {name: faults for name, faults in wrong.items() if faults} == {}


def test_a_seeded_first_boot_is_a_linked_clone_and_nothing_else(found: list[Cell]) -> None:
    expected = {form.name: SEEDED_ISO_BOOT if form.is_iso else SEEDED_BOOT for form in FORMS}
    assert {cell.row: cell.calls for cell in found if cell.column == SEEDED} == expected


def test_the_documentation_holds_what_was_found(found: list[Cell]) -> None:
    """`./dev matrix` prints it anew for docs/formats.md."""
    exceptions = matrix.impossible()
    documented = (harness.ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    assert matrix.table(found, exceptions) in documented
    for number, exception in enumerate(exceptions, 1):
        assert f"[{number}] {exception.note}" in documented
