#!/usr/bin/env bash
# fuzz.sh [TARGET...]: replays the corpora in fuzz/corpus, then fuzzes each target for FUZZ_SECONDS (10) from FUZZ_SEED
# (1; 0 draws one). What is found on the way stays in target/fuzz/found, what fails in fuzz/artifacts.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$root"

seconds=${FUZZ_SECONDS:-10}
seed=${FUZZ_SEED:-1}
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(cd fuzz/fuzz_targets && printf '%s\n' *.rs | sed 's/\.rs$//')

# Everything but the fuzzer itself has to be what the service is built from.
packages() { awk '/^name = /{ name = $3 } /^version = /{ print name, $3 }' "$1" | sort; }
names() { cut -d ' ' -f 1 | sort -u; }
drifted=$(comm -13 <(packages Cargo.lock) <(packages fuzz/Cargo.lock) | names | comm -12 - <(packages Cargo.lock | names))
if [ -n "$drifted" ] || ! cargo fetch --locked --quiet --manifest-path fuzz/Cargo.toml; then
    say "fuzz/Cargo.lock is not in step with Cargo.lock (make fuzz-lock mends it):" $drifted
    exit 1
fi

scripts/install-cargo-fuzz.sh
command -v c++ >/dev/null || debian g++
# No sanitizer: there is no unsafe code to watch, and a stable compiler has none.
fuzz=(-s none --dev --target-dir target/fuzz)
cargo fuzz build "${fuzz[@]}"
binaries="target/fuzz/$(rustc -vV | sed -n 's/^host: //p')/debug"

for target in "${targets[@]}"; do
    artifacts="fuzz/artifacts/$target/" found="target/fuzz/found/$target" log="target/fuzz/$target.log"
    mkdir -p "$artifacts" "$found"
    limits=(-timeout=20 -rss_limit_mb=1024 -max_len=8192 -artifact_prefix="$artifacts" -print_final_stats=1)
    if "$binaries/$target" "${limits[@]}" -runs=0 "fuzz/corpus/$target" >"$log" 2>&1 &&
        "$binaries/$target" "${limits[@]}" -max_total_time="$seconds" -seed="$seed" \
            "$found" "fuzz/corpus/$target" >"$log" 2>&1; then
        printf '%-10s %3d seeds, %9d inputs, coverage %s\n' "$target" "$(find "fuzz/corpus/$target" -type f | wc -l)" \
            "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
            "$(sed -n 's/.*DONE *cov: \([0-9]*\).*/\1/p' "$log")"
    else
        tail -n 40 "$log" >&2
        say "$target failed; the input is in $artifacts"
        say "again: cargo fuzz run ${fuzz[*]} $target $artifacts<input>"
        exit 1
    fi
done
