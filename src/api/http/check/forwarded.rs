//! What the original request was, in the words of the proxy.
//!
//! Where such words count, each of them has to be there, once: a proxy that does not set one hands on what a client says, and
//! shows itself so at the first request that says nothing.

use http::{HeaderMap, Method};

use super::Forwarded;

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
    /// Reads what the proxy says, or what is wrong with it.
    pub(super) fn read(forwarded: Option<Forwarded>, headers: &'h HeaderMap) -> Result<Self, &'static str> {
        let Some(forwarded) = forwarded else { return Ok(Self::default()) };
        let [method, target, scheme, host] = names(forwarded).map(|name| only(headers, name));
        Ok(Self {
            method: Some(
                method
                    .filter(|method| Method::from_bytes(method.as_bytes()).is_ok())
                    .ok_or("the proxy has to say the original request's method, once")?,
            ),
            target: Some(
                target
                    .filter(|target| target.starts_with('/'))
                    .ok_or("the proxy has to say the original request's path and query, once")?,
            ),
            scheme: Some(
                scheme.and_then(web).ok_or("the proxy has to say the original request's scheme, once")?,
            ),
            host: Some(
                host.filter(|host| is_host(host))
                    .ok_or("the proxy has to say the original request's host, once")?,
            ),
        })
    }
}

/// The value of a header that is there once, if it is visible ASCII.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok().filter(|value| value.bytes().all(|byte| byte.is_ascii_graphic()))
}

/// Traefik calls the scheme of a WebSocket by the name that URLs have for it.
fn web(scheme: &str) -> Option<&'static str> {
    match scheme {
        "https" | "wss" => Some("https"),
        "http" | "ws" => Some("http"),
        _ => None,
    }
}

/// A name or an address, and a port: nothing that could be read as another part of a URL, nor as two of these.
fn is_host(host: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    !host.is_empty() && host.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        headers
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
                assert!(told.is_err(), "{words:?}");
            }
        }
    }

    #[test]
    fn odd_words_are_none() {
        for (name, value) in [
            ("x-original-method", "GE T"),
            ("x-original-method", "GET, OPTIONS"),
            ("x-original-method", ""),
            ("x-original-uri", "https://shop.example/"),
            ("x-original-uri", "a"),
            ("x-original-uri", "/a b"),
            ("x-original-uri", "/caf\u{e9}"),
            ("x-original-proto", "ftp"),
            ("x-original-proto", "https, http"),
            ("x-original-proto", "HTTPS"),
            ("x-original-host", "a.example, b.example"),
            ("x-original-host", "user@a.example"),
            ("x-original-host", "a.example/b"),
            ("x-original-host", "a.example\\b"),
            ("x-original-host", ""),
        ] {
            let odd: Vec<_> = GOOD
                .iter()
                .map(|(known, good)| (*known, if *known == name { value } else { *good }))
                .collect();
            assert!(Original::read(Some(Forwarded::XOriginal), &headers(&odd)).is_err(), "{name}: {value}");
        }
    }

    #[test]
    fn a_websocket_is_of_the_web() {
        assert_eq!((web("ws"), web("wss")), (Some("http"), Some("https")));
    }
}
