#!/usr/bin/env bash
# instructions.sh [update]: counts the instructions of benches/instructions per validation, and compares them with
# benches/instructions.txt, or writes that file.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$root"

expected=benches/instructions.txt
calls=1000 # as in benches/instructions/main.rs

# Another compiler or processor makes other instructions of the same code: there is nothing to compare with.
built_by="$(rustc -V | cut -d ' ' -f 1,2) on $(uname -m)"
written_by=$(sed -n 's/^# By //p' "$expected")
if [ "${1:-}" != update ] && [ "$built_by" != "$written_by" ]; then
    say "NOT compared: the counts in $expected are by $written_by, and this is $built_by"
    say "to compare a change here: make instructions-update before it, make instructions after it"
    exit 0
fi
command -v valgrind >/dev/null || debian valgrind

program=$(CARGO_TARGET_DIR=target cargo build --locked --profile instructions --bench instructions \
    --message-format json-render-diagnostics |
    sed -n 's/.*"name":"instructions".*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
[ -n "$program" ] || { say "cargo named no program"; exit 1; }

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

count() {
    valgrind --tool=callgrind --callgrind-out-file="$out/$1" --collect-atstart=no --toggle-collect='*measured*' \
        "$program" "$1" >"$out/$1.log" 2>&1 || { cat "$out/$1.log" >&2; exit 1; }
    local total
    total=$(sed -n 's/^summary: //p; s/^totals: //p' "$out/$1" | tail -n 1)
    [ "${total:-0}" -gt 0 ] || { say "nothing was counted for $1"; exit 1; }
    echo $((total / calls))
}

if [ "${1:-}" = update ]; then
    {
        sed -n '/^#/p' "$expected" | sed "s/^# By .*/# By $built_by/"
        for scene in cached answered checked uncached; do
            printf '%-9s %6d %3d%%\n' "$scene" "$(count "$scene")" "$(sed -n "s/^$scene .* \([0-9]*\)%$/\1/p" "$expected")"
        done
    } >"$out/new"
    cp "$out/new" "$expected"
    cat "$expected"
    exit
fi

failed=0
while read -r scene before tolerance; do
    case $scene in '#'* | '') continue ;; esac
    now=$(count "$scene" </dev/null)
    tolerance=${tolerance%\%}
    outcome=ok
    # Fewer is a change, too: whoever makes it faster keeps that.
    if [ $((now * 100)) -gt $((before * (100 + tolerance))) ]; then outcome="MORE than allowed"; failed=1; fi
    if [ $((now * 100)) -lt $((before * (100 - tolerance))) ]; then outcome="FEWER than written down"; failed=1; fi
    awk -v scene="$scene" -v now="$now" -v before="$before" -v tolerance="$tolerance" -v outcome="$outcome" 'BEGIN {
        printf "%-9s %6d instructions, %+.1f%% from %d (within %d%%): %s\n",
            scene, now, (now - before) * 100 / before, before, tolerance, outcome }'
done <"$expected"
if [ "$failed" = 1 ]; then say "if that is meant: make instructions-update, and say why in the commit"; exit 1; fi
