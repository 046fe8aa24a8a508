#!/bin/sh
# Format, layers and clang-tidy. Usage: scripts/lint.sh [--all] [--no-tidy]
#   Without --all: only files that differ from the branch's start (origin/main, else main, else HEAD).
#   clang-tidy reads build/dev/compile_commands.json: configure with `cmake --preset dev` first.
set -eu

cd "$(dirname "$0")/.."
all=no
tidy=yes
for argument in "$@"; do
    case "$argument" in
        --all) all=yes ;;
        --no-tidy) tidy=no ;;
        *) echo "lint: unknown argument $argument; see the head of scripts/lint.sh" >&2; exit 2 ;;
    esac
done

list_files() {
    if [ "$all" = yes ]; then
        git ls-files --cached --others --exclude-standard -- 'src/*.h' 'src/*.cc' 'tests/*.h' 'tests/*.cc'
        return
    fi
    start=HEAD
    for branch in origin/main main; do
        if git rev-parse --quiet --verify "$branch" >/dev/null; then
            start=$(git merge-base "$branch" HEAD)
            break
        fi
    done
    git diff --name-only --diff-filter=d "$start" -- 'src/*.h' 'src/*.cc' 'tests/*.h' 'tests/*.cc'
    git ls-files --others --exclude-standard -- 'src/*.h' 'src/*.cc' 'tests/*.h' 'tests/*.cc'
}

failed=0
files=$(list_files | sort -u)

if [ -n "$files" ]; then
    # Names of our files hold no blanks.
    # shellcheck disable=SC2086
    clang-format-16 --dry-run --Werror $files || failed=1
fi

python3 scripts/check_layers.py || failed=1

sources=$(printf '%s\n' "$files" | grep '\.cc$' || true)
if [ "$tidy" = yes ] && [ -n "$sources" ]; then
    database=build/dev/compile_commands.json
    if [ ! -f "$database" ]; then
        echo "lint: $database is missing; run cmake --preset dev" >&2
        exit 2
    fi
    for source in $sources; do
        # A file that the build does not know has no flags to read it with.
        grep -q "\"file\": \".*/$source\"" "$database" || continue
        clang-tidy-16 --quiet -p build/dev "$source" || failed=1
    done
fi

exit $failed
