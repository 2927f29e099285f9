//! What the original request was, in the words of the proxy.
//!
//! Where such words count, each of them has to be there, once: a proxy that does not set one hands on what a client says, and
//! shows itself so at the first request that says nothing.

use http::{HeaderMap, Method};

use super::Forwarded;
use crate::domain::edge::denial::Denial;

/// What is known of the original request beside its headers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Original<'h> {
    pub(super) method: Option<&'h str>,
    pub(super) target: Option<&'h str>,
    pub(super) scheme: Option<&'h str>,
    pub(super) host: Option<&'h str>,
}

/// The names of the headers for method, target, scheme and host.
fn names(forwarded: Forwarded) -> [&'static str; 4] {
    match forwarded {
        Forwarded::XForwarded => {
            ["x-forwarded-method", "x-forwarded-uri", "x-forwarded-proto", "x-forwarded-host"]
        }
        Forwarded::XOriginal => {
            ["x-original-method", "x-original-uri", "x-original-proto", "x-original-host"]
        }
    }
}

impl<'h> Original<'h> {
    /// Reads what the proxy says, or what is wrong with it: that it says something, once, is the proxy's part, and what it says
    /// beside the scheme is the client's.
    pub(super) fn read(forwarded: Option<Forwarded>, headers: &'h HeaderMap) -> Result<Self, Denial> {
        let Some(forwarded) = forwarded else { return Ok(Self::default()) };
        let [method, target, scheme, host] = names(forwarded).map(|name| only(headers, name));
        let method = method.ok_or(Denial::Request("the proxy has to say the request's method, once"))?;
        let target = target.ok_or(Denial::Request("the proxy has to say the request's URI, once"))?;
        let scheme = scheme.ok_or(Denial::Request("the proxy has to say the request's scheme, once"))?;
        let host = host.ok_or(Denial::Request("the proxy has to say the request's host, once"))?;
        Ok(Self {
            method: Some(token(method).ok_or(Denial::Client("the request's method is none that HTTP has"))?),
            target: Some(path(target).ok_or(Denial::Client(
                "the request's URI is no path with a query, in ASCII or UTF-8 without spaces",
            ))?),
            scheme: Some(
                web(scheme)
                    .ok_or(Denial::Request("the proxy has to say the request's scheme: http or https"))?,
            ),
            host: Some(name(host).ok_or(Denial::Client("the request's host is no name or address"))?),
        })
    }
}

/// The value of a header that is there once, and not empty: an empty one says nothing.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|value| !value.is_empty())?;
    values.next().is_none().then_some(value.as_bytes())
}

fn token(method: &[u8]) -> Option<&str> {
    Method::from_bytes(method).ok().and_then(|_| str::from_utf8(method).ok())
}

/// As the client wrote it: nginx hands on what is not ASCII, and so do clients that encode nothing. It counts for sources in the
/// query only, and for where to go after a login, which is encoded then.
fn path(target: &[u8]) -> Option<&str> {
    let is_allowed = |byte: &u8| byte.is_ascii_graphic() || !byte.is_ascii();
    let target = str::from_utf8(target).ok()?;
    (target.starts_with('/') && target.as_bytes().iter().all(is_allowed)).then_some(target)
}

/// Traefik calls the scheme of a WebSocket by the name that URLs have for it.
fn web(scheme: &[u8]) -> Option<&'static str> {
    match scheme {
        b"https" | b"wss" => Some("https"),
        b"http" | b"ws" => Some("http"),
        _ => None,
    }
}

/// A name or an address, and a port: nothing that could be read as another part of a URL, nor as two of these.
fn name(host: &[u8]) -> Option<&str> {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(byte);
    host.iter().all(is_allowed).then(|| str::from_utf8(host).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        headers
    }

    /// Good words, but for one.
    fn with(name: &'static str, value: &[u8]) -> HeaderMap {
        let mut headers = headers(&GOOD);
        headers.insert(name, HeaderValue::from_bytes(value).unwrap());
        headers
    }

    #[test]
    fn a_path_may_be_in_utf_8() {
        let headers = with("x-original-uri", "/café?ü=é".as_bytes());
        let original = Original::read(Some(Forwarded::XOriginal), &headers).unwrap();
        assert_eq!(original.target, Some("/café?ü=é"));
    }

    const GOOD: [(&str, &str); 4] = [
        ("x-original-method", "GET"),
        ("x-original-uri", "/a?b=c"),
        ("x-original-proto", "https"),
        ("x-original-host", "shop.example:8443"),
    ];

    #[test]
    fn only_the_configured_words_count() {
        let both = headers(&[GOOD.as_slice(), &[("x-forwarded-method", "OPTIONS")]].concat());
        assert_eq!(Original::read(None, &both), Ok(Original::default()));
        let original = Original::read(Some(Forwarded::XOriginal), &both).unwrap();
        assert_eq!(original.method, Some("GET"));
        assert_eq!(original.target, Some("/a?b=c"));
        assert_eq!(original.scheme, Some("https"));
        assert_eq!(original.host, Some("shop.example:8443"));
        assert!(Original::read(Some(Forwarded::XForwarded), &both).is_err());
    }

    #[test]
    fn each_word_is_there_once() {
        for (index, word) in GOOD.into_iter().enumerate() {
            let mut without = GOOD.to_vec();
            without.remove(index);
            let twice = [GOOD.as_slice(), &[word]].concat();
            for words in [without, twice] {
                let told = Original::read(Some(Forwarded::XOriginal), &headers(&words)).map(drop);
                assert!(matches!(told, Err(Denial::Request(_))), "{words:?}");
            }
        }
    }

    #[test]
    fn odd_words_are_those_of_the_client_but_for_the_scheme() {
        for (name, value) in GOOD.iter().map(|(name, _)| (*name, "")).chain([
            ("x-original-proto", "ftp"),
            ("x-original-proto", "https, http"),
            ("x-original-proto", "HTTPS"),
        ]) {
            let told = Original::read(Some(Forwarded::XOriginal), &with(name, value.as_bytes())).map(drop);
            assert!(matches!(told, Err(Denial::Request(_))), "{name}: {value}");
        }
        for (name, value) in [
            ("x-original-method", "GE T"),
            ("x-original-method", "GET, OPTIONS"),
            ("x-original-uri", "https://shop.example/"),
            ("x-original-uri", "a"),
            ("x-original-uri", "/a b"),
            ("x-original-host", "a.example, b.example"),
            ("x-original-host", "user@a.example"),
            ("x-original-host", "a.example/b"),
            ("x-original-host", "a.example\\b"),
        ] {
            let told = Original::read(Some(Forwarded::XOriginal), &with(name, value.as_bytes())).map(drop);
            assert!(matches!(told, Err(Denial::Client(_))), "{name}: {value}");
        }
        let latin = with("x-original-uri", b"/caf\xe9");
        assert!(matches!(Original::read(Some(Forwarded::XOriginal), &latin), Err(Denial::Client(_))));
    }

    #[test]
    fn a_websocket_is_of_the_web() {
        assert_eq!((web(b"ws"), web(b"wss")), (Some("http"), Some("https")));
    }
}
