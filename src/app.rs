//! The composition root: configuration in, bound process out. It alone names concrete stores, issuers and transports
//! together.

mod bound;
mod keys;
mod shell;

use std::{path::PathBuf, sync::Arc};

use crate::{
    api::{grpc::server::ReflectionError, listener::BindError},
    config::Config,
    domain::time::Clock,
    issuer::IssuerSettings,
    ops::drain::Tasks,
    proto::server::token_service_server::TokenService,
};

pub use self::{
    bound::{Bound, Exit},
    keys::KeyHolder,
    shell::Shell,
};

/// The process cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address is taken or may not be used.
    #[error(transparent)]
    Listen(#[from] BindError),
    /// A bug: the descriptors that were compiled in do not fit together.
    #[error(transparent)]
    Reflection(#[from] ReflectionError),
    /// The store's file or the key ring's.
    #[error("cannot open the store {}", path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Binds every listener, then starts what works behind them. Nothing is answered before [`Bound::run`].
pub async fn build(config: Config, clock: Arc<dyn Clock>) -> Result<Bound, StartError> {
    let shell = Shell::bind(&config).await?;
    let issuers = start_issuers(&config.issuers, clock, shell.background());
    let holders = issuers.iter().map(StandInIssuer::holder).collect();
    shell.serving(StandInTokenApi, holders).await
}

// STAND-IN, to be replaced at merge by issuer::Issuer and api::grpc::token::TokenApi: issuers that never have keys and a
// TokenService whose methods answer UNIMPLEMENTED.

struct StandInTokenApi;

impl TokenService for StandInTokenApi {}

struct StandInIssuer {
    name: String,
}

impl StandInIssuer {
    fn holder(&self) -> KeyHolder {
        KeyHolder::new(&self.name, async {}, || false)
    }
}

fn start_issuers(settings: &[IssuerSettings], _clock: Arc<dyn Clock>, _tasks: &Tasks) -> Vec<StandInIssuer> {
    settings.iter().map(|settings| StandInIssuer { name: settings.policy.name.clone() }).collect()
}
