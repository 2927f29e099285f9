#!/usr/bin/env bash
# cargo-fuzz. A debug build, for the reason that install-cargo-deny.sh gives.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

version=0.13.2
if [ "$(cargo-fuzz --version 2>/dev/null)" = "cargo-fuzz $version" ]; then exit 0; fi
say "building cargo-fuzz $version"
CARGO_PROFILE_DEV_DEBUG=false cargo install --quiet --debug --locked --root "$tools" --version "$version" cargo-fuzz
