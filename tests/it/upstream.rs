//! Telling identity providers of revocations: real ones, ones that misbehave, and one that has Scalekit's session API.

mod endpoint;
mod exchange;
mod kit;
mod outbox;
mod provider;
mod scalekit;
