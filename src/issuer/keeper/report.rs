//! What the log says about one issuer's keys: a line for each change of state, none for each attempt.

use std::{sync::Arc, time::Duration};

use crate::{
    domain::policy::IssuerPolicy,
    issuer::{
        desk::Standing,
        fetch::{Chain, FetchError},
        jwks::{DocumentError, Unusable, Why},
        snapshot::KeySnapshot,
    },
};

/// How many keys one line names.
const NAMED_KEYS: usize = 10;

/// Remembers what was said last.
pub(in crate::issuer) struct Report {
    policy: Arc<IssuerPolicy>,
    failing: bool,
    tokens: Option<Tokens>,
    unusable: Vec<Unusable>,
}

/// What becomes of an issuer's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tokens {
    /// There are keys to check them with.
    Checked,
    /// The issuer publishes no key that could have signed one (K12).
    Refused,
    /// Nobody can tell.
    Uncheckable,
}

impl Report {
    /// Nothing was said yet.
    pub(in crate::issuer) fn new(policy: Arc<IssuerPolicy>) -> Self {
        Self { policy, failing: false, tokens: None, unusable: Vec::new() }
    }

    fn name(&self) -> &str {
        &self.policy.name
    }

    /// A set from the store is in use.
    pub(super) fn restored(&self, age: Duration) {
        let age_s = age.as_secs();
        tracing::info!(
            token.issuer = self.name(),
            key_set.age_s = age_s,
            "stored keys are used until the first good fetch"
        );
    }

    /// A set from the store is no key set under today's rules.
    pub(super) fn not_restored(&self, error: DocumentError) {
        tracing::warn!(token.issuer = self.name(), error.message = %error, "the stored key set is not used");
    }

    /// A document was taken.
    pub(super) fn swapped(
        &mut self,
        before: Option<&KeySnapshot>,
        now: &KeySnapshot,
        unusable: Vec<Unusable>,
    ) {
        let changed = before.is_none_or(|before| before.generation != now.generation);
        if changed {
            self.changed(now);
        }
        if unusable != self.unusable || (changed && !unusable.is_empty()) {
            self.not_used(&unusable);
        }
        self.unusable = unusable;
    }

    fn changed(&self, now: &KeySnapshot) {
        let (issuer, generation) = (self.name(), now.generation);
        let named = now.keys.iter().take(NAMED_KEYS).map(|key| key.key_id().unwrap_or("-"));
        let key_ids = named.collect::<Vec<_>>();
        tracing::info!(
            token.issuer = issuer,
            key_set.generation = generation,
            key_set.keys = now.keys.len(),
            key_set.key_ids = ?key_ids,
            "the issuer's key set changed"
        );
    }

    fn not_used(&self, unusable: &[Unusable]) {
        let issuer = self.name();
        let named: Vec<_> = unusable.iter().take(NAMED_KEYS).map(ToString::to_string).collect();
        if unusable.iter().any(|key| key.why == Why::Published) {
            tracing::error!(
                token.issuer = issuer,
                key_set.unusable = ?named,
                "the issuer publishes private or shared keys: they are not used, and whoever has seen them can sign"
            );
        } else if unusable.is_empty() {
            tracing::info!(token.issuer = issuer, "every published key is usable again");
        } else {
            let count = unusable.len();
            tracing::warn!(token.issuer = issuer, key_set.unusable_keys = count, key_set.unusable = ?named, "some published keys are not used");
        }
    }

    /// An attempt went well.
    pub(super) fn succeeded(&mut self) {
        if std::mem::take(&mut self.failing) {
            tracing::info!(token.issuer = self.name(), "the issuer's keys can be fetched again");
        }
    }

    /// A step of the keeper panicked; it goes on.
    pub(super) fn panicked(&self, step: &'static str) {
        tracing::error!(
            token.issuer = self.name(),
            task.name = step,
            "the key keeper panicked, which is a bug; it goes on"
        );
    }

    /// An attempt went badly.
    pub(super) fn failed(&mut self, error: &FetchError) {
        if matches!(error, FetchError::Panicked) {
            self.panicked("fetching the key set");
        }
        let (issuer, kind, chain) = (self.policy.name.as_str(), error.kind(), Chain(error));
        if std::mem::replace(&mut self.failing, true) {
            tracing::debug!(token.issuer = issuer, error.type = kind, error.message = %chain, "fetching keys failed again");
        } else {
            tracing::warn!(token.issuer = issuer, error.type = kind, error.message = %chain, "fetching keys failed");
        }
    }

    /// Where tokens stand after an attempt that went `well` or not, with this many keys held.
    pub(super) fn standing(&mut self, standing: Standing, well: bool, keys: usize) {
        let now = match (standing.has_usable_set, keys) {
            (true, 1..) => Tokens::Checked,
            (true, 0) if well => Tokens::Refused,
            (true | false, _) => Tokens::Uncheckable,
        };
        let before = self.tokens.replace(now);
        if before == Some(now) {
            return;
        }
        let issuer = self.name();
        match now {
            Tokens::Checked if before.is_none() => {}
            Tokens::Checked => {
                tracing::info!(token.issuer = issuer, "the issuer's tokens can be checked again");
            }
            Tokens::Refused => tracing::error!(
                token.issuer = issuer,
                "the issuer publishes no usable key: those it had are withdrawn, and every token of it is refused"
            ),
            Tokens::Uncheckable => tracing::error!(
                token.issuer = issuer,
                "no keys of the issuer are young enough: its tokens cannot be checked"
            ),
        }
    }
}
