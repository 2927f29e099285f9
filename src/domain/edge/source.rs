//! Where a credential may come from.

use std::fmt;

/// One place in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `Authorization: Bearer ...` (RFC 6750 section 2.1).
    Authorization,
    /// A header whose whole value is the token. In lower case.
    Header(String),
    /// A parameter of the query (RFC 6750 section 2.3). It ends up in logs and histories, so only where somebody asked for it.
    Query(String),
}

/// Text that names no source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "use `authorization`, `header:NAME` (not `authorization`, `cookie` or a header that HTTP itself needs) or `query:NAME`"
)]
pub struct NotASource;

impl Source {
    /// Reads `authorization`, `header:NAME` or `query:NAME`.
    pub fn parse(text: &str) -> Result<Self, NotASource> {
        match text.split_once(':') {
            None if text == "authorization" => Ok(Self::Authorization),
            Some(("header", name)) if super::names::is_free(&name.to_ascii_lowercase()) => {
                Ok(Self::Header(name.to_ascii_lowercase()))
            }
            Some(("query", name)) if is_parameter(name) => Ok(Self::Query(name.to_owned())),
            None | Some(_) => Err(NotASource),
        }
    }
}

/// Whether this is the name of a query parameter that has one spelling: unreserved characters (RFC 3986 section 2.3), up to 64.
pub fn is_parameter(name: &str) -> bool {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(is_unreserved)
}

/// As it is read.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorization => f.write_str("authorization"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Query(name) => write!(f, "query:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_as_they_are_written() {
        for text in ["authorization", "header:x-api-token", "query:access_token"] {
            assert_eq!(Source::parse(text).map(|source| source.to_string()).as_deref(), Ok(text));
        }
        assert_eq!(Source::parse("header:X-Token"), Ok(Source::Header("x-token".to_owned())));
        for bad in [
            "",
            "bearer",
            "header",
            "header:",
            "header:authorization",
            "header:cookie",
            "header:host",
            "header:a b",
            "header::path",
            "header:x_token",
            "query:",
            "query:a b",
            "query:a=b",
            "cookie:a",
            "Authorization",
        ] {
            assert_eq!(Source::parse(bad), Err(NotASource), "{bad}");
        }
    }
}
