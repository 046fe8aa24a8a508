#!/usr/bin/env python3
"""Create the virtual environments of the real peers under build/venvs, once.

    tests/peers/venvs.py                 every environment
    tests/peers/venvs.py clients         only this one
    tests/peers/venvs.py --relock NAME   take the newest libraries that fit the requirements

`requirements-NAME.txt` pins what we mean to test; `locks/NAME.txt` pins everything below it, so that
an environment made next year is the one made today. An environment is rebuilt when either file or
the Python changes, and left alone otherwise. `beside-NAME.txt` pins libraries that are made with the
environment, but in a folder beside it, for who needs them.

Needs nothing but Python 3.11 and its venv module (Debian: python3-venv): Nova, Cinder and the clients
ask for that version.
"""

from __future__ import annotations

import argparse
import fcntl
import functools
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OLDEST_PYTHON = (3, 11)
STAMP = "slipway-stamp"


def names() -> list[str]:
    return sorted(path.stem.removeprefix("requirements-") for path in HERE.glob("requirements-*.txt"))


def requirements(name: str) -> Path:
    return HERE / f"requirements-{name}.txt"


def lock(name: str) -> Path:
    return HERE / "locks" / f"{name}.txt"


def libraries(name: str) -> Path:
    return HERE / f"beside-{name}.txt"


def fingerprint(name: str) -> str:
    """Changes whenever the environment has to be made anew."""
    return _fingerprint(requirements(name), lock(name))


def _fingerprint(*files: Path) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in files:
        digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()


def ensure(name: str, base: Path) -> Path:
    """Make the environment unless it is there already; safe to call from two processes."""
    make = functools.partial(create, name, locked=lock(name).exists())
    return _ensure(base / name, fingerprint(name), make)


def ensure_libraries(name: str, base: Path) -> Path:
    """As `ensure`, a folder with the libraries beside the environment, which so stays as its lock says."""
    pip = str(ensure(name, base) / "bin" / "pip")
    install = (pip, "install", "--quiet", "--no-deps", "--requirement", str(libraries(name)), "--target")
    return _ensure(
        base / f"{name}-libraries", _fingerprint(libraries(name)), lambda at: run(*install, str(at))
    )


def _ensure(directory: Path, wanted: str, make: Callable[[Path], None]) -> Path:
    directory.parent.mkdir(parents=True, exist_ok=True)
    with (directory.parent / f".{directory.name}.lock").open("w", encoding="utf-8") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        stamp = directory / STAMP
        if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
            return directory
        shutil.rmtree(directory, ignore_errors=True)
        print(f"venvs: making {directory}", file=sys.stderr)
        make(directory)
        stamp.write_text(wanted, encoding="utf-8")
    return directory


def create(name: str, directory: Path, *, locked: bool) -> None:
    run(sys.executable, "-m", "venv", str(directory))
    pip = str(directory / "bin" / "pip")
    constraints = ["--constraint", str(lock(name))] if locked else []
    run(pip, "install", "--quiet", "--requirement", str(requirements(name)), *constraints)
    run(pip, "check")


def relock(name: str, base: Path) -> None:
    """Resolve again without the lock, and write down what came out."""
    directory = base / name
    shutil.rmtree(directory, ignore_errors=True)
    create(name, directory, locked=False)
    frozen = subprocess.run(
        [directory / "bin" / "pip", "freeze"], check=True, capture_output=True, text=True
    ).stdout
    lock(name).parent.mkdir(exist_ok=True)
    lock(name).write_text(frozen, encoding="utf-8")
    (directory / STAMP).write_text(fingerprint(name), encoding="utf-8")


def run(*command: str) -> None:
    """Run a step; its output is progress, not a result."""
    subprocess.run(command, check=True, stdout=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description="Create the virtual environments of the real peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which (default: {' '.join(names())})")
    parser.add_argument("--base", type=Path, default=ROOT / "build" / "venvs")
    parser.add_argument("--relock", action="store_true", help="ignore the lock files and write new ones")
    arguments = parser.parse_args()
    if sys.version_info < OLDEST_PYTHON:
        raise SystemExit(f"venvs: Python {sys.version.split()[0]} is too old, 3.11 is needed")
    unknown = set(arguments.names) - set(names())
    if unknown:
        raise SystemExit(f"venvs: no requirements-{unknown.pop()}.txt here")
    for name in arguments.names or names():
        if arguments.relock:
            relock(name, arguments.base)
        else:
            print(ensure(name, arguments.base))
            if libraries(name).exists():
                ensure_libraries(name, arguments.base)


if __name__ == "__main__":
    main()
