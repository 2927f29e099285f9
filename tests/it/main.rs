//! Integration tests: one binary.

mod keys;
mod server;
