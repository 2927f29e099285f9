#!/usr/bin/env bash
# Starts a development Countersign, a backend, and Envoy before it; Ctrl-C ends all three. Installs Envoy into .tools if it is
# not there. The ports are those of envoy.yaml unless variables say otherwise.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

edge=${EDGE_PORT:-10000} envoy_admin=${ENVOY_ADMIN_PORT:-9901} backend=${BACKEND_PORT:-8080}
grpc=${GRPC_PORT:-50051} admin=${ADMIN_PORT:-9090} issuer=${ISSUER_PORT:-8400}

"$root/scripts/install-envoy.sh"
countersign=${COUNTERSIGN:-$root/target/debug/countersign}
[ -n "${COUNTERSIGN:-}" ] || (cd "$root" && cargo build --locked --quiet)

work=$(mktemp -d)
end() {
    trap - EXIT
    # Each by its number; who has ended already is no matter.
    for pid in $(jobs -p); do kill "$pid" 2>/dev/null || true; done
    wait
    rm -rf "$work"
}
trap end EXIT
trap 'exit 0' INT TERM

"$countersign" dev --listen "127.0.0.1:$grpc" --admin "127.0.0.1:$admin" --issuer "127.0.0.1:$issuer" >"$work/dev" &
python3 "$here/backend.py" "$backend" &
sed -e "s/port_value: 10000 /port_value: $edge /" -e "s/port_value: 9901 /port_value: $envoy_admin /" \
    -e "s/port_value: 8080 /port_value: $backend /" -e "s/port_value: 50051 /port_value: $grpc /" \
    "$here/envoy.yaml" >"$work/envoy.yaml"
"$root/.tools/envoy/1.40.0/envoy/_bin/envoy" --config-path "$work/envoy.yaml" \
    --disable-hot-restart --log-level error &

answers() { curl --silent --fail --output /dev/null "http://127.0.0.1:$1"; }
until grep -q Ctrl-C "$work/dev" && answers "$envoy_admin/ready" && answers "$backend/" && answers "$edge/healthz"; do
    # Whoever ends now was not able to start, and has said why.
    [ "$(jobs -pr | wc -l)" = 3 ] || exit 1
    sleep 0.1
done

cat <<TEXT
Envoy is ready, and asks Countersign about every request.

Paste this first: an access token, good for five minutes.
$(grep 'export TOKEN=' "$work/dev")

Then ask as somebody, and as nobody:
  curl -i -H "Authorization: Bearer \$TOKEN" http://127.0.0.1:$edge/orders
  curl -i http://127.0.0.1:$edge/orders

Stop with Ctrl-C.
TEXT
# The first of the three that ends ends all.
wait -n || true
