//! What this replica remembers between requests.

pub mod cache;
pub mod contact;
pub mod digest;
pub mod edge;
pub mod headers;
pub mod introspections;
pub mod revocations;
pub mod sessions;
