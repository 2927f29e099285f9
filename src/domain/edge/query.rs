//! Tokens in the query, where somebody asked for them.
//!
//! A name counts as it is written. One that only means the same (percent-encoded, or with what some servers take for `_` or `&`)
//! is refused: a proxy takes parameters out by the name as written, so that what is behind it would get a token that nobody
//! has looked at.

use std::borrow::Cow;

use url::form_urlencoded;

use super::source::Source;

/// The values of the parameter with this name.
pub(super) fn values<'q>(query: &'q str, name: &str) -> impl Iterator<Item = Cow<'q, str>> {
    let pairs = query.split('&').filter(move |pair| written(pair) == name);
    pairs.map(|pair| {
        form_urlencoded::parse(pair.as_bytes()).next().map_or(Cow::Borrowed(""), |(_, value)| value)
    })
}

/// Those of the sources that are there.
pub fn present<'s>(query: &str, sources: &'s [Source]) -> Vec<&'s str> {
    names(sources).filter(|name| query.split('&').any(|pair| written(pair) == *name)).collect()
}

/// Whether a parameter is there that some server may read as one of the sources, and that is not written so.
pub(super) fn has_disguised(query: &str, sources: &[Source]) -> bool {
    names(sources).any(|name| {
        query.split('&').any(|pair| {
            pair.split(';').enumerate().any(|(place, piece)| {
                folded(piece) == name.replace(['.', ' ', '['], "_") && (place > 0 || written(piece) != name)
            })
        })
    })
}

fn names(sources: &[Source]) -> impl Iterator<Item = &str> {
    sources.iter().filter_map(|source| match source {
        Source::Query(name) => Some(name.as_str()),
        Source::Authorization | Source::Header(_) => None,
    })
}

fn written(pair: &str) -> &str {
    pair.split('=').next().unwrap_or_default()
}

/// A name as the most generous server reads it: PHP has no dots, spaces and brackets in names.
fn folded(piece: &str) -> String {
    let name =
        form_urlencoded::parse(written(piece).as_bytes()).next().map(|(name, _)| name).unwrap_or_default();
    name.trim().trim_end_matches('\0').replace(['.', ' ', '['], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Vec<Source> {
        vec![Source::Authorization, Source::Query("access_token".to_owned())]
    }

    #[test]
    fn a_parameter_counts_as_it_is_written() {
        let found = |query| values(query, "access_token").map(Cow::into_owned).collect::<Vec<_>>();
        assert_eq!(found("a=b&access_token=x%2Dy&access_token"), ["x-y", ""]);
        assert!(found("access%5Ftoken=x&Access_token=y&xaccess_token=z").is_empty());
        assert_eq!(present("a=b&access_token=x", &sources()), ["access_token"]);
        assert!(present("a=b", &sources()).is_empty());
    }

    #[test]
    fn e3_what_only_means_the_same_is_seen() {
        for query in [
            "access%5Ftoken=x",
            "%61ccess_token=x",
            "access.token=x",
            "access+token=x",
            "access%20token",
            "access[token=x",
            "+access_token=x",
            "a=b;access_token=x",
            "access_token=x;access_token=y",
            "access_token%00=x",
        ] {
            assert!(has_disguised(query, &sources()), "{query}");
        }
        for query in
            ["access_token=x", "a=b&access_token=x&c=d", "token=x", "", "a=access_token", "access-token=x"]
        {
            assert!(!has_disguised(query, &sources()), "{query}");
        }
        assert!(!has_disguised("access%5Ftoken=x", &[Source::Authorization]));
    }
}
