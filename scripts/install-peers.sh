#!/usr/bin/env bash
# The real programs that the tests talk to.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

"$root/scripts/install-node.sh"
"$root/scripts/install-python.sh"
npm_ci "$root/tests/it/peers/oidc-provider"
"$root/scripts/install-clients.sh"
