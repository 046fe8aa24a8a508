"""`slipway store test`: what it finds, and that it leaves nothing behind."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import harness
import pytest
from driver_run import write_config
from servers import VCenter, files_below

FOLDERS = [("DC0", "images"), ("DC0", "work"), ("DC0", "vsan1"), ("F0/DC1", "images")]
SIZE = 3 << 20


def tree(root: Path) -> set[str]:
    """All files and folders, but for what servers of other tests keep there."""
    paths = (path.relative_to(root) for path in root.rglob("*"))
    return {
        str(path)
        for path in paths
        if "store-test" in path.parts[0] or not path.parts[0].startswith("openstack_glance_")
        if path != Path(".objects")  # where the simulator keeps the disks of vSAN
    }


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, vcenter_server: VCenter) -> Path:
    """Three stores; nobody serves them."""
    work = tmp_path_factory.mktemp("store-test")
    for name in ("images", "clones"):
        (work / name).mkdir()
    backend = harness.vcenter_backend(vcenter_server)
    options = dict(backend.options)
    options["vmware_datastores"] = ["DC0:images:10", "DC0:work"]
    sections: dict[str, dict[str, object]] = {
        "DEFAULT": {"enabled_backends": f"{backend.name}, local:file, vsan:vmware"},
        "glance_store": {"default_backend": "local"},
        backend.name.split(":")[0]: options,
        "local": {
            "filesystem_store_datadir": work / "images",
            "clone_root": work / "clones",
        },
        "vsan": dict(harness.vcenter_backend(vcenter_server, "vsan", "vsan1").options),
        "database": {"connection": f"sqlite:///{work / 'catalog.sqlite'}"},
    }
    file = write_config(work / "slipway.conf", sections)
    file.chmod(0o600)
    return file


@pytest.fixture
def datastores(vcenter: VCenter) -> Iterator[dict[Path, set[str]]]:
    """The datastores, which are afterwards as they were before."""
    before = {folder: tree(folder) for folder in (vcenter.folder(*names) for names in FOLDERS)}
    yield before
    for folder, names in before.items():
        assert tree(folder) == names


def command(config: Path, *words: str) -> list[str]:
    return [str(harness.slipway_binary()), "store", *words, "--config-file", str(config)]


def store_test(config: Path, *words: str, code: int = 0) -> dict[str, Any]:
    done = subprocess.run(
        command(config, "test", *words, "--size", str(SIZE), "--json"),
        capture_output=True, text=True, timeout=120, check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def verdicts(report: dict[str, Any]) -> dict[str, str]:
    return {told["name"]: told["verdict"] for told in report["assumptions"]}


def steps(report: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [step for step in report["steps"] if step["step"] == name]


def test_every_step_is_done_and_every_assumption_answered(
    config: Path, datastores: dict[Path, set[str]], vcenter: VCenter
) -> None:
    report = store_test(config, "vcenter", "--target", "F0/DC1/images")
    assert {step["outcome"] for step in report["steps"]} == {"ok"}
    assert [step["datastore"] for step in steps(report, "write")] == ["DC0/images", "DC0/work"]
    assert {step["path"] for step in steps(report, "write")} == {"stream by host"}
    assert [step["path"] for step in steps(report, "copy")] == ["copy_file"]
    assert [step["path"] for step in steps(report, "clone")] == ["copy_disk"] * 3
    assert [step["datastore"] for step in steps(report, "seed")] == [
        "DC0/images", "DC0/work", "F0/DC1/images",
    ]
    assert all(step["bytes"] > SIZE and step["bytes_per_second"] > 0 for step in steps(report, "clone"))
    assert verdicts(report) == {
        "sparse_source": "ok",
        "copy_across": "ok",
        "direct_transfer": "ok",
        "put_again": "ok",
        "put_makes_folders": "differs",
        "aborted_put": "ok",
        "put_of_unknown_length": "ok",
        "head_size": "ok",
        "thin_size": "ok",
        "existing_target": "ok",
        "fractional_capacity": "ok",
        "extend_to_same_size": "ok",
        "dest_spec": "ok",
        "flat_with_descriptor": "ok",
        "stream_optimized_source": "ok",
        "delete_while_copied": "ok",
    }


def test_a_vcenter_of_another_mind_is_told_from_ours(
    config: Path, datastores: dict[Path, set[str]], vcenter: VCenter
) -> None:
    vcenter.set(folder_mkdir=True, accept_float=True, partial_put="zero_tail", esx="refuse")
    found = verdicts(store_test(config, "vcenter"))
    assert found["put_makes_folders"] == "ok"
    assert found["fractional_capacity"] == "differs"
    assert found["aborted_put"] == "differs"
    assert found["direct_transfer"] == "differs"


@pytest.mark.parametrize("method", ["CopyVirtualDisk_Task", "CopyDatastoreFile_Task", "MakeDirectory"])
def test_a_step_that_fails_leaves_nothing(
    config: Path, datastores: dict[Path, set[str]], vcenter: VCenter, method: str
) -> None:
    vcenter.fault("soap", "soap_fault", method=method, fault="NoPermission")
    report = store_test(config, "vcenter", code=1)
    assert report["result"] == "failed"
    assert "failed" in {step["outcome"] for step in report["steps"]}
    assert report["steps"][-1]["step"] == "clean up"


def test_an_interrupted_test_leaves_nothing(
    config: Path, datastores: dict[Path, set[str]], vcenter: VCenter
) -> None:
    vcenter.set(task_rate=SIZE // 4)
    with subprocess.Popen(
        command(config, "test", "vcenter", "--size", str(SIZE)), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if "read a part" in line:  # copies are next, which are slow
                process.send_signal(signal.SIGINT)
                break
        rest = process.stdout.read()
        assert process.wait(60) == 130, rest
    assert "clean up" in rest


def test_what_a_killed_test_left_is_told_and_removed(
    config: Path, datastores: dict[Path, set[str]], vcenter: VCenter
) -> None:
    vcenter.set(task_rate=SIZE // 4)
    with subprocess.Popen(
        command(config, "test", "vcenter", "--size", str(SIZE)), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if "read a part" in line:
                process.kill()
                break
    vcenter.heal()
    images = vcenter.folder("DC0", "images")
    left = [path.name for path in images.iterdir() if "_store-test." in path.name]
    assert len(left) == 1
    again = subprocess.run(
        command(config, "test", "vcenter", "--size", str(SIZE)),
        capture_output=True, text=True, timeout=120, check=True,
    )
    assert f"[images] {left[0]}" in again.stderr
    subprocess.run(command(config, "test", "vcenter", "--clean"), timeout=60, check=True)


def test_a_store_on_vsan_is_tried_as_far_as_it_goes(
    config: Path, datastores: dict[Path, set[str]]
) -> None:
    report = store_test(config, "vsan")
    assert {step["outcome"] for step in report["steps"]} == {"ok", "left_out"}
    found = verdicts(report)
    assert found["head_size"] == found["put_again"] == "ok"
    assert found["sparse_source"] == found["flat_with_descriptor"] == "untried"


def test_a_local_store_is_tried_too(config: Path) -> None:
    report = store_test(config, "local")
    assert {step["outcome"] for step in report["steps"]} == {"ok", "left_out"}
    (clone,) = steps(report, "clone")
    found = verdicts(report)
    assert found["fsync"] == found["rename"] == "ok"
    assert found["reflink"] == ("ok" if clone["path"] == "reflink" else "differs")
    for name in ("images", "clones"):
        assert not list(files_below(config.parent / name))
        assert not list((config.parent / name).iterdir())
    assert not (config.parent / "catalog.sqlite").exists()


def test_a_store_that_is_not_there_is_told_by_the_exit_code(config: Path, vcenter: VCenter) -> None:
    unknown = subprocess.run(command(config, "test", "no"), capture_output=True, text=True, check=False)
    assert unknown.returncode == 3
    assert "it has" in unknown.stderr


def test_stores_are_listed(config: Path, vcenter: VCenter) -> None:
    done = subprocess.run(
        command(config, "list", "--json"), capture_output=True, text=True, timeout=60, check=True
    )
    stores = json.loads(done.stdout)["stores"]
    assert [(store["id"], store["type"], store["default"]) for store in stores] == [
        ("vcenter", "vmware", False), ("local", "file", True), ("vsan", "vmware", False),
    ]
    assert [one["name"] for one in stores[0]["datastores"]] == ["DC0/images", "DC0/work"]
    assert all(one["capacity"] > 0 for store in stores for one in store["datastores"])
