//! gRPC services.

pub mod codec;
pub mod status;
pub mod token;
