//! Where an issuer's keys come from and how fresh they have to be.

use std::{path::PathBuf, time::Duration};

use url::Url;

use super::{
    effective::Shown,
    key::Key,
    notation::Notation,
    scalar::{Setting, Size, no_such},
    secret,
    section::Section,
    tree::Value,
    written::{Address, FilePath},
};
use crate::{
    domain::{
        algorithm::{Algorithm, AllowedAlgorithms, UnknownAlgorithm},
        secret::Secret,
    },
    issuer::{KeyFreshness, KeySettings, KeySource, is_permitted},
};

const JWKS_URI: Key =
    Key::reload("jwks_uri", "The key set's address; as for `issuer`, but it may have a query.")
        .or("discovery");
const JWKS_FILE: Key = Key::reload(
    "jwks_file",
    "A key set in a file, read again as often as a fetched one. It has to be there at start and at each reload.",
)
.or("discovery");
const SECRET: Key = Key::reload(
    "secret",
    "One shared secret for HS algorithms, at least as long as the longest allowed algorithm's hash: 32, 48 or 64 bytes.",
)
.or("discovery");
const ALGORITHMS: Key = Key::reload(
    "algorithms",
    "What tokens may be signed with. With `secret` only HS algorithms, and `[HS256]` if left out; without it none of them. \
     `EdDSA` and `Ed25519` are the same.",
)
.or("what fits the keys");

const KEYS: Key = Key::reload("keys", "How fresh the issuer's keys have to be, and how they are fetched.");
const REFRESH_AFTER: Key =
    Key::reload("refresh_after", "How old a key set may be before the next scheduled fetch.");
const MAX_AGE: Key =
    Key::reload("max_age", "How old a key set may be and still verify, when it cannot be fetched.");
const MIN_REFETCH: Key = Key::reload(
    "min_refetch",
    "The least time between two fetches that unknown keys ask for. `min_refetch` < `refresh_after` < `max_age`.",
);
const TIMEOUT: Key = Key::reload("timeout", "For one fetch as a whole.");
const MAX_BYTES: Key = Key::reload("max_bytes", "Longer documents are refused.");
const MAX_KEYS: Key = Key::reload("max_keys", "Sets with more keys are refused.");

impl Setting for Algorithm {
    fn notation() -> Notation {
        Notation::words(Self::ALL.map(Self::as_str).into_iter().chain(["EdDSA"]))
    }

    fn read(value: &Value) -> Result<Self, String> {
        let name = String::read(value)?;
        let known = Self::ALL.map(Self::as_str);
        name.parse().map_err(|UnknownAlgorithm| no_such("an algorithm", &name, &known))
    }

    fn show(&self) -> Shown {
        Shown::plain(self.as_str())
    }
}

/// Reads the keys that say where keys are; at most one may be written.
pub(super) fn source(issuer: &mut Section<'_, '_>, allow_http: bool) -> KeySource {
    let uri = issuer.optional::<Address>(JWKS_URI);
    let file = issuer.optional::<FilePath>(JWKS_FILE);
    let secret = secret::read(issuer, SECRET);
    let written = ["jwks_uri", "jwks_file", "secret"].into_iter().filter(|key| issuer.has(key));
    let written: Vec<&str> = written.collect();
    if let [first, second, ..] = written.as_slice() {
        let message = format!("`{first}` says where the keys come from; write one of the two");
        issuer.problem(second, message);
    }
    let uri = uri.and_then(|Address(text)| match address(&text, allow_http) {
        Ok(url) => Some(url),
        Err(message) => {
            issuer.problem("jwks_uri", message);
            None
        }
    });
    match (uri, file, secret) {
        (Some(uri), _, _) => KeySource::JwksUri(uri),
        (None, Some(FilePath(file)), _) => KeySource::JwksFile(existing(issuer, &file)),
        (None, None, Some(secret)) => KeySource::Secret(secret),
        (None, None, None) => KeySource::Discovery,
    }
}

fn existing(issuer: &mut Section<'_, '_>, written: &str) -> PathBuf {
    let path = issuer.reader().resolve(written);
    if !issuer.reader().files.is_there(&path) {
        issuer.problem("jwks_file", format!("there is no file {}", path.display()));
    }
    path
}

/// Reads `algorithms` and fits them to the keys: HS algorithms with a secret, the others without.
pub(super) fn algorithms(
    issuer: &mut Section<'_, '_>,
    source: &KeySource,
    profile: AllowedAlgorithms,
) -> AllowedAlgorithms {
    let has_secret = issuer.has("secret");
    let defaults = if has_secret { vec![Algorithm::HS256] } else { profile.iter().collect() };
    let list = issuer.list(ALGORITHMS, defaults);
    if list.is_empty() && !issuer.is_empty_list("algorithms") {
        return profile;
    }
    let allowed = match AllowedAlgorithms::new(list) {
        Ok(allowed) => allowed,
        Err(error) => {
            issuer.problem("algorithms", error.to_string());
            return profile;
        }
    };
    match (allowed.are_symmetric(), has_secret) {
        (true, false) => {
            issuer.problem("algorithms", "HS algorithms need a `secret`; they never use keys of a key set");
        }
        (false, true) => issuer.problem("algorithms", "with a `secret`, only HS algorithms can be used"),
        (true, true) | (false, false) => {}
    }
    if let KeySource::Secret(secret) = source {
        check_length(issuer, secret, &allowed);
    }
    allowed
}

