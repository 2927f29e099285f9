//! The use cases, without a transport.

mod bounded;
pub mod capacity;
pub mod check;
mod draws;
pub mod fault;
pub mod feed;
pub mod fitness;
pub mod loading;
pub mod propagate;

pub mod refresh;
pub mod revoke;
pub mod sweep;
pub mod trust;
pub mod validate;
