//! What can happen to Redis: the table in docs/operations.md is what each test expects.

mod data;
mod lives;
mod outages;
pub(crate) mod proxy;
mod scene;
mod table;
