//! One configured identity provider: how to reach it and which keys it signs with.

pub mod settings;

pub use settings::{IssuerSettings, KeyFreshness, KeySettings, KeySource};
