//! How things are called in a finding: bounded, on one line, and without what a terminal would obey.

use std::time::Duration;

use url::Url;

/// Much longer names say no more.
const LONGEST_CHARS: usize = 200;
/// Of more things than this, the rest is counted.
const MOST_LISTED: usize = 10;

/// Somebody else's text.
pub(super) fn quoted(text: &str) -> String {
    if text.chars().nth(LONGEST_CHARS).is_none() {
        return format!("{text:?}");
    }
    let begin: String = text.chars().take(LONGEST_CHARS).collect();
    format!("{begin:?}...")
}

/// An address without what may be secret in it: user name, password, query.
pub(super) fn address(url: &Url) -> String {
    let begin: String = url.path().chars().take(LONGEST_CHARS).collect();
    let origin = url.origin();
    if origin.is_tuple() {
        format!("{}{begin}", origin.ascii_serialization())
    } else {
        // `file:` and other schemes without an origin.
        format!("{}:{begin}", url.scheme())
    }
}

/// `a, b and 3 more`.
pub(super) fn listed(things: impl IntoIterator<Item = String>) -> String {
    let mut things = things.into_iter();
    let text = things.by_ref().take(MOST_LISTED).collect::<Vec<_>>().join(", ");
    let more = things.count();
    if more == 0 { text } else { format!("{text} and {more} more") }
}

/// `2h 5m`: the two largest units that say something.
pub(super) fn duration(duration: Duration) -> String {
    if duration < Duration::from_secs(10) {
        return format!("{:.1}s", duration.as_secs_f64());
    }
    let mut rest = duration.as_secs();
    let mut parts = Vec::new();
    for (unit, seconds) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
        if rest >= seconds {
            parts.push(format!("{}{unit}", rest / seconds));
        }
        rest %= seconds;
    }
    parts.truncate(2);
    parts.join(" ")
}

/// In what two names of issuers differ.
pub(super) fn difference(configured: &str, found: &str) -> String {
    if found.strip_suffix('/') == Some(configured) {
        return "the provider's ends with a slash, the configured one does not".to_owned();
    }
    if configured.strip_suffix('/') == Some(found) {
        return "the configured one ends with a slash, the provider's does not".to_owned();
    }
    if configured.eq_ignore_ascii_case(found) {
        return "they differ in capital letters".to_owned();
    }
    let (Ok(ours), Ok(theirs)) = (Url::parse(configured), Url::parse(found)) else {
        return "the provider's is no address".to_owned();
    };
    let mut parts = Vec::new();
    let mut compare = |name: &str, ours: &str, theirs: &str| {
        if ours != theirs {
            parts.push(format!("the {name} is {} there and {} here", quoted(theirs), quoted(ours)));
        }
    };
    let port = |url: &Url| url.port_or_known_default().map(|port| port.to_string()).unwrap_or_default();
    compare("scheme", ours.scheme(), theirs.scheme());
    compare("host", ours.host_str().unwrap_or_default(), theirs.host_str().unwrap_or_default());
    if ours.scheme() == theirs.scheme() {
        compare("port", &port(&ours), &port(&theirs));
    }
    compare("path", ours.path(), theirs.path());
    if parts.is_empty() {
        "they lead to the same place, but are not written alike".to_owned()
    } else {
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_differ_in_what_is_said() {
        for (configured, found, said) in [
            ("https://a", "https://a/", "the provider's ends with a slash, the configured one does not"),
            ("https://a/", "https://a", "the configured one ends with a slash, the provider's does not"),
            ("https://a", "http://a", "the scheme is \"http\" there and \"https\" here"),
            ("https://a", "https://b", "the host is \"b\" there and \"a\" here"),
            ("https://a", "https://a:8443", "the port is \"8443\" there and \"443\" here"),
            ("https://a/x", "https://a/y", "the path is \"/y\" there and \"/x\" here"),
            ("https://a/x", "https://A/X", "they differ in capital letters"),
            (
                "https://a/x",
                "http://b/x",
                "the scheme is \"http\" there and \"https\" here, the host is \"b\" there and \"a\" here",
            ),
            ("https://a", "https://a:443", "they lead to the same place, but are not written alike"),
            ("https://a", "acme\n", "the provider's is no address"),
        ] {
            assert_eq!(difference(configured, found), said, "{configured} {found}");
        }
    }

    #[test]
    fn nothing_steers_a_terminal_or_fills_a_page() {
        assert_eq!(quoted("a\u{1b}[2J\n\u{202e}"), r#""a\u{1b}[2J\n\u{202e}""#);
        assert!(quoted(&"x".repeat(10_000)).len() < 210);
        assert_eq!(listed((1..=12).map(|n: u8| n.to_string())), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more");
        let url = Url::parse("https://user:hunter2@a.example:8443/keys?token=hunter2#x").unwrap();
        assert_eq!(address(&url), "https://a.example:8443/keys");
        assert_eq!(address(&Url::parse("file:///etc/passwd").unwrap()), "file:/etc/passwd");
    }

    #[test]
    fn durations_are_told_in_two_units() {
        for (millis, said) in
            [(0, "0.0s"), (1500, "1.5s"), (75_000, "1m 15s"), (3_600_000, "1h"), (90_061_000, "1d 1h")]
        {
            assert_eq!(duration(Duration::from_millis(millis)), said);
        }
    }
}
