//! What a proxy asks about a request: which credential it presents, what its route asks of it, and what the proxy is told.
//!
//! Pure, and of no transport: `api::grpc::ext_authz` (Envoy) and `api::http::check` (nginx, Traefik, Caddy) write the same
//! answers in their own ways.

pub mod admission;
pub mod credential;
pub mod denial;
pub mod identity;
mod login;
pub mod names;
pub mod query;
pub mod reply;
pub mod request;
pub mod route;
pub mod settings;
pub mod source;
