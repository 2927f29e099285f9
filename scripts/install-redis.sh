#!/usr/bin/env bash
# The Redis servers that the tests start: redis-server 7, of which redis-sentinel is another name.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

command -v redis-server >/dev/null && exit 0
debian_idle redis-server redis-tools
