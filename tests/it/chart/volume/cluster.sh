#!/usr/bin/env bash
# Stands for `kubectl` and `helm` where docs/kubernetes.md moves the volume: a cluster of one directory. `volume` is what is mounted
# at /var/lib/countersign, `mounts` what is at /etc/countersign; a pod that is made runs at once, if it is Countersign's. What was
# asked is in `asked`, and what was made in `made`.
set -euo pipefail

all="$*"
echo "${0##*/} $all" >>asked
json() { "$TOOLS/chart/bin/python" -c 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)'; }
template() { "$TOOLS/bin/helm" template tokens helm/countersign --namespace tokens --kube-version 1.30 "$@"; }
here() { sed "s,/var/lib/countersign,$PWD/volume,g; s,/etc/countersign,$PWD/mounts,g"; }

# A pod's own arguments, with the configuration that it mounts.
run() {
    jq -e '.spec.containers[0].image | contains("countersign")' "$1" >/dev/null || return 0
    mkdir -p mounts/config
    if [ "$(jq -r '.spec.volumes[] | select(.name == "countersign-config").configMap.name' "$1")" = tokens-store ]; then
        here <countersign.yaml >mounts/config/countersign.yaml
    else
        template --values embedded.yaml --show-only templates/configmap.yaml | json | jq -r '.data["countersign.yaml"]' | here >mounts/config/countersign.yaml
    fi
    local arguments
    mapfile -t arguments < <(jq -r '.spec.containers[0].args[]' "$1" | here)
    "$COUNTERSIGN" "${arguments[@]}" 2>>said
}

case "${0##*/} $all" in
"helm template "*) template "${@:6}" ;;
*" get statefulset "*) template --values embedded.yaml --show-only templates/statefulset.yaml | json ;;
*" get persistentvolumeclaim "*) cat claim-that-is-there.json ;;
*" create --dry-run=client --output json --filename -") json ;;
*" create --filename "*)
    made=made/$(($(ls made | wc -l) + 1)).json
    cat "${all##* --filename }" >"$made" 2>/dev/null || cat >"$made"
    case $(jq -r .kind "$made") in
    Pod) run "$made" ;;
    PersistentVolumeClaim) mkdir volume ;;
    esac
    ;;
*" delete persistentvolumeclaim "*) rm -r volume ;;
*" create secret generic countersign-key-ring --from-file=ring") mkdir -p mounts/key-ring && cp ring mounts/key-ring/ring ;;
*" exec "*)
    while [ "$1" != -- ]; do shift; done
    shift
    mapfile -d '' -t arguments < <(printf '%s\0' "$@" | here)
    "${arguments[@]}"
    ;;
esac
