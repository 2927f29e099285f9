//! R1: what was answered OK is refused after a crash, whenever it comes.
//!
//! A service takes 500 revocations a second and is killed at a random moment; after the restart every revocation that
//! was answered is looked for. `REVOCATION_CRASHES` says how many seeds are run, `REVOCATION_SEED` which is the first.

use std::sync::Arc;

use super::{
    asked,
    random::Random,
    revoking::Revoking,
    victims::{AUDIENCE, Answered, ISSUER, Reads, Victim},
};
use crate::support::{
    service::Service,
    tokens::{Signer, key_set},
};

/// Crashes of one service, one after the other, on the same store.
const CRASHES: u64 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn r1_what_was_answered_is_refused_after_a_kill() {
    let (first, seeds) = (asked("REVOCATION_SEED", 1), asked("REVOCATION_CRASHES", 3));
    for seed in first..first + seeds {
        survive(seed).await;
    }
}

async fn survive(seed: u64) {
    let signer = Arc::new(Signer::es256());
    let yaml =
        format!("issuers:\n  - {{ issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_file: ./keys.json }}\n");
    let keys = key_set(&[&signer]).to_string();
    let mut service = Service::start_with_files(&yaml, &[("keys.json", keys.as_bytes())]).await;
    let mut random = Random::seeded(seed);
    let answered = Arc::new(Answered::default());
    let mut asked = 0;
    for crash in 1..=CRASHES {
        let enough = answered.many() + 1 + usize::try_from(random.below(600)).unwrap();
        let revoking = Revoking::start(&[&service], &signer, &mut random, asked, &answered).await;
        answered.reach(enough).await;
        service.kill9().await;
        asked = revoking.stop().await;
        service.restart().await;
        let context = format!("seed {seed}, crash {crash}: everything answered is refused");
        // Read-your-writes holds over the crash, too.
        answered.all_refused(&service, &signer, Reads::YourWrites, &context).await;
        what_nobody_revoked_is_good(&service, &signer, &context).await;
    }
    println!(
        "seed {seed}: {CRASHES} kills, {} of {asked} revocations answered, all refused",
        answered.many()
    );
}

async fn what_nobody_revoked_is_good(service: &Service, signer: &Signer, context: &str) {
    let token = Victim::TokenId(u64::MAX).token(signer);
    let said = service.validate(&token).await;
    assert!(said.is_good(), "{context}: {said:?}");
}
