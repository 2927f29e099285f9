//! Countersign: a token-validation service. This file is the map; ARCHITECTURE.md explains it.

// app comes here: the composition root.
pub mod api;
pub mod cli;
pub mod config;
pub mod domain;
pub mod issuer;
pub mod ops;
pub mod proto;
pub mod service;
pub mod state;
pub mod store;
