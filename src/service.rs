//! The use cases, without a transport.

pub mod fault;
pub mod trust;
pub mod validate;
