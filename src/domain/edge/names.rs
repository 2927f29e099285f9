//! Names of headers, and the ways in which a client may write them so that something behind the proxy reads them.

/// Headers that HTTP, the proxy, browsers or credentials need: nothing else may be done with them.
const TAKEN: [&str; 25] = [
    "accept",
    "age",
    "allow",
    "authorization",
    "cache-control",
    "connection",
    "cookie",
    "date",
    "expect",
    "expires",
    "forwarded",
    "host",
    "keep-alive",
    "location",
    "origin",
    "pragma",
    "range",
    "referer",
    "server",
    "te",
    "trailer",
    "upgrade",
    "user-agent",
    "vary",
    "via",
];

/// Beginnings of names that are taken as well.
const FAMILIES: [&str; 16] = [
    "accept-",
    "access-control-",
    "content-",
    "grpc-",
    "if-",
    "proxy-",
    "sec-",
    "set-cookie",
    "transfer-",
    "x-envoy-",
    "x-forwarded-",
    "x-original-",
    "x-rewrite-",
    "x-request-id",
    "x-real-ip",
    "www-",
];

/// Longer names are nobody's.
const LONGEST: usize = 64;

/// A name has up to this many dashes, each of which can be spelt in two ways.
const MOST_DASHES: usize = 4;

/// Whether this is a header's name (RFC 9110 section 5.1) in lower case, without underscores, that nothing else needs. Each of
/// its spellings can be listed.
pub fn is_free(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LONGEST).contains(&name.len())
        && name.bytes().all(is_allowed)
        && name.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && name.matches('-').count() <= MOST_DASHES
        && !TAKEN.contains(&name)
        && !FAMILIES.iter().any(|family| name.starts_with(family))
}

/// Every spelling of a name with `-` and `_` (many servers read one as the other), the name itself first. Case is the
/// proxy's to fold.
pub fn spellings(name: &str) -> Vec<String> {
    let mut spellings = vec![String::with_capacity(name.len())];
    for character in name.chars() {
        let other = (character == '-')
            .then(|| spellings.iter().map(|spelling| format!("{spelling}_")).collect::<Vec<_>>());
        for spelling in &mut spellings {
            spelling.push(character);
        }
        spellings.extend(other.unwrap_or_default());
    }
    spellings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dash_is_spelt_both_ways() {
        assert_eq!(spellings("subject"), ["subject"]);
        let mut all = spellings("x-auth-subject");
        assert_eq!(all.first().map(String::as_str), Some("x-auth-subject"));
        all.sort();
        assert_eq!(all, ["x-auth-subject", "x-auth_subject", "x_auth-subject", "x_auth_subject"]);
        assert_eq!(spellings("a-b-c-d-e").len(), 16);
    }

    #[test]
    fn names_that_something_else_needs_are_not_free() {
        for good in ["x-auth-subject", "x-user", "a", "x1-2"] {
            assert!(is_free(good), "{good}");
        }
        for bad in [
            "",
            "Host",
            "host",
            "authorization",
            "x_user",
            ":path",
            "x user",
            "-x",
            "1x",
            "a-b-c-d-e-f",
            "x-forwarded-client-cert",
            "cache-control",
            "sec-fetch-mode",
            "content-length",
            "set-cookie",
            "\u{e9}",
        ] {
            assert!(!is_free(bad), "{bad}");
        }
        assert!(!is_free(&"x".repeat(65)));
    }
}
