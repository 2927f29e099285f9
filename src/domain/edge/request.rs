//! A request as its proxy describes it.

use smallvec::SmallVec;

/// The values of one header: almost always one.
pub type Values<'h> = SmallVec<[&'h [u8]; 2]>;

/// A request's headers, in whatever form they came.
pub trait Headers {
    /// The values of the header with this lower-case name, in the order in which they came. A proxy that joined several puts
    /// a comma between them.
    fn values(&self, name: &str) -> Values<'_>;
}

/// A request whose sender wants to reach something behind the proxy. What the proxy does not say, or is not believed about,
/// is `None`.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it holds credentials")]
pub struct EdgeRequest<'r> {
    /// The method, as HTTP writes it.
    pub method: Option<&'r str>,
    /// The path and the query.
    pub target: Option<&'r str>,
    /// `https` or `http`.
    pub scheme: Option<&'r str>,
    /// The host, with a port if there is one.
    pub host: Option<&'r str>,
    /// The headers.
    pub headers: &'r (dyn Headers + Sync),
    /// SHA-256 of the client's certificate, if it showed one to the proxy.
    pub certificate: Option<[u8; 32]>,
    /// Whether its proxy hands a redirect to the client; nginx takes one for a fault.
    pub takes_redirects: bool,
}

impl<'r> EdgeRequest<'r> {
    /// The only value of a header, as text; `None` if there is none, or there are several.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        match *self.headers.values(name) {
            [value] => str::from_utf8(value).ok(),
            _ => None,
        }
    }

    /// Whether it has a header.
    fn has(&self, name: &str) -> bool {
        !self.headers.values(name).is_empty()
    }

    /// The query, as it was sent; fragments are no part of it.
    pub fn query(&self) -> Option<&'r str> {
        let target = self.target?.split('#').next()?;
        target.split_once('?').map(|(_, query)| query)
    }

    /// A gRPC call, whose errors are statuses.
    pub fn is_grpc(&self) -> bool {
        self.header("content-type").is_some_and(|kind| {
            kind.strip_prefix("application/grpc").is_some_and(|rest| {
                rest.is_empty() || rest.starts_with('+') || rest.starts_with(';') || rest.starts_with('-')
            })
        })
    }

    /// The question that a browser puts before a cross-origin request (Fetch, section 3.2.2): never with credentials.
    pub fn is_preflight(&self) -> bool {
        self.method == Some("OPTIONS") && self.has("origin") && self.has("access-control-request-method")
    }

    /// A person who goes to a page, rather than a script or a part of a page, and can be sent elsewhere. Where the browser says nothing of that, an
    /// HTML page must be wanted.
    pub(super) fn is_navigation(&self) -> bool {
        if !self.takes_redirects || self.method != Some("GET") || self.is_grpc() {
            return false;
        }
        if self.has("sec-fetch-mode") || self.has("sec-fetch-dest") {
            return self.header("sec-fetch-mode") == Some("navigate")
                && self.header("sec-fetch-dest") == Some("document");
        }
        self.header("accept").is_some_and(|accept| accept.contains("text/html"))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Headers in a list.
    pub(crate) struct Listed(pub(crate) Vec<(&'static str, Vec<u8>)>);

    impl Listed {
        pub(crate) fn of(headers: &[(&'static str, &str)]) -> Self {
            Self(headers.iter().map(|(name, value)| (*name, value.as_bytes().to_vec())).collect())
        }

        pub(crate) fn request<'r>(&'r self, method: &'r str, target: &'r str) -> EdgeRequest<'r> {
            EdgeRequest {
                method: Some(method),
                target: Some(target),
                scheme: Some("https"),
                host: Some("shop.example"),
                headers: self,
                certificate: None,
                takes_redirects: true,
            }
        }
    }

    impl Headers for Listed {
        fn values(&self, name: &str) -> Values<'_> {
            self.0.iter().filter(|(known, _)| *known == name).map(|(_, value)| value.as_slice()).collect()
        }
    }

    #[test]
    fn a_query_ends_where_a_fragment_begins() {
        let none = Listed::of(&[]);
        let query = |target| none.request("GET", target).query().map(ToOwned::to_owned);
        assert_eq!(query("/a?b=c"), Some("b=c".to_owned()));
        assert_eq!(query("/a?b=c?d#?e=f"), Some("b=c?d".to_owned()));
        assert_eq!(query("/a#?b=c"), None);
        assert_eq!(query("/a"), None);
    }

    #[test]
    fn grpc_is_known_by_its_content_type() {
        let grpc = |kind: &str| Listed::of(&[("content-type", kind)]).request("POST", "/a.B/C").is_grpc();
        for kind in
            ["application/grpc", "application/grpc+proto", "application/grpc;a=b", "application/grpc-web"]
        {
            assert!(grpc(kind), "{kind}");
        }
        for kind in ["application/json", "application/grpcx", "text/application/grpc", ""] {
            assert!(!grpc(kind), "{kind}");
        }
    }

    #[test]
    fn a_preflight_has_all_three_marks() {
        let all = [("origin", "https://a.example"), ("access-control-request-method", "PUT")];
        assert!(Listed::of(&all).request("OPTIONS", "/").is_preflight());
        assert!(!Listed::of(&all).request("options", "/").is_preflight());
        assert!(!Listed::of(&all).request("GET", "/").is_preflight());
        assert!(!Listed::of(&all[..1]).request("OPTIONS", "/").is_preflight());
        assert!(!Listed::of(&all[1..]).request("OPTIONS", "/").is_preflight());
    }

    #[test]
    fn only_a_person_who_goes_to_a_page_navigates() {
        let navigates = |method, headers: &[(&'static str, &str)]| {
            Listed::of(headers).request(method, "/").is_navigation()
        };
        let page = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        assert!(navigates("GET", &page));
        assert!(!navigates("POST", &page));
        assert!(!navigates("GET", &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")]));
        assert!(!navigates("GET", &[("sec-fetch-mode", "cors"), ("accept", "text/html")]));
        assert!(!navigates("GET", &[("sec-fetch-dest", "document"), ("accept", "text/html")]));
        assert!(navigates("GET", &[("accept", "text/html,*/*;q=0.8")]));
        assert!(!navigates("GET", &[("accept", "application/json")]));
        assert!(!navigates("GET", &[]));
        let page = Listed::of(&page);
        assert!(!EdgeRequest { takes_redirects: false, ..page.request("GET", "/") }.is_navigation());
    }
}
