#!/usr/bin/env bash
# Fuzzes what reads foreign bytes, each target for FUZZ_SECONDS (default 600). A finding fails, and is
# left as crash-* in build/fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target descriptor_fuzz inspector_fuzz
for target in descriptor_fuzz inspector_fuzz; do
    corpus=build/fuzz/corpus/$target
    mkdir -p "$corpus"
    build/fuzz/tests/fuzz/$target "$corpus" -artifact_prefix=build/fuzz/ -max_len=1048576 \
        -max_total_time="${FUZZ_SECONDS:-600}" -print_final_stats=1
done
