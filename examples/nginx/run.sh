#!/usr/bin/env bash
# Starts an identity provider, Countersign, nginx and a backend on this machine, asks nginx for a few things, shows what came back,
# and ends all of it. With --stay it goes on until Ctrl-C.
#
# It needs nginx and curl, and `cargo build` to have made target/debug/countersign, or $COUNTERSIGN to name the program. The ports
# are those in the configurations beside this; PORTS="8080 8081 50052 8400" names others in this order.
set -euo pipefail
here=$(dirname "$0")
program=$(realpath "${COUNTERSIGN:-$here/../../target/debug/countersign}")
cd "$here"
read -r nginx_port backend_port check_port issuer_port <<<"${PORTS:-8080 8081 50052 8400}"
PATH=$PATH:/usr/sbin

directory=$(mktemp -d)
# Processes of nginx that serve run as another user.
chmod 755 "$directory"
finish() {
    # shellcheck disable=SC2046
    kill $(jobs -p) 2>/dev/null || true
    wait
    rm -rf "$directory"
}
trap finish EXIT
trap 'exit 130' INT TERM

for file in nginx.conf countersign-check.conf countersign-protect.conf countersign.yaml; do
    sed -e "s/127.0.0.1:8080/127.0.0.1:$nginx_port/" -e "s/127.0.0.1:8081/127.0.0.1:$backend_port/" \
        -e "s/127.0.0.1:50052/127.0.0.1:$check_port/" -e "s/127.0.0.1:8400/127.0.0.1:$issuer_port/" \
        -e "s|unix:/run/countersign/grpc.sock|unix:$directory/countersign.sock|" "$file" >"$directory/$file"
done

# The development identity provider brings a Countersign of its own along, which is of no use here.
"$program" dev --listen 127.0.0.1:0 --admin 127.0.0.1:0 --issuer "127.0.0.1:$issuer_port" >/dev/null &
"$program" serve --config "$directory/countersign.yaml" &
nginx -p "$directory" -c nginx.conf 2>"$directory/nginx.log" &

site=http://127.0.0.1:$nginx_port
issuer=http://127.0.0.1:$issuer_port
# curl asks again until somebody answers, and until Countersign has the keys and says 401.
wait_for() { curl -s -o /dev/null --retry 15 --retry-delay 1 --retry-all-errors --max-time 5 "$@"; }
wait_for -f "$issuer/.well-known/openid-configuration"
login() { curl -sf -d subject=alice -d "scope=$1" "$issuer/dev/login" | sed 's/.*"access_token":"\([^"]*\)".*/\1/'; }
token=$(login "openid notes.read")
wait_for -f -H "Authorization: Bearer $token" "$site/"

ask() {
    printf '%s\n' "$1"
    shift
    curl -s -o "$directory/body" -w '  %{http_code}\n' -D "$directory/head" "$@"
    sed -n 's/^\(WWW-Authenticate: .*\)\r$/  \1/Ip' "$directory/head"
    grep -v '^ *<\|^$' "$directory/body" | sed 's/^/  /' || true
}
ask "without a token" "$site/"
ask "with a good one" -H "Authorization: Bearer $token" "$site/"
ask "with a good one, and a made-up identity" -H "Authorization: Bearer $token" -H "X-Auth-Subject: root" "$site/"
ask "with one that may not write" -H "Authorization: Bearer $token" "$site/notes/write"
token=$(login "openid notes.write")
ask "with one that may" -H "Authorization: Bearer $token" "$site/notes/write"
ask "in public, with a made-up identity" -H "X-Auth-Subject: root" "$site/public"
ask "in public, with a bad token" -H "Authorization: Bearer bad" "$site/public"

if [ "${1-}" = --stay ]; then
    printf '\n%s is there until Ctrl-C. An access token, good for five minutes:\n%s\n' "$site" "$token"
    wait
fi
