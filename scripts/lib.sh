# shellcheck shell=bash

# Sourced by the scripts beside it. Everything they install goes to .tools, and nothing is fetched but from package
# registries, by their own clients, at versions written down in this directory.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools="$root/.tools"
mkdir -p "$tools/bin"
export PATH="$tools/bin:$PATH"

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }

# Installs Debian packages, where nothing else provides what is missing.
debian() {
    local run=()
    [ "$(id -u)" = 0 ] || run=(sudo)
    say "installing from Debian: $*"
    "${run[@]}" apt-get update -qq
    "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# The same for packages that would start a server at its usual port, which the tests neither need nor want. Where policy-rc.d
# says so, Debian's package scripts start nothing; one that was there before stays.
debian_idle() {
    local policy=/usr/sbin/policy-rc.d made='' run=()
    [ "$(id -u)" = 0 ] || run=(sudo)
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | "${run[@]}" tee "$policy" >/dev/null
        "${run[@]}" chmod 755 "$policy"
        made=yes
    fi
    local outcome=0
    debian "$@" || outcome=$?
    [ -z "$made" ] || "${run[@]}" rm -f "$policy"
    # Nor at the next start of the machine.
    if command -v systemctl >/dev/null; then
        "${run[@]}" systemctl disable --now "$1" >/dev/null 2>&1 || true
    fi
    return "$outcome"
}

# npm_ci DIRECTORY: installs what the directory's lock file names, unless that has been done. No package runs a script
# of its own, so none can fetch anything else.
npm_ci() {
    local stamp="$1/node_modules/.installed"
    if cmp -s "$1/package-lock.json" "$stamp"; then return; fi
    say "npm ci in ${1#"$root/"}"
    (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --no-progress --loglevel=error)
    cp "$1/package-lock.json" "$stamp"
}
