use reqwest::StatusCode;

use super::*;
use crate::issuer::probe::observed::{ClientSeen, Failure, Said, TokenAnswer};

fn tried(discovery: DiscoverySeen, method: &'static str, answer: Result<TokenAnswer, Failure>) -> Observed {
    let client = ClientSeen { id: "app".to_owned(), method, answer };
    let endpoint = "https://idp.example/token?x=hunter2".parse().unwrap();
    let clients = ClientsSeen::Tried { endpoint, clients: vec![client] };
    Observed { discovery, clients, ..healthy() }
}

fn answered(status: u16, said: Said) -> TokenAnswer {
    TokenAnswer { status: StatusCode::from_u16(status).unwrap(), said }
}

#[track_caller]
fn check_answer(answer: Result<TokenAnswer, Failure>, expected: &str) {
    let seen = tried(metadata(&json!({})), "client_secret_basic", answer);
    let last = judge(&settings(), &seen).pop().unwrap();
    assert_eq!(format!("{}: {}", last.code.as_str(), last.message), expected);
}

#[test]
fn each_answer_means_one_thing() {
    let at = "https://idp.example/token";
    for (status, said, code, verdict) in [
        (400, Said::Error("invalid_grant"), "client", "its credentials are accepted"),
        // Auth0 does so.
        (403, Said::Error("invalid_grant"), "client", "its credentials are accepted"),
        (401, Said::Error("invalid_client"), "client_refused", "its credentials are refused"),
        (400, Said::Error("invalid_client"), "client_refused", "its credentials are refused"),
        (401, Said::Error("unauthorized_client"), "client_refused", "its credentials are refused"),
        (
            400,
            Said::Error("unauthorized_client"),
            "client_not_permitted",
            "it may not refresh tokens, or is not known there",
        ),
        (
            400,
            Said::Error("unsupported_grant_type"),
            "client_not_permitted",
            "it may not refresh tokens, or is not known there",
        ),
        (
            400,
            Said::Error("invalid_request"),
            "token_endpoint_unclear",
            "the answer does not say whether its credentials are accepted",
        ),
        (
            400,
            Said::Error("temporarily_unavailable"),
            "token_endpoint_unreachable",
            "the token endpoint cannot answer now",
        ),
        (
            500,
            Said::Error("invalid_grant"),
            "token_endpoint_unreachable",
            "the token endpoint cannot answer now",
        ),
    ] {
        let Said::Error(error) = said else { panic!("{said:?}") };
        let status = StatusCode::from_u16(status).unwrap();
        let expected = format!("{code}: client \"app\": {verdict} ({at}: {status}, `{error}`)");
        check_answer(Ok(TokenAnswer { status, said }), &expected);
    }
    for (status, said, expected) in [
        (401, Said::Nothing, "client_refused: client \"app\": its credentials are refused"),
        (
            400,
            Said::OtherError,
            "token_endpoint_unclear: client \"app\": the answer does not say whether its credentials are accepted",
        ),
        (
            200,
            Said::Nothing,
            "token_endpoint_wrong: client \"app\": the answer is none that a token endpoint gives",
        ),
        (
            404,
            Said::Nothing,
            "token_endpoint_wrong: client \"app\": the answer is none that a token endpoint gives",
        ),
        (
            302,
            Said::Nothing,
            "token_endpoint_wrong: client \"app\": the answer is none that a token endpoint gives",
        ),
        (
            200,
            Said::Tokens,
            "token_endpoint_careless: client \"app\": a refresh token that nobody issued was accepted",
        ),
        (
            429,
            Said::Nothing,
            "token_endpoint_unreachable: client \"app\": the token endpoint cannot answer now",
        ),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        check_answer(Ok(answered(status.as_u16(), said)), &format!("{expected} ({at}: {status})"));
    }
}

#[test]
fn no_answer_is_nobodys_fault_except_over_plain_http() {
    for (failure, expected) in [
        (
            Failure::Unreachable("gone".into()),
            "token_endpoint_unreachable: client \"app\": https://idp.example/token: gone",
        ),
        (
            Failure::PlainHttp,
            "token_endpoint_plain_http: client \"app\": https://idp.example/token is neither https nor http on loopback, \
             and is not asked",
        ),
        (
            Failure::TooLong,
            "token_endpoint_wrong: client \"app\": the answer of https://idp.example/token is longer than \
             `keys.max_bytes` allows",
        ),
    ] {
        check_answer(Err(failure), expected);
    }
}

#[test]
fn a_method_that_the_provider_does_not_list_is_told() {
    let good = || Ok(answered(400, Said::Error("invalid_grant")));
    let listing = |methods: &[&str]| metadata(&json!({"token_endpoint_auth_methods_supported": methods}));
    let said = "client_method_unlisted: client \"app\" authenticates with `client_secret_post`, and the document \
                lists \"client_secret_basic\"";
    check(&settings(), &tried(listing(&["client_secret_basic"]), "client_secret_post", good()), &[said]);
    // RFC 8414 section 2: what an absent list means.
    check(&settings(), &tried(metadata(&json!({})), "client_secret_post", good()), &[said]);
    check(&settings(), &tried(metadata(&json!({})), "client_secret_basic", good()), &[]);
    check(&settings(), &tried(listing(&["client_secret_post"]), "client_secret_post", good()), &[]);
    check(&settings(), &tried(listing(&["client_secret_post"]), "none", good()), &[]);
}

#[test]
fn clients_that_were_not_tried_are_told() {
    for (clients, expected) in [
        (
            ClientsSeen::NotTried,
            "clients_not_tried: `clients` were not tried without this issuer's discovery document",
        ),
        (ClientsSeen::NoEndpoint, "token_endpoint_missing: the document has no `token_endpoint`"),
    ] {
        check(&settings(), &Observed { clients, ..healthy() }, &[expected]);
    }
}
