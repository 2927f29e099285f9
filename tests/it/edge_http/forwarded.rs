//! What the original request was: only the configured words of the proxy count.

use super::kit::Setup;

const LOGIN: &str = "ext_authz: { sources: [authorization, 'query:t'], login: { url: https://login.example/in, return_to: rd } }\n";

fn words<'w>(prefix: &str, method: &'w str, uri: &'w str) -> Vec<(String, &'w str)> {
    let values = [("Method", method), ("Uri", uri), ("Proto", "https"), ("Host", "shop.example")];
    values.map(|(name, value)| (format!("X-{prefix}-{name}"), value)).into()
}

fn headers<'h>(words: &'h [(String, &'h str)], more: &[(&'h str, &'h str)]) -> Vec<(&'h str, &'h str)> {
    words.iter().map(|(name, value)| (name.as_str(), *value)).chain(more.iter().copied()).collect()
}

const PREFLIGHT: [(&str, &str); 2] =
    [("Origin", "https://a.example"), ("Access-Control-Request-Method", "PUT")];

#[tokio::test]
async fn a_client_that_says_it_itself_is_not_believed() {
    let setup = Setup::with(", forwarded: x_original", LOGIN).await;
    let (said, real) = (words("Forwarded", "OPTIONS", "/"), words("Original", "GET", "/a"));
    let both = [said, real].concat();
    let answer = setup.check("?preflight=true", &headers(&both, &PREFLIGHT)).await;
    assert_eq!((answer.status, answer.reason().as_str()), (401, "MISSING"));

    let real = words("Original", "OPTIONS", "/a");
    let answer = setup.check("?preflight=true", &headers(&real, &PREFLIGHT)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.identity().is_empty());
}

#[tokio::test]
async fn a_proxy_that_says_nothing_or_two_things_is_told_so() {
    let setup = Setup::with(", forwarded: x_forwarded", LOGIN).await;
    let good = setup.good();
    let all = words("Forwarded", "GET", "/a");
    for odd in 0..all.len() {
        let mut without = all.clone();
        without.remove(odd);
        let twice = [all.clone(), vec![all[odd].clone()]].concat();
        for words in [without, twice] {
            let answer = setup.check("?optional=true", &headers(&words, &[("Authorization", &good)])).await;
            assert_eq!((answer.status, answer.reason().as_str()), (400, "REQUEST_INVALID"), "{words:?}");
        }
    }
    let answer = setup.check("?", &headers(&all, &[("Authorization", &good)])).await;
    assert_eq!(answer.status, 200);
}

/// A proxy that changes the path of a request alone, on its way to the check, hands on what the client wrote behind it.
#[tokio::test]
async fn a_client_does_not_write_its_own_policy() {
    let setup = Setup::with(", forwarded: x_forwarded", LOGIN).await;
    for uri in ["/private?optional=true", "/private?optional=true#x"] {
        let words = words("Forwarded", "GET", uri);
        let query = uri.trim_start_matches("/private");
        let answer = setup.check(query, &headers(&words, &[])).await;
        assert_eq!((answer.status, answer.reason().as_str()), (400, "REQUEST_INVALID"), "{uri}");
    }
    let words = words("Forwarded", "GET", "/private?optional=true");
    let answer = setup.check("?optional=true&kind=access", &headers(&words, &[])).await;
    assert_eq!(answer.status, 200, "what the proxy wrote itself");
}

#[tokio::test]
async fn the_query_of_the_original_request_may_have_the_token() {
    let setup = Setup::with(", forwarded: x_original", LOGIN).await;
    let (one, two) = (setup.token(|_| {}), setup.token(|_| {}));
    let uri = format!("/a?b=c&t={one}");
    let words = words("Original", "GET", &uri);
    assert_eq!(setup.check("?", &headers(&words, &[])).await.status, 200);
    let other = format!("Bearer {two}");
    let answer = setup.check("?", &headers(&words, &[("Authorization", &other)])).await;
    assert_eq!((answer.status, answer.reason().as_str()), (401, "CREDENTIAL_CONFLICT"));
    // That of the check is the policy.
    let answer = setup.check(&format!("?t={one}"), &headers(&words, &[])).await;
    assert_eq!((answer.status, answer.reason().as_str()), (500, "POLICY_INVALID"));
    assert!(!setup.service.output().contains(&one), "a token in the log");
}

#[tokio::test]
async fn a_person_is_sent_to_log_in_by_proxies_that_can() {
    let page = [("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")];
    let setup = Setup::with(", forwarded: x_forwarded", LOGIN).await;
    let words = words("Forwarded", "GET", "/notes?a=b&t=x.y.z");
    let answer = setup.check("?", &headers(&words, &page)).await;
    assert_eq!(answer.status, 302);
    let location = "https://login.example/in?rd=https%3A%2F%2Fshop%2Eexample%2Fnotes%3Fa%3Db";
    assert_eq!(answer.header("location"), Some(location));
    let answer = setup.check("?", &headers(&words, &[])).await;
    assert_eq!(answer.status, 401, "a script is told what is the matter");
}

#[tokio::test]
async fn nginx_is_told_401_instead_of_a_redirect() {
    let page = [("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")];
    let setup = Setup::with(", forwarded: x_original", LOGIN).await;
    let words = words("Original", "GET", "/notes");
    let answer = setup.check("?", &headers(&words, &page)).await;
    assert_eq!((answer.status, answer.reason().as_str()), (401, "MISSING"));
}
