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
    let all: Vec<(&str, String)> = names(sources).map(|name| (name, name.to_ascii_lowercase())).collect();
    query.split('&').any(|pair| {
        pair.split(';').enumerate().any(|(place, piece)| {
            let name = written(piece);
            let is_one = place == 0 && all.iter().any(|(known, _)| *known == name);
            !is_one && all.iter().any(|(known, low)| name.len() >= known.len() && may_be_read_as(name, low))
        })
    })
}

/// Whether some server reads a name, as written, as this one in lower case: ASP.NET does not look at case, PHP has no dots, spaces
/// and brackets in names and ends them at a NUL, others take brackets for lists, or pass over a `?` in front.
fn may_be_read_as(name: &str, low: &str) -> bool {
    let name = decoded(name).to_ascii_lowercase();
    let name = name.split('\0').next().unwrap_or_default().trim();
    let folded = |name: &str| name.replace(['.', ' ', '['], "_");
    let inner = name.trim_start_matches(['?', '[', ' ']).split(['[', ']']).next().unwrap_or_default();
    folded(name) == folded(low) || folded(inner) == folded(low)
}

fn decoded(name: &str) -> String {
    form_urlencoded::parse(name.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
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
            "access_token%00z=x",
            "Access_Token=x",
            "[access_token]=x",
            "%5Baccess_token%5D=x",
            "access_token[]=x",
            "access_token[a][b]=x",
            "?access_token=x",
        ] {
            assert!(has_disguised(query, &sources()), "{query}");
        }
        for query in [
            "access_token=x",
            "a=b&access_token=x&c=d",
            "token=x",
            "",
            "a=access_token",
            "access-token=x",
            "access_tokens=x",
            "a[access_token]=x",
        ] {
            assert!(!has_disguised(query, &sources()), "{query}");
        }
        assert!(!has_disguised("access%5Ftoken=x", &[Source::Authorization]));
        let two = [Source::Query("a.b".to_owned()), Source::Query("a_b".to_owned())];
        assert!(!has_disguised("a.b=x&a_b=y", &two), "each is one of them");
        assert!(has_disguised("A.b=x", &two));
    }
}
