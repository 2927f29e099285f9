//! Opaque tokens, which only their issuer can read (RFC 7662): whom they are sent to, what the answers mean, how they are shared and
//! remembered. Against a real provider, and against ones that misbehave.

mod answers;
mod faults;
mod kit;
mod provider;
mod routes;
mod sharing;
