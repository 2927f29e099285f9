//! Integration tests: one binary.

mod server;
