#!/usr/bin/env bash
# Fuzzes what reads foreign bytes, each target for FUZZ_SECONDS (default 600), as many at a time as
# there are cores. A finding fails, and is left as crash-* in build/fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake --preset fuzz >/dev/null
targets=(descriptor_fuzz disk_reader_fuzz framing_fuzz inspector_fuzz soap_fuzz)
cmake --build --preset fuzz --target "${targets[@]}"
fuzz() {
    local corpus=build/fuzz/corpus/$1
    mkdir -p "$corpus"
    "build/fuzz/tests/fuzz/$1" "$corpus" -artifact_prefix=build/fuzz/ -max_len=1048576 \
        -max_total_time="${FUZZ_SECONDS:-600}" -print_final_stats=1
}
export -f fuzz
printf '%s\n' "${targets[@]}" | xargs -n 1 -P "$(nproc)" bash -c 'fuzz "$1"' fuzz
