//! `grpc.health.v1.Health`: the process (empty name), each service that is served, and `issuer/<name>` for the keys.

use std::sync::Arc;

use tokio::sync::Mutex;
use tonic_health::{
    ServingStatus,
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};

use crate::proto::server::token_service_server;

/// What health checks are answered with.
#[derive(Clone, Debug)]
pub struct Health {
    reporter: HealthReporter,
    /// Whether the process drains; held over each change, so that nothing is SERVING after that.
    draining: Arc<Mutex<bool>>,
    issuers: Arc<[String]>,
}

impl Health {
    /// Everything NOT_SERVING, until told otherwise.
    pub async fn new(issuers: Vec<String>) -> Self {
        let issuers: Vec<_> = issuers.into_iter().map(|name| format!("issuer/{name}")).collect();
        let health =
            Self { reporter: HealthReporter::new(), draining: Arc::default(), issuers: issuers.into() };
        health.set_all(ServingStatus::NotServing).await;
        health
    }

    /// The service to add to a server.
    pub fn service(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }

    /// For tests that ask in-process.
    #[cfg(test)]
    pub fn reporter(&self) -> HealthReporter {
        self.reporter.clone()
    }

    /// The process is ready.
    pub async fn ready(&self) {
        let draining = self.draining.lock().await;
        if !*draining {
            for name in Self::of_process() {
                self.reporter.set_service_status(name, ServingStatus::Serving).await;
            }
        }
    }

    /// Whether an issuer has keys that can be used.
    pub async fn issuer(&self, name: &str, usable: bool) {
        let draining = self.draining.lock().await;
        if !*draining {
            let status = if usable { ServingStatus::Serving } else { ServingStatus::NotServing };
            self.reporter.set_service_status(format!("issuer/{name}"), status).await;
        }
    }

    /// The process shuts down: everything NOT_SERVING, for good.
    pub async fn drain(&self) {
        let mut draining = self.draining.lock().await;
        *draining = true;
        self.set_all(ServingStatus::NotServing).await;
    }

    async fn set_all(&self, status: ServingStatus) {
        for name in Self::of_process().into_iter().chain(self.issuers.iter().map(String::as_str)) {
            self.reporter.set_service_status(name, status).await;
        }
    }

    fn of_process() -> [&'static str; 2] {
        ["", token_service_server::SERVICE_NAME]
    }
}
