#!/usr/bin/env bash
# Builds the container image, or, where there is no container engine, does what the Dockerfile does without one: the same steps, on
# nothing but the files that .dockerignore lets in, and a check that the program would run in the base. IMAGE names the image.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

image=${IMAGE:-countersign:$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)}
for engine in docker podman; do
    if "$engine" info >/dev/null 2>&1; then
        exec "$engine" build --tag "$image" "$root"
    fi
done

say "no container engine here: the same steps without one"
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
sed -n 's/^!//p' "$root/.dockerignore" | (cd "$root" && xargs cp --recursive --parents --target-directory="$context")
# Of its own, because cargo tells builds in different directories apart by more than their result.
export CARGO_TARGET_DIR="$root/target/image"
out="$CARGO_TARGET_DIR/out"
cd "$context"
for step in tools fetch "build $out"; do
    # shellcheck disable=SC2086 # a step and its argument
    scripts/image-steps.sh $step
done
"$root/scripts/image-check.sh" "$out/countersign"
say "$out has what would be in the image"
