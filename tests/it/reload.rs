//! Another configuration for a service at work: what changes and when, what does not, and what is said about it.
#![cfg(test)] // tells clippy that helpers may unwrap, too

mod changed;
mod files;
mod lifetimes;
mod limits;
mod refused;
mod revocation;
mod signals;
mod under_load;

use std::time::Duration;

use crate::support::{
    service::Service,
    tokens::{Signer, claims, key_set},
    wait::until,
};

const AUDIENCE: &str = "https://api.example.test";

/// Two looks at the files, a second apart, and time for a busy machine.
const TO_RELOAD: Duration = Duration::from_secs(30);

const FAILING: &str = "countersign_config_reload_failing";

/// An issuer whose keys are in a file.
struct Party {
    name: &'static str,
    signer: Signer,
}

impl Party {
    fn new(name: &'static str) -> Self {
        Self { name, signer: Signer::es256() }
    }

    fn issuer(&self) -> String {
        format!("https://{}.example.test", self.name)
    }

    /// Its entry in the list of issuers; `more` begins with a comma.
    fn entry(&self, more: &str) -> String {
        let (name, issuer) = (self.name, self.issuer());
        format!(
            "  - {{ name: {name}, issuer: {issuer}, jwks_file: ./{name}.json, audiences: [{AUDIENCE}]{more} }}\n"
        )
    }

    fn key_set(&self) -> String {
        key_set(&[&self.signer]).to_string()
    }

    fn token(&self) -> String {
        self.signer.access_token(&claims(&self.issuer(), AUDIENCE))
    }
}

/// A configuration with these entries.
fn issuers(entries: &[String]) -> String {
    format!("issuers:\n{}", entries.concat())
}

/// A service with the first party as its only issuer, and the key sets of both.
async fn start(one: &Party, other: &Party) -> Service {
    let [first, second] = [one, other].map(|party| (format!("{}.json", party.name), party.key_set()));
    let files = [&first, &second].map(|(name, keys)| (name.as_str(), keys.as_bytes()));
    Service::start_with_files(&issuers(&[one.entry("")]), &files).await
}

/// Waits until this many reloads went well.
async fn reloaded(service: &Service, times: u32) {
    counted(service, "countersign_config_reloads_total{outcome=\"ok\"}", times).await;
    assert_eq!(service.metric(FAILING).await.to_bits(), 0_f64.to_bits());
}

/// Waits until this many reloads failed.
async fn refused(service: &Service, times: u32) {
    counted(service, "countersign_config_reloads_total{outcome=\"failed\"}", times).await;
    assert_eq!(service.metric(FAILING).await.to_bits(), 1_f64.to_bits());
}

async fn counted(service: &Service, sample: &str, times: u32) {
    until(&format!("{sample} {times}"), TO_RELOAD, async || {
        let value = service.metric(sample).await;
        assert!(value <= f64::from(times), "{sample} {value}\n{}", service.output());
        (value >= f64::from(times)).then_some(())
    })
    .await;
}
