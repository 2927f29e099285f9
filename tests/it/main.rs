//! The integration tests: the built binary, real peers, and the rules that no compiler checks.
//!
//! A file per subject; `support` has what they share. No test sleeps: each waits for a condition, with a deadline.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on must fail"
)]

mod support;

mod api;
mod banner;
mod cache;
mod chart;
mod clients;
mod doctor;
mod edge;
mod edge_http;
mod introspection;
mod keys;
mod oidc;
mod peer;
mod providers;
mod readme;
mod refresh;
mod reload;
mod replicas;
mod revocation;
mod scripts;
mod server;
mod store;
mod table;
mod tidy;
mod toolchain;
mod upstream;
