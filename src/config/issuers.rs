//! `issuers`: whose tokens are accepted, and by which rules.

use std::{sync::Arc, time::Duration};

use url::Url;

use super::{
    clients, effective::Shown, introspection, key::Key, keys, kinds, problem::Place, profile, refresh,
    section::Section,
};
use crate::{
    domain::{
        policy::{AudienceClaim, ClaimPath, IssuerPolicy},
        refresh::RefreshSettings,
    },
    issuer::{AssertionKey, ClientAuthentication, IssuerSettings, OAuthClient},
};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

const ISSUERS: Key = Key::reload(
    "issuers",
    "Whose tokens are accepted, and by which rules. No two may have the same `issuer` or `name`. An entry that a reload \
     leaves as it is keeps its keys and its cached tokens.",
);
const NAME: Key =
    Key::reload("name", "The name in logs, metrics and health. Up to 64 letters, digits, `.`, `-`, `_`.")
        .or("the issuer's host");
const ALLOW_HTTP: Key = Key::reload("allow_http", "Accept plain `http` for other hosts than loopback.");
const ISSUER: Key = Key::reload(
    "issuer",
    "The `iss` of the tokens, compared byte for byte. An absolute `https` URL without query, fragment or user name; with \
     a `secret`, any text.",
);
const AUDIENCE_CLAIM: Key = Key::reload(
    "audience_claim",
    "Where a token says whom it is for. `client_id` is for issuers whose access tokens have no `aud`, and the default \
     with the profile `cognito`; `audiences` then lists the accepted client ids, and an `aud` that a token has all the \
     same must be listed, too.",
)
.or_profile();
const AUDIENCES: Key = Key::reload("audiences", "A token has to be for at least one of these. Never empty.");
const LEEWAY: Key = Key::reload("leeway", "Tolerance for clocks, at every comparison of times.");
const MAX_TOKEN_LIFETIME: Key = Key::reload(
    "max_token_lifetime",
    "Tokens that live longer from `iat` to `exp` are refused, so that revocations can be complete. The profile \
     `entra` has 29h.",
)
.or_profile();
const MAX_SESSION_LIFETIME: Key = Key::reload(
    "max_session_lifetime",
    "How long a session could be refreshed at all: revocations of sessions and of everything at once are kept so long, \
     beyond the last token that they can match. Never less than `max_token_lifetime`.",
);
const MAX_TOKEN_AGE: Key =
    Key::reload("max_token_age", "Refuse tokens this long after `iat`, also before they expire.");
const REQUIRED_CLAIMS: Key = Key::reload("required_claims", "Claims that every token must have.");

/// Documented keys whose features are to come, and what they are for.
const TO_COME: [(&str, &str); 1] = [("sessions", "as `sessions`, for one issuer")];

/// One entry with what tells it from the others; no settings only together with a problem.
struct Entry {
    name: String,
    issuer: String,
    place: Place,
    settings: Option<IssuerSettings>,
}

/// Reads the list.
pub(super) fn read(root: &mut Section<'_, '_>, refresh: &RefreshSettings) -> Vec<IssuerSettings> {
    let mut entries: Vec<Entry> = Vec::new();
    root.needed_sections(ISSUERS, "at least one issuer is needed", |section| {
        let entry = read_one(section, refresh);
        let before = |same: fn(&Entry, &Entry) -> bool| {
            entries.iter().enumerate().find(|(_, before)| same(before, &entry))
        };
        if let Some((index, other)) =
            before(|one, other| !one.issuer.is_empty() && one.issuer == other.issuer)
        {
            section.problem("issuer", format!("the same as issuers[{index}] ({})", other.place));
        } else if let Some((index, other)) =
            before(|one, other| !one.name.is_empty() && one.name == other.name)
        {
            let message = format!(
                "`{}` is the name of issuers[{index}] too ({}); write another",
                entry.name, other.place
            );
            section.problem("name", message);
        }
        introspection::check_prefixes(
            section,
            entries.iter().chain([&entry]).filter_map(|it| it.settings.as_ref()),
        );
        if let Some((index, other)) = before(shares_a_key) {
            let message = format!(
                "a private key of issuers[{index}] ({}) is used here, too: an issuer that is asked could pass on there what proves \
                 who this service is; make one for each",
                other.place
            );
            section.problem("clients", message);
        }
        entries.push(entry);
    });
    entries.into_iter().filter_map(|entry| entry.settings).collect()
}

