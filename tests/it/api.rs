//! What the built binary promises: over gRPC, on the command line, and about what it starts with.
#![cfg(test)] // tells clippy that helpers may unwrap, too

mod batch;
mod batch_limits;
mod cache;
mod drain;
mod fields;
mod good;
mod issuers;
pub(crate) mod kit;
mod misconfigured;
mod refused;
mod revoke;
mod secrecy;
mod start;
mod stored_keys;
mod tracing;
mod unbuilt;
