//! One configured identity provider: how to reach it and which keys it signs with.
//!
//! A lookup of a known key touches one snapshot and nothing else. What is missing is decided by `freshness`, fetched by the
//! `keeper`, and waited for at the `desk`.

pub mod settings;

mod client;
mod desk;
mod discovery;
mod endpoints;
mod exchange;
mod fetch;
mod freshness;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod http;
mod id;
mod introspection;
mod jwks;
mod keeper;
mod keys;
mod metadata;
mod metrics;
mod not_told;
mod oauth_error;
pub mod probe;
mod revoker;
mod saved;
mod snapshot;
mod start;
#[cfg(test)]
mod testing;
mod token_endpoint;

pub use client::{AssertionKey, BadAssertionKey, ClientAuthentication, OAuthClient};
pub use exchange::{Exchanged, Grant, Granted};
pub use http::{HttpClient, NoHttpClient, is_permitted};
pub use id::IssuerId;
pub use introspection::{
    IntrospectionMetrics, IntrospectionSettings, Introspector, IssuerIntrospectionMetrics, NotIntrospected,
};
pub use keys::{Issuer, Lookup};
pub use metrics::{IssuerKeyMetrics, KeyMetrics};
pub use not_told::{NotTold, Trouble};
pub use revoker::{Never, Revocable, Revoker, TokenType};
pub use settings::{IssuerRefresh, IssuerSettings, KeyFreshness, KeySettings, KeySource, SessionApi};
pub use snapshot::KeySnapshot;
pub use start::Surroundings;
pub use token_endpoint::TokenEndpoint;