/// RFC 7518 section 3.2: a key at least as long as the hash.
fn check_length(issuer: &mut Section<'_, '_>, secret: &Secret, allowed: &AllowedAlgorithms) {
    let longest = allowed.iter().filter_map(|algorithm| Some((algorithm.least_secret_bytes()?, algorithm)));
    if let Some((least, algorithm)) = longest.max()
        && secret.len() < least
    {
        issuer.problem("secret", format!("too short: {algorithm} needs at least {least} bytes"));
    }
}

/// Reads an issuer's `keys`; nothing only together with a problem.
pub(super) fn settings(issuer: &mut Section<'_, '_>) -> Option<KeySettings> {
    const SECOND: Duration = Duration::from_secs(1);
    const LEAST: Duration = Duration::from_millis(1);
    const YEAR: Duration = Duration::from_hours(365 * 24);
    issuer.section(KEYS, |keys| {
        let refresh_after = keys.within(REFRESH_AFTER, 300 * SECOND, &(LEAST..=YEAR));
        let max_age = keys.within(MAX_AGE, 86_400 * SECOND, &(LEAST..=YEAR));
        let min_refetch = keys.within(MIN_REFETCH, 30 * SECOND, &(LEAST..=YEAR));
        let freshness = KeyFreshness::new(min_refetch, refresh_after, max_age);
        if freshness.is_err() && keys.is_sound() {
            let (key, message) = if min_refetch >= refresh_after {
                ("min_refetch", "must be less than refresh_after (K11)")
            } else {
                ("refresh_after", "must be less than max_age (K11)")
            };
            keys.problem(key, message);
        }
        let timeout = keys.within(TIMEOUT, 5 * SECOND, &(LEAST..=60 * SECOND));
        let max_bytes = bytes(keys.within(MAX_BYTES, Size::kib(512), &(Size::kib(1)..=Size::mib(16))));
        let max_keys = count(keys.within(MAX_KEYS, 100, &(1..=10_000)));
        Some(KeySettings { freshness: freshness.ok()?, timeout, max_bytes, max_keys })
    })
}

pub(super) fn bytes(size: Size) -> usize {
    count(size.0)
}

pub(super) fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// An address that keys or their discovery may be fetched from (K6). What the bytes after it mean is for the caller.
pub(super) fn address(text: &str, allow_http: bool) -> Result<Url, String> {
    // The parser forgives what an exact comparison does not: capitals, missing slashes, white space within.
    if !(text.starts_with("https://") || text.starts_with("http://")) || text.contains(char::is_whitespace) {
        return Err("expected an absolute URL that begins with `https://`".to_owned());
    }
    let url = Url::parse(text).map_err(|error| format!("not a URL: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL with a user name or password in it is not accepted".to_owned());
    }
    if url.fragment().is_some() {
        return Err("a URL with a fragment (`#`) is not accepted".to_owned());
    }
    if !is_permitted(&url, allow_http) {
        return Err("plain http is accepted for loopback hosts, or with `allow_http: true`".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_https_or_loopback() {
        for good in [
            "https://acme.scalekit.dev",
            "https://acme.example:8443/realms/a/",
            "https://acme.example/keys?p=policy",
            "http://127.0.0.1:8080",
            "http://127.1.2.3",
            "http://[::1]:8080/x",
            "http://localhost:8080",
        ] {
            assert!(address(good, false).is_ok(), "{good}");
        }
        for (bad, told) in [
            ("acme.example", "absolute URL"),
            ("/keys", "absolute URL"),
            ("ftp://acme.example", "absolute URL"),
            ("HTTPS://acme.example", "absolute URL"),
            ("https:acme.example", "absolute URL"),
            ("https://acme.example/a b", "absolute URL"),
            ("https://", "not a URL"),
            ("https://a.example#x", "fragment"),
            ("https://user@a.example", "user name"),
            ("https://user:pass@a.example", "user name"),
            ("http://acme.example", "plain http"),
            ("http://localhost.acme.example", "plain http"),
            ("http://10.0.0.1", "plain http"),
        ] {
            let message = address(bad, false).unwrap_err();
            assert!(message.contains(told), "{bad}: {message}");
            assert!(!message.contains("pass@"), "{message}");
        }
        assert!(address("http://acme.example", true).is_ok());
    }
}
