//! gRPC services.

mod caller;
pub mod codec;
pub mod direct;
pub mod ext_authz;
pub mod health;
pub mod limits;
pub mod methods;
pub mod server;
pub mod session;
pub mod status;
mod times;
pub mod token;
pub mod trace;