fn read_one(section: &mut Section<'_, '_>, refresh: &RefreshSettings) -> Entry {
    let name = section.optional::<String>(NAME);
    let profile = profile::read(section);
    let allow_http = section.value(ALLOW_HTTP, false);
    let issuer = issuer(section, allow_http);
    let name = checked_name(section, name, &issuer);
    let place = section.place_of("issuer");
    profile.check_issuer(section, &issuer);
    let source = keys::source(section, allow_http);
    let (audiences, audience_claim) = audiences(section, profile.audience_claim);
    let leeway = section.within(LEEWAY, 60 * SECOND, &(Duration::ZERO..=600 * SECOND));
    let (max_token_lifetime, max_session_lifetime) = lifetimes(section, profile.max_token_lifetime);
    let policy = IssuerPolicy {
        name: name.clone(),
        issuer: issuer.clone(),
        audiences,
        audience_claim,
        algorithms: keys::algorithms(section, &source, profile.algorithms),
        kinds: kinds::read(section, profile.kinds),
        leeway,
        max_token_lifetime,
        max_session_lifetime,
        max_token_age: section.within_or_off(MAX_TOKEN_AGE, None, &(SECOND..=366 * DAY)),
        required_claims: section.list(REQUIRED_CLAIMS, vec![ClaimPath::new("sub")]),
        claims: kinds::claims(section, profile.claims),
    };
    let keys = keys::settings(section);
    let clients = clients::read(section, &issuer);
    let introspection = introspection::read(section, &clients);
    for (key, about) in TO_COME {
        section.not_built(key, about);
    }
    let refresh = refresh::of_issuer(section, profile.rotates, refresh);
    let session_api = profile.session_api;
    let settings = keys.map(|keys| IssuerSettings {
        policy: Arc::new(policy),
        source,
        keys,
        clients,
        session_api,
        refresh,
        introspection,
        allow_http,
    });
    Entry { name, issuer, place, settings }
}

/// Whether both sign with one private key.
fn shares_a_key(one: &Entry, other: &Entry) -> bool {
    let keys = |entry: &'_ Entry| -> Vec<AssertionKey> {
        let clients = entry.settings.iter().flat_map(|settings| &settings.clients);
        let key = |client: &OAuthClient| match &client.authentication {
            ClientAuthentication::PrivateKeyJwt(key) => Some(key.clone()),
            ClientAuthentication::SecretBasic(_)
            | ClientAuthentication::SecretPost(_)
            | ClientAuthentication::Public => None,
        };
        clients.filter_map(key).collect()
    };
    let others = keys(other);
    keys(one).iter().any(|key| others.iter().any(|other| other.is_same_key(key)))
}

/// Reads `max_token_lifetime` and `max_session_lifetime`. Left out, the latter grows with the former.
fn lifetimes(section: &mut Section<'_, '_>, default: Duration) -> (Duration, Duration) {
    let token = section.within(MAX_TOKEN_LIFETIME, default, &(SECOND..=366 * DAY));
    let session = section.within(MAX_SESSION_LIFETIME, (90 * DAY).max(token), &(SECOND..=3_660 * DAY));
    if session < token && section.is_sound() {
        section.problem("max_session_lifetime", "must not be less than max_token_lifetime");
    }
    (token, session)
}

/// Reads `issuer`, which is kept as it was written, because tokens repeat it byte for byte.
fn issuer(section: &mut Section<'_, '_>, allow_http: bool) -> String {
    let message = "is needed: the `iss` of the tokens, such as `https://acme.example`";
    let Some(text) = section.needed::<String>(ISSUER, message) else { return String::new() };
    // Nothing is fetched from an issuer with a shared secret, and who signs for himself often calls himself by a word.
    if section.has("secret") && !text.contains("://") {
        return text;
    }
    match keys::address(&text, allow_http) {
        // OpenID Connect Discovery 1.0 section 3: neither query nor fragment.
        Ok(url) if url.query().is_some() => section.problem("issuer", "an issuer has no query (`?`)"),
        Ok(_) => {}
        Err(message) => section.problem("issuer", message),
    }
    text
}

/// `name`; left out, it is the host of the issuer. It labels metrics and names a health service, so that it is kept
/// short and plain.
fn checked_name(section: &mut Section<'_, '_>, name: Option<String>, issuer: &str) -> String {
    let name = match name {
        Some(name) => name,
        None if section.has("name") => return String::new(),
        None => host_name(issuer),
    };
    if !is_plain(&name) {
        section.problem("name", "may have up to 64 letters, digits, `.`, `-` and `_`");
    }
    section.show("name", Shown::text(name.as_str()));
    name
}

/// An IPv6 address is no name as it is written.
fn host_name(issuer: &str) -> String {
    let url = Url::parse(issuer).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or(issuer);
    host.trim_matches(['[', ']']).replace(':', "-")
}

fn is_plain(name: &str) -> bool {
    name.len() <= 64 && name.chars().all(|char| char.is_ascii_alphanumeric() || ".-_".contains(char))
}

/// Reads `audiences` and `audience_claim`. A token for nobody in particular is a token for anybody.
fn audiences(section: &mut Section<'_, '_>, default: AudienceClaim) -> (Vec<String>, AudienceClaim) {
    let words = [("aud", AudienceClaim::Aud), ("client_id", AudienceClaim::ClientId)];
    let claim = section.choice(AUDIENCE_CLAIM, default, &words);
    let message = match claim {
        AudienceClaim::Aud => "at least one is needed: what the tokens' `aud` has to name",
        AudienceClaim::ClientId => {
            "at least one is needed: with `audience_claim: client_id`, the accepted client ids"
        }
    };
    (section.needed_list(AUDIENCES, message), claim)
}
