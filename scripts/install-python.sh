#!/usr/bin/env bash
# What the Python commands of `countersign dev` install, so that the test that pastes them finds it there.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

packages="grpcio==1.85.1 grpcio-tools==1.85.1"

stamp="$tools/venv/.installed"
if [ "$(cat "$stamp" 2>/dev/null)" = "$packages" ]; then exit 0; fi
python3 -c 'import ensurepip, venv' 2>/dev/null || debian python3 python3-venv
say "installing $packages from PyPI"
python3 -m venv "$tools/venv"
# shellcheck disable=SC2086 # two words
"$tools/venv/bin/pip" install --quiet --disable-pip-version-check $packages
echo "$packages" >"$stamp"
