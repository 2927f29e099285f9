//! `issuers[].introspection`: how an issuer is asked about tokens that only it can read.

use std::time::Duration;

use super::{
    effective::Shown, key::Key, keys::count, notation::Notation, scalar::Setting, section::Section,
    tree::Value,
};
use crate::{
    domain::limit::Limit,
    issuer::{ClientAuthentication, IntrospectionSettings, IssuerSettings, OAuthClient},
};

const SECOND: Duration = Duration::from_secs(1);

const INTROSPECTION: Key = Key::reload(
    "introspection",
    "That the issuer is asked about opaque tokens (RFC 7662), as one of `clients`, at the `introspection_endpoint` of its \
     metadata; an empty section (`{}`) says so, too. [providers.md](providers.md#opaque-tokens) has what such tokens pass as. \
     Each question is bounded by `keys.timeout`.",
)
.or("opaque tokens are MALFORMED");
const PREFIX: Key = Key::reload(
    "prefix",
    "What this issuer's opaque tokens begin with, such as `ory_at_`. No others are sent to it, unless a request names it. \
     Needed where several issuers are asked.",
);
const CACHE: Key = Key::reload(
    "cache",
    "How long an answer that a token is active counts, and never beyond `exp`. So late it is noticed here that a token was \
     revoked at the issuer; what is revoked with `Revoke` is refused at once. Answers take up to 16 MiB beside \
     `cache.max_bytes`.",
);
const CLIENT: Key =
    Key::reload("client", "The `id` of the one of `clients` that asks; it needs a secret or key.")
        .or("the first that is not public");
const MAX_CONCURRENT: Key =
    Key::reload("max_concurrent", "Questions to the issuer at once; more are answered UPSTREAM_UNAVAILABLE.");
const MAX_PER_SECOND: Key = Key::reload(
    "max_per_second",
    "Questions to the issuer in a second; more are answered UPSTREAM_UNAVAILABLE. Anybody can make up tokens, and each is a \
     question.",
);

/// The beginning of a token.
struct TokenPrefix(String);

impl Setting for TokenPrefix {
    fn notation() -> Notation {
        Notation::pattern("text", r"^[!-~]{1,64}$")
    }

    fn read(value: &Value) -> Result<Self, String> {
        let text = String::read(value)?;
        if text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text))
        } else {
            Err("may have up to 64 visible ASCII characters".to_owned())
        }
    }

    fn show(&self) -> Shown {
        Shown::text(self.0.clone())
    }
}

/// Reads the section, if it is there.
pub(super) fn read(issuer: &mut Section<'_, '_>, clients: &[OAuthClient]) -> Option<IntrospectionSettings> {
    // One that could not be read is a problem of its own.
    let are_sound = issuer.is_sound();
    issuer.optional_section_or_off(INTROSPECTION, |section| {
        let prefixes =
            section.list::<TokenPrefix>(PREFIX, vec![]).into_iter().map(|prefix| prefix.0).collect();
        let cache = section.within(CACHE, 30 * SECOND, &(SECOND..=600 * SECOND));
        let client = client(section, clients, are_sound);
        let max_concurrent = count(section.within(MAX_CONCURRENT, 32, &(1..=1_000)));
        let burst = section.within(MAX_PER_SECOND, 200, &(1..=100_000));
        let limit = Limit { burst: u32::try_from(burst).unwrap_or(u32::MAX), per: SECOND };
        Some(IntrospectionSettings { prefixes, cache, client: client?, max_concurrent, limit })
    })?
}

/// Whoever asks has to say who it is (RFC 7662 section 2.1): otherwise anybody could try out tokens.
fn client(section: &mut Section<'_, '_>, clients: &[OAuthClient], are_sound: bool) -> Option<OAuthClient> {
    let is_confidential =
        |client: &OAuthClient| !matches!(client.authentication, ClientAuthentication::Public);
    if let Some(id) = section.optional::<String>(CLIENT) {
        return match clients.iter().find(|client| client.id == id) {
            Some(client) if is_confidential(client) => Some(client.clone()),
            Some(_) => {
                section.problem("client", "is a public client; the issuer has to know who asks");
                None
            }
            None => {
                if are_sound {
                    section.problem("client", "is none of the issuer's `clients`");
                }
                None
            }
        };
    }
    let first = clients.iter().find(|client| is_confidential(client));
    if first.is_none() && are_sound && !section.has("client") {
        section.problem("", "needs one of `clients` that has a secret or key, to ask the issuer as");
    }
    first.cloned()
}

/// No two issuers may have the same prefix: a token is sent to one. `all` ends with the issuer of this section.
pub(super) fn check_prefixes<'s>(
    issuer: &mut Section<'_, '_>,
    all: impl Iterator<Item = &'s IssuerSettings>,
) {
    let mut all: Vec<&IntrospectionSettings> = all.filter_map(|it| it.introspection.as_ref()).collect();
    let Some(last) = all.pop() else { return };
    let is_taken = |prefix: &String| all.iter().any(|other| other.prefixes.contains(prefix));
    if issuer.has("introspection") && last.prefixes.iter().any(is_taken) {
        issuer.problem("introspection", "another issuer has the same `prefix`; a token is sent to one");
    }
}
