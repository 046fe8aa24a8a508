#!/usr/bin/env bash
# Fuzzes what reads foreign bytes, each target for FUZZ_SECONDS (default 600). A finding fails, and is
# left as crash-* in build/fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake --preset fuzz >/dev/null
targets=(descriptor_fuzz disk_reader_fuzz framing_fuzz inspector_fuzz soap_fuzz)
cmake --build --preset fuzz --target "${targets[@]}"
for target in "${targets[@]}"; do
    corpus=build/fuzz/corpus/$target
    mkdir -p "$corpus"
    build/fuzz/tests/fuzz/$target "$corpus" -artifact_prefix=build/fuzz/ -max_len=1048576 \
        -max_total_time="${FUZZ_SECONDS:-600}" -print_final_stats=1
done
