//! Another configuration for a process at work: taken whole, or not at all.

mod changes;
mod report;
mod seen;
mod watcher;

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use super::{StartError, holder, keys::Followers, revocation::Revocation};
use crate::{
    api::grpc::limits::LimitsLayer,
    config::{Config, Loaded, Problems, needing_restart},
    ops::{metrics::ReloadMetrics, readiness::Readiness},
    service::{check::Checker, refresh::Refresher, trust::Trust, validate::Validator},
};

use self::{changes::Changes, report::Report};
pub(super) use self::{changes::Issuers, watcher::Watcher};

pub use self::seen::ConfigFile;

/// What can be set while the process runs.
#[derive(Debug)]
pub(super) struct Controls {
    pub(super) limits: LimitsLayer,
    pub(super) drain: watch::Sender<Duration>,
    pub(super) followers: Followers,
    pub(super) readiness: Readiness,
}

/// Gives a process at work another configuration.
#[derive(Debug)]
pub(super) struct Reloader {
    running: Config,
    issuers: Issuers,
    validator: Arc<Validator>,
    revocation: Revocation,
    refresher: Arc<Refresher>,
    checker: Arc<Checker>,
    controls: Controls,
    report: Report,
}

/// Why a configuration was not taken. What was in effect still is.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    #[error(transparent)]
    Invalid(#[from] Problems),
    #[error("only a restart can change {}", .0.join(", "))]
    NeedsRestart(Vec<&'static str>),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("this program has a bug: reading it panicked")]
    Panicked,
}

impl Reloader {
    /// A process that runs with this configuration so far.
    pub(super) fn new(
        running: Config,
        issuers: Issuers,
        validator: Arc<Validator>,
        (revocation, refresher, checker): (Revocation, Arc<Refresher>, Arc<Checker>),
        metrics: ReloadMetrics,
        controls: Controls,
    ) -> Self {
        let report = Report::new(metrics, controls.readiness.clone());
        Self { running, issuers, validator, revocation, refresher, checker, controls, report }
    }

    /// Takes what was read, and says so; or says why not.
    async fn reload(&mut self, read: Result<Loaded, NotTaken>) {
        let taken = match read {
            Ok(loaded) => self.take(loaded).await,
            Err(error) => Err(error),
        };
        match taken {
            Ok(changes) => self.report.taken(&changes),
            Err(error) => self.report.refused(&error),
        }
    }

    async fn take(&mut self, loaded: Loaded) -> Result<Changes, NotTaken> {
        let Loaded { config, warnings, effective: _ } = loaded;
        let keys = needing_restart(&self.running, &config);
        if !keys.is_empty() {
            return Err(NotTaken::NeedsRestart(keys));
        }
        let next = self.issuers.next(config.issuers.clone())?;
        next.have_first_keys().await;
        // As late as can be: what is revoked from here on lives as long as the old configuration makes it.
        self.revocation.prepare(&config).await?;
        // All that could fail has gone well.
        for warning in &warnings {
            tracing::warn!(config.warning = %warning, "the configuration is probably not what was meant");
        }
        self.validator.replace_trust(Trust::new(next.issuers(), config.limits.max_token_bytes));
        self.revocation.replace(&config);
        self.refresher.replace(&config.issuers, config.refresh);
        self.checker.replace_settings(config.ext_authz.clone());
        self.controls.limits.set_max_concurrent(config.limits.max_concurrent);
        self.controls.drain.send_replace(config.limits.drain);
        self.running = config;
        let changes = self.issuers.replace(next);
        let started = changes.started.iter().map(|issuer| holder(Arc::clone(issuer))).collect();
        self.controls.followers.change(&changes.names_gone, started).await;
        Ok(changes)
    }
}
