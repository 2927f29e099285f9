//! What is known about each identity provider: defaults under what the user wrote, and what its issuers look like.
//!
//! A file a provider. Each says what its tokens were seen or are documented to be; docs/providers.md says it to users.

mod auth0;
mod cognito;
mod entra;
mod hydra;
mod keycloak;
mod okta;
mod scalekit;
mod standard;
mod supabase;

use std::time::Duration;

use url::Url;

use super::{
    effective::Shown,
    key::Key,
    notation::Notation,
    scalar::{Setting, no_such},
    section::Section,
    tree::Value,
};
use crate::domain::{
    algorithm::{Algorithm, AllowedAlgorithms},
    kind::{KindRule, KindRules},
    policy::{AnyClaim, AudienceClaim, ClaimNames, ClaimPath},
};
use crate::issuer::SessionApi;

/// The defaults of one profile.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    /// For issuers whose keys are public.
    pub(super) algorithms: AllowedAlgorithms,
    pub(super) audience_claim: AudienceClaim,
    pub(super) kinds: KindRules,
    pub(super) claims: ClaimNames,
    pub(super) max_token_lifetime: Duration,
    pub(super) session_api: SessionApi,
    pub(super) rotates: Rotates,
    doubt: Doubt,
}

/// What a provider does with a refresh token that was exchanged, as `issuers[].refresh.rotation` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rotates {
    Unknown,
    Never,
    Strict,
    Graceful,
}

/// What is wrong with an issuer that cannot be this provider's: the text as written, since tokens repeat it byte for byte,
/// and what it is as an address.
type Doubt = fn(&str, &Url) -> Option<&'static str>;

const PROFILE: Key = Key::reload(
    "profile",
    "Whose defaults count; [providers.md](providers.md) has a section on each provider.",
);

/// A profile's name, and the profile.
#[derive(Clone, Copy)]
struct Named(&'static str, fn() -> Profile);

const GENERIC: Named = Named("generic", standard::profile);
const PROFILES: [Named; 9] = [
    GENERIC,
    Named("scalekit", scalekit::profile),
    Named("auth0", auth0::profile),
    Named("okta", okta::profile),
    Named("keycloak", keycloak::profile),
    Named("hydra", hydra::profile),
    Named("entra", entra::profile),
    Named("cognito", cognito::profile),
    Named("supabase", supabase::profile),
];

/// Reads `profile`.
pub(super) fn read(section: &mut Section<'_, '_>) -> Profile {
    let Named(_, profile) = section.value(PROFILE, GENERIC);
    profile()
}

impl Setting for Named {
    fn notation() -> Notation {
        Notation::words(PROFILES.map(|Self(name, _)| name))
    }

    fn read(value: &Value) -> Result<Self, String> {
        let name = String::read(value)?;
        let known = PROFILES.into_iter().find(|Self(known, _)| *known == name);
        known.ok_or_else(|| no_such("a profile", &name, &PROFILES.map(|Self(known, _)| known)))
    }

    fn show(&self) -> Shown {
        Shown::plain(self.0)
    }
}

impl Profile {
    /// Warns of an issuer that does not look like this provider's. No error: there may be a proxy, a test server or a
    /// domain that nobody here knows of.
    pub(super) fn check_issuer(&self, section: &mut Section<'_, '_>, issuer: &str) {
        let Ok(url) = Url::parse(issuer) else { return };
        if let Some(doubt) = (self.doubt)(issuer, &url) {
            section.warning("issuer", doubt);
        }
    }
}

/// The algorithms that a provider signs with, where it leaves no choice.
fn only(algorithms: &[Algorithm]) -> AllowedAlgorithms {
    AllowedAlgorithms::new(algorithms.to_vec()).unwrap_or_else(|_| AllowedAlgorithms::asymmetric())
}

fn rule(typ: &[&str], require: &[&[&str]], forbid: &[&str]) -> KindRule {
    KindRule {
        typ: typ.iter().map(|typ| (*typ).to_owned()).collect(),
        require: any_of(require),
        forbid: claims(forbid),
        stated: false,
    }
}

/// The same for a provider whose payloads say which kind they are.
fn stated(typ: &[&str], require: &[&[&str]], forbid: &[&str]) -> KindRule {
    KindRule { stated: true, ..rule(typ, require, forbid) }
}

fn any_of(alternatives: &[&[&str]]) -> Vec<AnyClaim> {
    alternatives.iter().map(|names| AnyClaim::new(claims(names))).collect()
}

fn claims(names: &[&str]) -> Vec<ClaimPath> {
    names.iter().map(|name| ClaimPath::new(*name)).collect()
}

#[cfg(test)]
mod tests;
