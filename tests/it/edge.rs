//! The service behind a real Envoy: what reaches the upstream, what the client is told, and what happens when something fails.
#![cfg(test)] // tells clippy that helpers may unwrap, too

mod allowed;
mod bad_requests;
mod bound;
mod client;
mod configured;
mod envoy;
mod example;
mod facts;
mod failures;
mod refused;
mod replicas;
mod rolling;
mod scene;
mod scripted;
mod smuggling;
mod upstream;
