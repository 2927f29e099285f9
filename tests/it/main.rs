//! Integration tests: one binary.

mod keys;
