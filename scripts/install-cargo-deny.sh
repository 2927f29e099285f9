#!/usr/bin/env bash
# cargo-deny. A debug build: it is compiled faster than a release build would ever win back.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

version=0.20.2
if [ "$(cargo-deny --version 2>/dev/null)" = "cargo-deny $version" ]; then exit 0; fi
say "building cargo-deny $version, which takes some minutes"
CARGO_PROFILE_DEV_DEBUG=false cargo install --quiet --debug --locked --root "$tools" --version "$version" cargo-deny
