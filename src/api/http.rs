//! HTTP/1.1 listeners.
