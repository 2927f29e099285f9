//! What `fuzz/` calls: one function a target, for bytes that somebody else may choose. Each reads them as the service would
//! and panics where a promise is broken. Compiled for fuzzing and for the test that replays the corpora, never served.

mod config;
mod fixed;
mod tokens;

#[cfg(test)]
mod tests;

pub use self::{
    config::config,
    tokens::{claims, token},
};
pub use crate::{
    api::grpc::{ext_authz::fuzzing::check, token::fuzzing::request},
    issuer::fuzzing::{discovery, jwks},
};
