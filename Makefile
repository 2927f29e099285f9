# `make help` lists the targets. Tools go to .tools, nothing is installed elsewhere except missing Debian packages.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.tools/bin:$(PATH)

.PHONY: help dev build test lint check torture bench fuzz fuzz-lock instructions instructions-update fmt fmt-check \
	clippy docs schema image protos protos-image deny deny-advisories clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: ## run Countersign with a development issuer; needs only Rust and a C compiler
	@cargo run --locked -- dev

build: ## build the release binary
	@cargo build --locked --release

test: ## install what the tests need and run all tests
	@scripts/install-peers.sh
	@cargo build --locked
	@RUSTDOC=$(CURDIR)/scripts/rustdoc.sh cargo test --locked --no-fail-fast

lint: fmt-check clippy docs protos deny ## everything that CI checks beside the tests

check: lint test fuzz instructions ## everything that CI runs

torture: ## the property tests with many more cases, 20 seeds of crashes and of herds, 2000 simulations, 10000 reads of one's own writes, 10 rolling updates, two minutes of fuzzing for each target
	@scripts/install-peers.sh
	@PROPTEST_CASES=$${PROPTEST_CASES:-20000} cargo test --locked --lib
	@REVOCATION_CRASHES=$${REVOCATION_CRASHES:-20} SIMULATIONS=$${SIMULATIONS:-2000} cargo test --locked --test it -- --nocapture revocation::
	@REVOCATION_CRASHES=$${REVOCATION_CRASHES:-20} REVOCATION_READS=$${REVOCATION_READS:-10000} cargo test --locked --test it -- --nocapture replicas::
	@REFRESH_CRASHES=$${REFRESH_CRASHES:-20} REFRESH_SEEDS=$${REFRESH_SEEDS:-20} cargo test --locked --test it -- --nocapture refresh::
	@ROLLING_UPDATES=$${ROLLING_UPDATES:-10} cargo test --locked --test it -- --nocapture edge::rolling::
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-120} FUZZ_SEED=$${FUZZ_SEED:-0} scripts/fuzz.sh

fuzz: ## replay the fuzzing corpora, then fuzz each target for 10 s (FUZZ_SECONDS, FUZZ_SEED)
	@scripts/fuzz.sh

fuzz-lock: ## bring fuzz/Cargo.lock in step with Cargo.lock
	@cp Cargo.lock fuzz/Cargo.lock
	@cargo metadata --format-version 1 --manifest-path fuzz/Cargo.toml >/dev/null

bench: ## the speed budget: server CPU time against a no-op server; latencies in target/latency.svg
	@scripts/install-redis.sh
	@scripts/install-envoy.sh
	@cargo bench --locked --bench speed

instructions: ## count the instructions of a validation, and compare with benches/instructions.txt
	@scripts/instructions.sh

instructions-update: ## write benches/instructions.txt
	@scripts/instructions.sh update

fmt: ## format the Rust sources and the protos
	@cargo fmt
	@cargo fmt --manifest-path fuzz/Cargo.toml
	@scripts/install-buf.sh
	@cd proto && buf format --write

fmt-check:
	@cargo fmt --check
	@cargo fmt --check --manifest-path fuzz/Cargo.toml

clippy:
	@cargo clippy --locked --all-targets -- -D warnings

docs: ## build the API documentation, warnings being errors
	@RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

protos: ## lint the protos and compare them with proto/image.binpb
	@scripts/protos.sh

schema: ## make docs/countersign.schema.json, its copy in the chart and the tables of docs/configuration.md from the code
	@cargo build --locked --quiet
	@target/debug/countersign schema >docs/countersign.schema.json
	@python3 helm/schema.py
	@target/debug/countersign schema --page docs/configuration.md

image: ## build the container image; without a container engine, what would be in it (IMAGE)
	@scripts/image.sh

protos-image: ## after a release: take the protos as what later ones must stay compatible with
	@scripts/install-buf.sh
	@cd proto && buf build --as-file-descriptor-set --exclude-source-info --output image.binpb

deny: ## check the dependencies' licences, sources and duplicates, offline
	@scripts/install-cargo-deny.sh
	@cargo fetch --locked --quiet
	@cargo deny --offline check bans licenses sources
	@cargo fetch --locked --quiet --manifest-path fuzz/Cargo.toml
	@cargo deny --offline --config deny.toml --manifest-path fuzz/Cargo.toml check bans licenses sources

deny-advisories: ## check the dependencies for advisories; fetches the advisory database
	@scripts/install-cargo-deny.sh
	@cargo deny check advisories

clean: ## remove what was built
	@cargo clean

distclean: clean ## remove what was built and installed
	@rm -rf .tools scripts/buf/node_modules tests/it/peers/*/node_modules
	@rm -rf examples/clients/*/{.venv,gen,build,target,node_modules}
