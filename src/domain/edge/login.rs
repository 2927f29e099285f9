//! Where somebody is sent to log in.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Url, form_urlencoded};

use super::{request::EdgeRequest, settings::Login, source::Source};

/// Parameters that are tokens wherever they are (RFC 6750 section 2.3; those of OpenID Connect).
const TOKENS: [&str; 4] = ["access_token", "id_token", "id_token_hint", "refresh_token"];

/// Longer addresses are not told, in bytes: encoded they are up to three times as long, in a header.
const LONGEST: usize = 2 * 1024;

/// The login page's address, with that of the page that was asked for if it is told. A token in its query is not: this address
/// goes to another page, its logs and the browser's history.
pub(super) fn location(login: &Login, request: &EdgeRequest<'_>, sources: &[Source]) -> String {
    let (Some(parameter), Some(page)) = (&login.return_to, page(request, sources)) else {
        return login.url.clone();
    };
    let separator = if login.url.contains('?') { '&' } else { '?' };
    let page = utf8_percent_encode(page.as_str(), NON_ALPHANUMERIC);
    format!("{}{separator}{parameter}={page}", login.url)
}

fn page(request: &EdgeRequest<'_>, sources: &[Source]) -> Option<Url> {
    let base = format!("{}://{}", request.scheme?, request.host?);
    // The path as it was sent, behind a host that it cannot change, whatever it begins with.
    let path = request.target?.split(['?', '#']).next()?;
    let mut page = Url::parse(&base).ok()?;
    if !path.starts_with('/') {
        return None;
    }
    page.set_path(path);
    if let Some(query) = request.query() {
        let is_token = |name: &str| {
            TOKENS.contains(&name)
                || sources.iter().any(|source| matches!(source, Source::Query(known) if known == name))
        };
        let has_token = form_urlencoded::parse(query.as_bytes()).any(|(name, _)| is_token(&name));
        if has_token {
            let kept = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| !is_token(name));
            page.query_pairs_mut().extend_pairs(kept);
        } else {
            page.set_query(Some(query));
        }
    }
    (page.as_str().len() <= LONGEST).then_some(page)
}

#[cfg(test)]
mod tests {
    use super::{super::request::tests::Listed, *};

    fn sent(url: &str, return_to: Option<&str>, target: &str) -> String {
        let login = Login { url: url.to_owned(), return_to: return_to.map(ToOwned::to_owned) };
        let sources = [Source::Query("access_token".to_owned())];
        location(&login, &Listed::of(&[]).request("GET", target), &sources)
    }

    #[test]
    fn the_page_that_was_asked_for_goes_along_where_that_is_wanted() {
        assert_eq!(sent("https://l.example/in", None, "/a"), "https://l.example/in");
        assert_eq!(
            sent("https://l.example/in", Some("rd"), "/a?b=c&d"),
            "https://l.example/in?rd=https%3A%2F%2Fshop%2Eexample%2Fa%3Fb%3Dc%26d"
        );
        assert!(
            sent("https://l.example/in?x=y", Some("rd"), "/a").starts_with("https://l.example/in?x=y&rd=")
        );
    }

    #[test]
    fn a_token_in_the_query_does_not_go_along() {
        let location = sent("https://l.example/", Some("rd"), "/a?b=c&access_token=secret");
        assert!(location.ends_with("%2Fa%3Fb%3Dc"), "{location}");
        let location = sent("https://l.example/", Some("rd"), "/a?access%5Ftoken=secret");
        assert!(!location.contains("secret"), "{location}");
        let location =
            sent("https://l.example/", Some("rd"), "/cb?refresh_token=secret&id_token=secret&state=s");
        assert!(!location.contains("secret") && location.contains("state"), "{location}");
    }

    #[test]
    fn a_long_address_is_not_told() {
        let target = format!("/{}", "a".repeat(LONGEST));
        assert_eq!(sent("https://l.example/in", Some("rd"), &target), "https://l.example/in");
    }

    #[test]
    fn a_path_cannot_become_another_host() {
        for target in ["//evil.example/", "/\\evil.example", "/@evil.example"] {
            let location = sent("https://l.example/", Some("rd"), target);
            assert!(location.contains("rd=https%3A%2F%2Fshop%2Eexample%2F"), "{location}");
        }
        assert_eq!(sent("https://l.example/", Some("rd"), "evil.example"), "https://l.example/");
    }
}
