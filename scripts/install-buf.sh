#!/usr/bin/env bash
# buf, at the version in scripts/buf/package.json. Its packages are for Linux; on another system, install that version.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

version=$(sed -n 's|.*"@bufbuild/buf-linux-x64": "\(.*\)".*|\1|p' "$root/scripts/buf/package.json")
if [ "$(buf --version 2>/dev/null)" = "$version" ]; then exit 0; fi
"$root/scripts/install-node.sh"
npm_ci "$root/scripts/buf"
(cd "$tools/bin" && ln -sf ../../scripts/buf/node_modules/@bufbuild/buf-linux-*/bin/buf buf)
[ "$(buf --version)" = "$version" ]
