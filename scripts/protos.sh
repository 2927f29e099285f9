#!/usr/bin/env bash
# Lints the protos and compares them with the image of the last release, which clients were generated from.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

"$root/scripts/install-buf.sh"
cd "$root/proto"
buf lint
buf format --diff --exit-code
buf breaking --against image.binpb
