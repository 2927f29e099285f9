//! gRPC services.

pub mod codec;
pub mod status;
