//! docs/operations.md says what a client sees, and what Envoy counts, when there is no answer to a check. Each row of its table
//! is a test, with both Envoys, where failures pass and where they do not.

mod gate;
mod scene;
mod service;
mod store;
mod table;
