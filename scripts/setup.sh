#!/usr/bin/env bash
# Installs Debian packages that are missing, for one purpose: run, demo, test or lint.
# Does nothing when all are there. Asks for sudo when it is not root.
set -euo pipefail
purpose=${1:-run}

packages=(
    clang-16 lld-16 cmake ninja-build ccache pkg-config
    libboost1.81-dev libboost-url1.81-dev libssl-dev rapidjson-dev libxml2-dev libsqlite3-dev
    libsoci-dev libpq-dev libspdlog-dev libcli11-dev ca-certificates
)
case "$purpose" in
    run) ;;
    demo) packages+=(python3 python3-venv grub-rescue-pc qemu-utils) ;;
    lint) packages+=(python3 clang-format-16 clang-tidy-16 libgtest-dev libgmock-dev libclang-rt-16-dev) ;;
    test)
        packages+=(
            python3 python3-venv libclang-rt-16-dev libgtest-dev libgmock-dev qemu-utils postgresql
            clang-format-16 grub-rescue-pc curl openssl
        )
        ;;
    *)
        echo "setup: unknown purpose '$purpose'; one of run, demo, test, lint" >&2
        exit 2
        ;;
esac

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "setup: these packages are missing, and there is no sudo to install them with: ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "setup: installing ${missing[*]}" >&2
"${as_root[@]}" apt-get update -qq
# Debian starts a PostgreSQL cluster of its own on installation; the tests bring theirs.
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
