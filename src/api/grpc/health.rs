//! `grpc.health.v1.Health`: the process (empty name), each service that is served, and `issuer/<name>` for the keys.

use std::{collections::BTreeSet, sync::Arc};

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
    /// Held over each change, so that nothing is SERVING after a drain.
    told: Arc<Mutex<Told>>,
}

#[derive(Debug)]
struct Told {
    draining: bool,
    /// The services of the issuers.
    issuers: BTreeSet<String>,
}

impl Health {
    /// Everything NOT_SERVING, until told otherwise.
    pub async fn new(issuers: Vec<String>) -> Self {
        let issuers = issuers.iter().map(|name| service_of(name)).collect();
        let told = Told { draining: false, issuers };
        let health = Self { reporter: HealthReporter::new(), told: Arc::new(Mutex::new(told)) };
        health.set_all_not_serving(&*health.told.lock().await).await;
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
        let told = self.told.lock().await;
        if !told.draining {
            for name in OF_PROCESS {
                self.reporter.set_service_status(name, ServingStatus::Serving).await;
            }
        }
    }

    /// Whether an issuer has keys that can be used. The issuer may be a new one.
    pub async fn issuer(&self, name: &str, usable: bool) {
        let mut told = self.told.lock().await;
        if !told.draining {
            let status = if usable { ServingStatus::Serving } else { ServingStatus::NotServing };
            let service = service_of(name);
            self.reporter.set_service_status(&service, status).await;
            told.issuers.insert(service);
        }
    }

    /// An issuer is gone: its service is an unknown one, and who watched it is told NOT_SERVING and then no more.
    pub async fn remove_issuer(&self, name: &str) {
        let mut told = self.told.lock().await;
        let service = service_of(name);
        if told.issuers.remove(&service) {
            self.reporter.set_service_status(&service, ServingStatus::NotServing).await;
            self.reporter.clone().clear_service_status(&service).await;
        }
    }

    /// The process shuts down: everything NOT_SERVING, for good.
    pub async fn drain(&self) {
        let mut told = self.told.lock().await;
        told.draining = true;
        self.set_all_not_serving(&told).await;
    }

    async fn set_all_not_serving(&self, told: &Told) {
        for name in OF_PROCESS.into_iter().chain(told.issuers.iter().map(String::as_str)) {
            self.reporter.set_service_status(name, ServingStatus::NotServing).await;
        }
    }
}

const OF_PROCESS: [&str; 2] = ["", token_service_server::SERVICE_NAME];

fn service_of(issuer: &str) -> String {
    format!("issuer/{issuer}")
}
