//! The use cases, without a transport.

pub mod fault;
pub mod validate;
