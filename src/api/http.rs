//! HTTP/1.1 listeners.

pub mod admin;
