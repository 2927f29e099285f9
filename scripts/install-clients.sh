#!/usr/bin/env bash
# The example clients, built with the commands of their README, and the languages that they need. What was built from the
# same files is not built again.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

clients="$root/examples/clients"
mkdir -p "$tools/clients"
# Go asks git for the commit, which fails the build in a checkout of another user: a container with a mounted tree.
export GOFLAGS=-buildvcs=false

# commands LANGUAGE: the first block of commands in its section.
commands() {
    awk -v heading="## $1" '
        /^## / { here = ($0 == heading) }
        here && /^```sh$/ { inside = 1; next }
        inside && /^```$/ { exit }
        inside
    ' "$clients/README.md"
}

# sources DIRECTORY: everything in it that a person wrote.
sources() {
    find "$1" \( -name node_modules -o -name .venv -o -name __pycache__ -o -name gen -o -name build -o -name target \) -prune -o -type f -print
}

# build LANGUAGE DIRECTORY RESULT TOOL...
build() {
    local script sum stamp="$tools/clients/$2"
    script=$(commands "$1")
    [ -n "$script" ]
    sum=$({
        echo "$script"
        "${@:4}"
        { sources "$clients/$2"; sources "$root/proto"; } | sort | xargs -d '\n' sha256sum
    } | sha256sum)
    if [ -e "$clients/$2/$3" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$sum" ]; then return; fi
    say "building the $1 client"
    (cd "$clients/$2" && bash -euo pipefail -c "$script")
    echo "$sum" >"$stamp"
}

install_java() {
    if command -v javac >/dev/null && command -v mvn >/dev/null; then return; fi
    debian default-jdk-headless maven
}

"$root/scripts/install-node.sh"
"$root/scripts/install-buf.sh"
python3 -c 'import ensurepip, venv' 2>/dev/null || debian python3 python3-venv
"$root/scripts/install-go.sh"
install_java
build Go go build/validate go version
build Python python gen/countersign python3 --version
build Node.js node node_modules/@grpc node --version
build Java java target/validate.jar mvn --version
