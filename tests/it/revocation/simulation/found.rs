//! Sequences that found a bug once.
