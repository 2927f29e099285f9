//! Tokens and what makes one acceptable: pure rules over explicit inputs.
//!
//! Nothing here does I/O or knows a transport, a runtime, a clock or a store: time is always the parameter `now`.

pub mod algorithm;
pub mod claims;
pub mod decide;
pub mod edge;
pub mod introspection;
pub mod json;
pub mod jws;
pub mod key;
pub mod kind;
pub mod limit;
pub mod policy;
pub mod reason;
pub mod refresh;
pub mod revocation;
pub mod rotation;
pub mod secret;
#[cfg(test)]
pub(crate) mod testing;
pub mod time;
pub mod token;
pub mod tokens;
pub mod verify;
