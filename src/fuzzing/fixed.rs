//! What does not change between runs: two issuers, their keys, and everything that was ever signed with them. The private
//! keys were thrown away by fuzz/seeds.py, which drew them; the shared secret is no secret.

use std::{
    collections::HashSet,
    path::Path,
    sync::{Arc, OnceLock},
};

use crate::{
    config::{Config, Environment},
    domain::{
        key::{KeySet, VerifyingKey},
        policy::IssuerPolicy,
    },
    issuer::{KeySource, fuzzing},
};

/// The shared secret.
pub(super) const SECRET: &str = "a-made-up-secret-that-protects-nothing-and-is-long-enough-for-HS512";

const CONFIG: &str = "
issuers:
  - name: public
    issuer: https://issuer.example
    audiences: [https://api.example]
  - name: shared
    issuer: https://shared.example
    audiences: [https://api.example]
    secret: {env: SHARED}
    algorithms: [HS256, HS384, HS512]
";

/// An issuer and its keys.
pub(super) struct Signer {
    pub(super) policy: Arc<IssuerPolicy>,
    pub(super) keys: KeySet,
}

/// For configurations that name a variable.
pub(super) fn environment() -> Environment {
    Environment::from_iter([("SHARED", SECRET)])
}

/// The issuer with public keys of every kind, and the one with a shared secret.
pub(super) fn signers() -> &'static [Signer] {
    static SIGNERS: OnceLock<Vec<Signer>> = OnceLock::new();
    SIGNERS.get_or_init(|| {
        let loaded = Config::parse(CONFIG, &environment(), Path::new("/nowhere"));
        let issuers = loaded.map(|loaded| loaded.config.issuers).unwrap_or_default();
        issuers
            .into_iter()
            .map(|settings| {
                let keys = keys_of(&settings.source, &settings.policy);
                let keys = KeySet::new(keys.into_iter().map(Arc::new).collect());
                Signer { policy: settings.policy, keys }
            })
            .collect()
    })
}

fn keys_of(source: &KeySource, policy: &IssuerPolicy) -> Vec<VerifyingKey> {
    match source {
        KeySource::Secret(secret) => VerifyingKey::shared(secret, &policy.algorithms).into_iter().collect(),
        KeySource::Discovery | KeySource::JwksFile(_) | KeySource::JwksUri(_) => {
            fuzzing::keys(include_bytes!("../../fuzz/fixed/jwks.json"))
        }
    }
}

/// Whether these bytes were signed once, with whichever key.
pub(super) fn was_signed(signing_input: &str) -> bool {
    static SIGNED: OnceLock<HashSet<&str>> = OnceLock::new();
    SIGNED
        .get_or_init(|| include_str!("../../fuzz/fixed/signed.txt").lines().collect())
        .contains(signing_input)
}
