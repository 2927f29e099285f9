//! The configuration: raw tree -> checked [`Config`]. Every problem is reported at once, with its path and line.

use crate::{
    api::{LimitSettings, ListenAddress, ServerSettings},
    issuer::IssuerSettings,
    ops::telemetry::TelemetrySettings,
    state::cache::CacheSettings,
    store::StoreSettings,
};

/// Everything that `serve` needs to know, checked.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "named as in docs/configuration.md")]
pub struct Config {
    pub listen: Vec<ListenAddress>,
    pub server: ServerSettings,
    /// The admin port; `None`: off.
    pub admin: Option<ListenAddress>,
    pub issuers: Vec<IssuerSettings>,
    pub cache: CacheSettings,
    pub store: StoreSettings,
    pub limits: LimitSettings,
    pub telemetry: TelemetrySettings,
}
