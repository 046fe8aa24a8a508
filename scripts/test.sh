#!/usr/bin/env bash
# Builds the checked presets and runs every test. With --all also those that take long.
set -euo pipefail
cd "$(dirname "$0")/.."

# `./dev test` has begun before us: with what is installed.
started=${SLIPWAY_TEST_STARTED:-$EPOCHSECONDS}
step() {
    echo "== $1 (after $((EPOCHSECONDS - started)) s)"
}

build() {
    cmake --preset "$1" >/dev/null
    cmake --build --preset "$1"
}

# Much of this waits: for a network, a peer, a simulated task. `beside NAME COMMAND...` lets it do so beside
# the rest; `finished NAME...` waits for them, shows what they wrote, and fails with the first that failed.
declare -A running=()
beside() {
    local log=build/test/$1.log
    mkdir -p build/test
    set -m  # a process group of its own, to end as a whole
    "${@:2}" >"$log" 2>&1 &
    set +m
    running[$1]=$!
}
finished() {
    local name status failed=0
    for name in "$@"; do
        status=0
        wait "${running[$name]}" || status=$?
        unset "running[$name]"
        echo "-- $name (ended with $status)"
        cat "build/test/$name.log"
        [ "$failed" -ne 0 ] || failed=$status
    done
    return "$failed"
}
trap 'for group in "${running[@]}"; do kill -- "-$group" 2>/dev/null || true; done' EXIT

simulator_tests() {
    local go
    go=$(scripts/go.sh)
    (cd tests/vcenter && "$go" vet ./... && "$go" test ./...)
}

pytest_of() {
    build/venvs/clients/bin/python -m pytest -q "$@"
}

# Two halves of about the same length.
black_box_tests() {
    tests/vcenter/judge.sh
    pytest_of tests/peers
    pytest_of tests/api
    build/venvs/glance/bin/python -m pytest -q plugins/glance_store
    python3 scripts/demo.py
}

step "format and layers"
scripts/lint.sh --no-tidy
beside venvs python3 tests/peers/venvs.py
step "release build"
build release
step "sanitizer build (ASan, UBSan) and its tests"
build dev
beside simulator simulator_tests
ctest --test-dir build/dev --output-on-failure --parallel "$(nproc)"
finished simulator venvs

step "real peers"
export VCENTER_BINARY=$PWD/build/vcenter/vcenter
beside black-box black_box_tests
beside end-to-end pytest_of tests/e2e
finished black-box end-to-end

if [ "${1:-}" = "--all" ]; then
    step "clang-tidy"
    scripts/lint.sh
    step "thread sanitizer"
    build tsan
    ctest --test-dir build/tsan --output-on-failure
    step "fuzzing"
    scripts/fuzz.sh
fi
step "all passed"
