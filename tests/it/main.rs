//! Integration tests: one binary.

fn main() {}
