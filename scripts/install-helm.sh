#!/usr/bin/env bash
# What the tests of the Helm chart run: Helm as a Python module (4) and as a program (3), the schemas of Kubernetes, the decoder
# of other projects' custom resources, an API server's merging of patches, and promtool. Helm 3 and the decoder are built here, which takes some minutes the first
# time.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

packages="helm-python-sdk==0.2.2 kubernetes-validate==1.37.0 pyyaml==6.0.4"
helm=v3.22.0

# With everything that Go takes from outside written down in go.sum, or in Helm's own.
export GOFLAGS=-buildvcs=false GOTOOLCHAIN=local

python() {
    local stamp="$tools/chart/.installed"
    if [ "$(cat "$stamp" 2>/dev/null)" = "$packages" ]; then return; fi
    python3 -c 'import ensurepip, venv' 2>/dev/null || debian python3 python3-venv
    say "installing $packages from PyPI"
    python3 -m venv "$tools/chart"
    # shellcheck disable=SC2086 # several words
    "$tools/chart/bin/pip" install --quiet --disable-pip-version-check $packages
    echo "$packages" >"$stamp"
}

program() {
    local stamp="$tools/bin/.helm"
    if [ -x "$tools/bin/helm" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$helm" ]; then return; fi
    say "building Helm $helm"
    GOBIN="$tools/bin" go install "helm.sh/helm/v3/cmd/helm@$helm"
    echo "$helm" >"$stamp"
}

# definitions DIRECTORY: what the projects that a module depends on say of their custom resources. The Prometheus operator's module
# has none.
definitions() {
    local module
    rm -rf "$tools/definitions"
    mkdir "$tools/definitions"
    for module in \
        github.com/envoyproxy/gateway/charts/gateway-helm/charts/crds/crds/generated \
        sigs.k8s.io/gateway-api/config/crd/standard \
        istio.io/api/kubernetes; do
        local name=$module
        until (cd "$1" && go list -m "$name") >/dev/null 2>&1; do
            case $name in
            */*) name=${name%/*} ;;
            *)
                say "no module of $1 has $module: see what \`go list -m all\` says there"
                return 1
                ;;
            esac
        done
        cp "$(cd "$1" && go list -m -f '{{.Dir}}' "$name")${module#"$name"}"/*.yaml "$tools/definitions"
    done
    chmod -R u+w "$tools/definitions"
}

decoder() {
    local source="$root/tests/it/chart/decode" stamp="$tools/bin/.decode-manifests" sum
    sum=$(cat "$source"/{.,patch}/*.go "$source"/go.{mod,sum} | sha256sum)
    if [ -x "$tools/bin/decode-manifests" ] && [ -x "$tools/bin/patch-deployment" ] && [ -n "$(ls "$tools/definitions" 2>/dev/null)" ] &&
        [ "$(cat "$stamp" 2>/dev/null)" = "$sum" ]; then return; fi
    say "building the decoder of custom resources, and what patches Deployments"
    (cd "$source" && go build -mod=readonly -o "$tools/bin/decode-manifests" .)
    (cd "$source" && go build -mod=readonly -o "$tools/bin/patch-deployment" ./patch)
    definitions "$source"
    echo "$sum" >"$stamp"
}

"$root/scripts/install-go.sh"
python
program
decoder
command -v promtool >/dev/null || debian_idle prometheus
command -v jq >/dev/null || debian jq
command -v readelf >/dev/null || debian binutils
