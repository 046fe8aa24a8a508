#!/usr/bin/env bash
# clang-format, layers and clang-tidy over every C++ file. Usage: scripts/lint.sh [--changed] [--no-tidy]
#   --changed   only files that differ from main's start of this branch, and new ones
#   --no-tidy   leave out clang-tidy, which reads each file with all its headers
# A source file that no target builds is a mistake.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/.."

changed=no
tidy=yes
for argument in "$@"; do
    case "$argument" in
        --changed) changed=yes ;;
        --no-tidy) tidy=no ;;
        *)
            echo "lint: unknown argument $argument; see the head of scripts/lint.sh" >&2
            exit 2
            ;;
    esac
done

all_files() {
    find src tests -name '*.h' -o -name '*.cc'
}

changed_files() {
    local start patterns=('src/*.h' 'src/*.cc' 'tests/*.h' 'tests/*.cc')
    start=$(git rev-parse --verify --quiet origin/main || git rev-parse --verify main)
    start=$(git merge-base "$start" HEAD)
    git diff --name-only --diff-filter=d "$start" -- "${patterns[@]}"
    git ls-files --others --exclude-standard -- "${patterns[@]}"
}

if [ "$changed" = yes ]; then
    list=$(changed_files)
else
    list=$(all_files)
    [ -n "$list" ] || { echo "lint: there are no C++ files in src and tests" >&2; exit 2; }
fi
mapfile -t files < <(sort -u <<<"$list" | sed '/^$/d')

failed=0
if [ ${#files[@]} -gt 0 ]; then
    clang-format-16 --dry-run --Werror "${files[@]}" || failed=1
fi
python3 scripts/check_layers.py || failed=1

if [ "$tidy" = yes ]; then
    # Without precompiled headers: nothing has to be built, and each file must include what it uses.
    cmake --preset dev -B build/lint -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
    sources=()
    for file in "${files[@]}"; do
        [[ "$file" == *.cc ]] || continue
        if grep -qF "\"file\": \"$PWD/$file\"" build/lint/compile_commands.json; then
            sources+=("$file")
        else
            echo "lint: $file is in no target; add it to its CMakeLists.txt, or delete it" >&2
            failed=1
        fi
    done
    [ ${#sources[@]} -eq 0 ] ||
        printf '%s\0' "${sources[@]}" |
        xargs -0 -n 1 -P "$(nproc)" sh -c 'echo "clang-tidy $1"; exec clang-tidy-16 --quiet -p build/lint "$1"' tidy ||
        failed=1
fi

exit $failed
