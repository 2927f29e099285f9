//! Countersign: a token-validation service. This file is the map; ARCHITECTURE.md explains it.

pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod dev;
pub mod domain;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod issuer;
pub mod ops;
pub mod proto;
pub mod service;
pub mod state;
pub mod store;
