//! The checked form of `issuers[].introspection`.

use std::time::Duration;

use crate::{domain::limit::Limit, issuer::client::OAuthClient};

/// How an issuer is asked about tokens that only it can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntrospectionSettings {
    /// Its opaque tokens begin with one of these. Empty: any that no other issuer's settings name.
    pub prefixes: Vec<String>,
    /// How long an answer that a token is active counts at most.
    pub cache: Duration,
    /// Who asks: a confidential client.
    pub client: OAuthClient,
    /// How many questions may be open at once.
    pub max_concurrent: usize,
    /// How often it may be asked.
    pub limit: Limit,
}
