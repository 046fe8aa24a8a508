#!/usr/bin/env bash
# Builds the checked presets and runs every test. With --all also those that take long.
set -euo pipefail
cd "$(dirname "$0")/.."

build() {
    cmake --preset "$1" >/dev/null
    cmake --build --preset "$1"
}

echo "== release build"
build release
echo "== sanitizer build (ASan, UBSan) and its tests"
build dev
ctest --test-dir build/dev --output-on-failure

echo "== simulated vCenter"
go=$(scripts/go.sh)
(cd tests/vcenter && "$go" vet ./... && "$go" test ./...)

echo "== real peers"
export VCENTER_BINARY=$PWD/build/vcenter/vcenter
python3 tests/peers/venvs.py
tests/vcenter/judge.sh
for suite in tests/peers tests/api tests/e2e; do
    build/venvs/clients/bin/python -m pytest -q "$suite"
done
python3 scripts/demo.py

if [ "${1:-}" = "--all" ]; then
    echo "== thread sanitizer"
    build tsan
    ctest --test-dir build/tsan --output-on-failure
    echo "== fuzzing"
    scripts/fuzz.sh
fi
