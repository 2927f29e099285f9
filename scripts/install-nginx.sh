#!/usr/bin/env bash
# The nginx that the tests start, each with a configuration of its own.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] && exit 0

# The package would start a server on port 80, which the tests neither need nor want. Where this file says so, Debian's package
# scripts start nothing; one that was there before stays.
policy=/usr/sbin/policy-rc.d
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
made=
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    made=yes
fi
undo() { [ -z "$made" ] || "${as_root[@]}" rm -f "$policy"; }
trap undo EXIT
debian nginx
# Nor at the next start of the machine.
if command -v systemctl >/dev/null; then
    "${as_root[@]}" systemctl disable --now nginx >/dev/null 2>&1 || true
fi
