"""Fills the cells of the matrix: one vCenter, one slipway, one Nova and one Cinder for a whole table."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import disks
import harness
import requests
from matrix_images import FORMS, Form
from proxy import CountingProxy
from vsphere_flows import store, upload, wait_until_published

FLOATS = ("refused", "accepted")
COLUMNS = ("Nova, cold", "seeding", "Nova, seeded", "Cinder, volume", "Cinder, image")
COLD, SEEDING, SEEDED, VOLUME, IMAGE = COLUMNS
CONTROL = "control: no location"

DISK_BYTES = 20 * disks.MIB
ROOT_GB = 1
TASK_SECONDS = 120.0

# They ask how far something is; how often depends on the speed of the machine.
POLLS = {"ContinueRetrievePropertiesEx", "RetrieveProperties", "RetrievePropertiesEx", "WaitForUpdatesEx"}


class CellFailed(Exception):
    """A driver or slipway did not do what the cell is about."""


@dataclass
class Cell:
    """What was seen while one thing was done with one image."""

    row: str
    column: str
    file_bytes: int  # of the uploaded file
    error: str | None = None
    image_bytes: int = 0  # left slipway by HTTP
    sent_bytes: int = 0  # came to slipway by HTTP
    datastore_bytes: int = 0  # passed to or from datastores and hosts by HTTP
    calls: list[str] = field(default_factory=list)  # of the actor, in their order, without polls
    soap_calls: dict[str, int] = field(default_factory=dict)  # all that the vCenter served meanwhile


def cells(work: Path, floats: str, forms: Sequence[Form]) -> list[Cell]:
    """A whole table; `floats` says whether the vCenter takes `4096.0` for a number."""
    with ExitStack() as stack:
        bench = Bench(work, floats, stack)
        found = [cell for form in forms for cell in bench.row(form)]
        return found + bench.control()


class Bench:
    def __init__(self, work: Path, floats: str, stack: ExitStack) -> None:
        self._work = work
        # Nova's download of an iso relies on hosts that make the folders of a file.
        options = ["-folder-mkdir", *(["-accept-float"] if floats == "accepted" else [])]
        self._vcenter = harness.VCenter(work / "vcenter", *options)
        stack.callback(self._vcenter.stop)
        self._slipway = harness.Slipway(work / "slipway", harness.vcenter_backend(self._vcenter))
        stack.callback(self._slipway.stop)
        self._proxy = stack.enter_context(CountingProxy(self._slipway.service_url))
        self._nova, self._cinder = self._drivers(stack, self._proxy, work / "drivers")
        self._raw = disks.make_raw(work / "disk.raw", DISK_BYTES)

    def row(self, form: Form) -> list[Cell]:
        """Everything that is done with one image, each for the first time."""
        file = form.make(self._raw, self._work / f"{form.name.replace(' ', '-')}.img")
        row = {column: Cell(form.name, column, file.stat().st_size) for column in COLUMNS}
        print(f"matrix: {form.name}", file=sys.stderr, flush=True)
        try:
            image_id = store(self._slipway, file, form.record)
            if not form.is_iso:
                wait_until_published(self._slipway, image_id)
        except AssertionError as error:
            for cell in row.values():
                cell.error = f"not stored: {str(error)[:200]}"
            return list(row.values())
        self._fill(row[COLD], self._proxy, lambda: self._boot(image_id, form, file, "cold"))
        self._fill(row[SEEDING], self._proxy, lambda: self._seed(image_id, form, "warm"))
        if row[SEEDING].error:
            row[SEEDED].error = "not seeded"
        else:
            self._fill(row[SEEDED], self._proxy, lambda: self._boot(image_id, form, file, "warm"))
        volume = self._fill(row[VOLUME], self._proxy, lambda: self._make_volume(image_id))
        self._fill(row[IMAGE], self._proxy, lambda: self._make_image(volume))
        return list(row.values())

    def control(self) -> list[Cell]:
        """Users are shown no location: the same counting has to see every byte of the file."""
        form = FORMS[0]
        file = form.make(self._raw, self._work / "control.vmdk")
        image_id = upload(self._slipway, file, **form.record)
        boot, volume = (Cell(CONTROL, column, file.stat().st_size) for column in (COLD, VOLUME))
        with ExitStack() as stack:
            proxy = stack.enter_context(CountingProxy(self._slipway.url))
            nova, cinder = self._drivers(stack, proxy, self._work / "control")
            self._fill(boot, proxy, lambda: self._done(nova.ask(image_id=image_id)))
            self._fill(volume, proxy, lambda: self._done(cinder.ask(command="create", image_id=image_id)))
        return [boot, volume]

    def _drivers(
        self, stack: ExitStack, proxy: CountingProxy, work: Path
    ) -> tuple[harness.Driver, harness.Driver]:
        """A Nova and a Cinder that reach slipway through `proxy`."""
        nova = harness.Driver("nova_boot.py", self._vcenter, proxy.url, work, "--serve")
        stack.callback(nova.stop)
        state = f"--state={work / 'cinder'}"
        cinder = harness.Driver("cinder_volume.py", self._vcenter, proxy.url, work, "serve", state)
        stack.callback(cinder.stop)
        return nova, cinder

    def _fill(self, cell: Cell, proxy: CountingProxy, action: Callable[[], Any]) -> Any:
        """Do it, and write down what moved meanwhile."""
        proxy.clear()
        self._vcenter.clear_journal()
        result = None
        try:
            result = action()
        except CellFailed as error:
            cell.error = str(error)
        cell.image_bytes, cell.sent_bytes = proxy.image_bytes_out, proxy.image_bytes_in
        entries = self._vcenter.journal()
        transfers = [entry for entry in entries if entry.kind in ("folder", "esx-folder", "nfc")]
        cell.datastore_bytes = sum(entry.bytes_in + entry.bytes_out for entry in transfers)
        soap = [entry for entry in entries if entry.kind == "soap" and entry.status == 200]
        cell.soap_calls = dict(Counter(entry.method for entry in soap))
        # slipway works for itself, too: only what it does for this cell belongs to it.
        counted = [entry for entry in soap if (entry.user_agent == "slipway") == (cell.column == SEEDING)]
        cell.calls = [entry.method for entry in counted if entry.method not in POLLS]
        return result

    def _boot(self, image_id: str, form: Form, file: Path, cache_prefix: str) -> None:
        boot = self._done(self._nova.ask(image_id=image_id, root_gb=ROOT_GB, cache_prefix=cache_prefix))
        if not boot["vm"]["running"]:
            raise CellFailed("the machine does not run")
        if form.is_iso:
            cached = f"[{self._vcenter.compute_datastore}] {cache_prefix}_base/{image_id}/{image_id}.iso"
            self._check(
                disks.digest(self._on_host(cached)) == disks.digest(file), "another iso is in the cache"
            )
            return
        [disk] = boot["disks"]
        self._check_disk(disk["parent"])

    def _seed(self, image_id: str, form: Form, cache_prefix: str) -> None:
        url = f"{self._slipway.service_url}/slipway/v1"
        body: dict[str, Any] = {
            "datacenter": self._vcenter.datacenter["path"].strip("/"),
            "datastore": self._vcenter.compute_datastore,
            "cache_prefix": cache_prefix,
        }
        if not form.is_iso:
            body["sizes_gb"] = [ROOT_GB]
        started = requests.post(f"{url}/images/{image_id}/seeds", json=body, timeout=60)
        if started.status_code != 202:
            raise CellFailed(f"seeding: {started.status_code}")
        deadline = time.monotonic() + TASK_SECONDS
        while (task := self._task(url, started.json()["id"]))["status"] in ("pending", "running"):
            self._check(time.monotonic() < deadline, "seeding takes too long")
            time.sleep(0.1)
        self._check(task["status"] == "success", f"seeding: {task['error']}")

    def _task(self, url: str, task_id: str) -> dict[str, Any]:
        task: dict[str, Any] = requests.get(f"{url}/tasks/{task_id}", timeout=60).json()
        return task

    def _make_volume(self, image_id: str) -> str:
        made = self._done(self._cinder.ask(command="create", image_id=image_id, size_gb=ROOT_GB))
        self._check(made["volume"]["status"] == "available", "the volume is not available")
        [disk] = made["disks"]
        self._check_disk(disk["file"])
        volume_id: str = made["volume"]["id"]
        return volume_id

    def _make_image(self, volume_id: str | None) -> None:
        if volume_id is None:
            raise CellFailed("there is no volume")
        sent = self._done(self._cinder.ask(command="upload", volume_id=volume_id))
        self._check(sent["image"]["status"] == "active", "the image is not active")
        image_id = sent["image"]["id"]
        try:
            wait_until_published(self._slipway, image_id)
        except AssertionError as error:
            raise CellFailed("services are shown no location of the image") from error
        saved = self._work / "saved.vmdk"
        data = requests.get(f"{self._slipway.url}/v2/images/{image_id}/file", timeout=600)
        saved.write_bytes(data.content)
        self._check(disks.same_guest_data(self._raw, saved, "vmdk"), "the image differs from the disk")

    def _done(self, answer: dict[str, Any]) -> dict[str, Any]:
        if not answer["ok"]:
            raise CellFailed(answer["error"].splitlines()[0][:200])
        return answer

    def _check(self, right: bool, otherwise: str) -> None:
        if not right:
            raise CellFailed(otherwise)

    def _check_disk(self, datastore_path: str) -> None:
        """What a guest reads is what was uploaded."""
        disk = self._on_host(datastore_path)
        self._check(disks.same_guest_data(self._raw, disk, "vmdk"), "the disk differs from the uploaded one")
        self._check(disks.virtual_size(disk, "vmdk") == ROOT_GB << 30, "the disk has another size")

    def _on_host(self, datastore_path: str) -> Path:
        return disks.on_host(datastore_path, self._vcenter.folders)
