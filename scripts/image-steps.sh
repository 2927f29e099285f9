#!/usr/bin/env bash
# The steps of the Dockerfile, each of which can be run without a container engine, too (scripts/image.sh).
set -euo pipefail

case "$1" in
tools)
    # Writes the bill of materials (CycloneDX).
    cargo cyclonedx --version >/dev/null 2>&1 || cargo install --locked --quiet --version 0.5.9 cargo-cyclonedx
    ;;
fetch)
    cargo fetch --locked
    ;;
build)
    # Nothing comes from the network any more, whatever cargo starts.
    export CARGO_NET_OFFLINE=true
    profile=${IMAGE_PROFILE:-release}
    target=${CARGO_TARGET_DIR:-target}
    # What an earlier build left here is worth its dependencies alone. Whether our own sources have changed, cargo would tell by
    # their times, and those of another checkout can be older than what was built here before.
    cargo clean --locked --quiet --profile "$profile" --package countersign
    cargo build --locked --bin countersign --profile "$profile"
    cargo cyclonedx --quiet --format json --override-filename countersign.cdx
    mkdir -p "$2"
    cp countersign.cdx.json "$2"
    # Of the debug information, three quarters of the file, a backtrace needs only the names, which stay.
    strip --strip-debug -o "$2/countersign" "$target/${profile/dev/debug}/countersign"
    ;;
*)
    echo "usage: $0 tools | fetch | build DIRECTORY" >&2
    exit 2
    ;;
esac
