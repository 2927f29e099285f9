//! The use cases, without a transport.

pub mod fault;
pub mod propagate;
pub mod trust;
pub mod validate;
