#!/usr/bin/env python3
"""Checks who includes whom under src/, because one include root lets the linker see nothing of it,
and that who may what is decided in one file.

Prints one line per mistake, as file:line: what, and exits 1 if there is any.
"""

import argparse
import pathlib
import re
import sys

# Folder -> folders that it may include besides its own.
MAY_INCLUDE = {
    "base": set(),
    "model": {"base"},
    "format": {"base"},
    "net": {"base"},
    "vsphere": {"net", "base"},
    "auth": {"net", "model", "base"},
    "store": {"vsphere", "net", "format", "model", "base"},
    "service": {"store", "format", "model", "net", "base"},
    "http": {"service", "auth", "model", "base"},
    "app": {"http", "service", "auth", "store", "vsphere", "net", "format", "model", "base"},
}

# Foreign headers -> folders that may see them. The rest of the house uses our words for them.
KEPT_IN = {
    re.compile(r"(soci/|sqlite3\.h$|libpq|mysql\.h$|errmsg\.h$)"): {"store"},
    re.compile(r"libxml/"): {"vsphere", "format"},
    re.compile(r"(zlib|zstd)\.h$"): {"format"},
    re.compile(r"boost/beast"): {"base", "net"},
    re.compile(r"re2/"): {"base"},
    re.compile(r"CLI/"): {"app"},
    re.compile(r"yaml-cpp/"): {"app"},
}

# What an identity is asked, and where: everybody else asks the policy.
IDENTITY = re.compile(r"\b(is_admin|is_service|has_role)\b")
MAY_ASK_IDENTITIES = ("model/", "auth/", "http/api/front.cc", "service/policy")

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


def mistakes_in(path, name_in_source):
    folder = name_in_source.split("/")[0]
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        question = IDENTITY.search(line)
        if question and not name_in_source.startswith(MAY_ASK_IDENTITIES):
            yield number, f"{question.group()} is for service/policy.cc to ask"
        match = INCLUDE.match(line)
        if not match:
            continue
        bracket, name = match.groups()
        target = name.split("/")[0]
        if bracket == "<":
            if "/" in name and target in MAY_INCLUDE:
                yield number, f'our own header <{name}> wants quotes'
            for pattern, folders in KEPT_IN.items():
                if pattern.match(name) and folder not in folders:
                    yield number, f"<{name}> stays in {', '.join(sorted(folders))}"
        elif "/" not in name or target not in MAY_INCLUDE:
            yield number, f'"{name}" is not written from src/, as "folder/name.h"'
        elif target != folder and target not in MAY_INCLUDE[folder]:
            allowed = ", ".join(sorted(MAY_INCLUDE[folder])) or "nothing of ours"
            yield number, f'{folder} may not include "{name}" (only {allowed})'


def check(source):
    """All mistakes below the folder `source`, as text."""
    found = []
    for path in sorted(source.rglob("*")):
        if path.suffix not in {".h", ".cc", ".in"}:
            continue
        parts = path.relative_to(source).parts
        folder = parts[0]
        if len(parts) < 2 or folder not in MAY_INCLUDE:
            found.append(f"{path}:1: is in no folder that the house knows")
            continue
        found += [f"{path}:{number}: {what}" for number, what in mistakes_in(path, "/".join(parts))]
    return found


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", nargs="?", type=pathlib.Path, default=root / "src")
    found = check(parser.parse_args().source)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
