#!/usr/bin/env bash
# Installs Debian packages that are missing, for one purpose: run, demo, test, lint, or
# control (a real Glance beside us).
# Does nothing when all are there. Says what it will install, and asks before it uses sudo.
set -euo pipefail
purpose=${1:-run}

# python3-venv: the stock client, which the printed lines use, comes into an environment of its own.
packages=(
    clang-16 lld-16 cmake ninja-build ccache pkg-config
    libboost1.81-dev libssl-dev rapidjson-dev libxml2-dev libsqlite3-dev libsoci-dev libpq-dev libmariadb-dev
    libspdlog-dev libcli11-dev libyaml-cpp-dev zlib1g-dev libzstd-dev ca-certificates python3 python3-venv libre2-dev
)
tests=(libclang-rt-16-dev libgtest-dev libgmock-dev)
case "$purpose" in
    run) ;;
    demo) packages+=(grub-rescue-pc) ;;
    lint) packages+=("${tests[@]}" clang-format-16 clang-tidy-16 llvm-16) ;;
    test) packages+=("${tests[@]}" clang-format-16 qemu-utils postgresql mariadb-server mariadb-client openssl grub-rescue-pc curl) ;;
    control) packages=(mariadb-server mariadb-client qemu-utils python3 python3-venv) ;;
    *)
        echo "setup: unknown purpose '$purpose'; one of run, demo, test, lint, control" >&2
        exit 2
        ;;
esac

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "setup: to be installed by apt-get: ${missing[*]}" >&2
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "setup: there is no sudo here; have an administrator install them, then start again" >&2
        exit 1
    fi
    # Without a terminal nobody can answer: who starts us there has agreed.
    if [ -t 0 ]; then
        read -r -p "setup: install them with sudo? [y/N] " answer
        case "$answer" in
            y | Y | yes) ;;
            *)
                echo "setup: nothing was installed" >&2
                exit 1
                ;;
        esac
    fi
    as_root=(sudo)
fi
"${as_root[@]}" apt-get update -qq
# Debian starts PostgreSQL and MariaDB on installation; the tests bring servers of their own.
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
