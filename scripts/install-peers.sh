#!/usr/bin/env bash
# The real programs that the tests talk to.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

# The README's and the banner's commands are run as they stand, and some of them are curl's.
command -v curl >/dev/null || debian curl
"$root/scripts/install-node.sh"
"$root/scripts/install-python.sh"
npm_ci "$root/tests/it/peers/oidc-provider"
"$root/scripts/install-clients.sh"
"$root/scripts/install-redis.sh"
"$root/scripts/install-envoy.sh"
