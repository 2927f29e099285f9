//! What the token endpoint thinks of the configured clients. Presented was a refresh token that nobody issued.

use reqwest::StatusCode;

use super::{Code, Finding, Names};
use crate::issuer::probe::{
    observed::{ClientSeen, ClientsSeen, DiscoverySeen, Failure, Said, TokenAnswer, is_later},
    words,
};

const NAMES: Names = Names {
    plain_http: Code::TokenEndpointPlainHttp,
    unreachable: Code::TokenEndpointUnreachable,
    redirected: Code::TokenEndpointWrong,
    refused: Code::TokenEndpointWrong,
    too_long: Code::TokenEndpointWrong,
};

pub(super) fn judge(discovery: &DiscoverySeen, seen: &ClientsSeen, findings: &mut Vec<Finding>) {
    let (code, message) = match seen {
        ClientsSeen::NoneConfigured => {
            (Code::ClientsNone, "no `clients` are configured, so that the token endpoint is not tried")
        }
        ClientsSeen::NotTried => {
            (Code::ClientsNotTried, "`clients` were not tried without this issuer's discovery document")
        }
        ClientsSeen::NoEndpoint => (Code::TokenEndpointMissing, "the document has no `token_endpoint`"),
        ClientsSeen::Tried { endpoint, clients } => {
            let endpoint = words::address(endpoint);
            for client in clients {
                findings.extend(method(discovery, client));
                findings.push(one(&endpoint, client));
            }
            return;
        }
    };
    findings.push(Finding::new(code, message));
}

fn method(discovery: &DiscoverySeen, client: &ClientSeen) -> Option<Finding> {
    let DiscoverySeen::Read { metadata, .. } = discovery else { return None };
    let listed = metadata.words("token_endpoint_auth_methods_supported");
    // RFC 8414 section 2: what an absent list means.
    let listed = listed.unwrap_or_else(|| vec!["client_secret_basic"]);
    // A public client authenticates in no way that would have to be supported, and few lists say `none`.
    if client.method == "none" || listed.contains(&client.method) {
        return None;
    }
    let id = words::quoted(&client.id);
    let known = words::listed(listed.into_iter().map(words::quoted));
    let message =
        format!("client {id} authenticates with `{}`, and the document lists {known}", client.method);
    Some(Finding::new(Code::ClientMethodUnlisted, message))
}

fn one(endpoint: &str, client: &ClientSeen) -> Finding {
    let id = words::quoted(&client.id);
    match &client.answer {
        // There is nothing wrong with its length, but nobody knows what it says.
        Err(Failure::TooLong) => {
            let message =
                format!("client {id}: the answer of {endpoint} is longer than `keys.max_bytes` allows");
            Finding::new(Code::TokenEndpointWrong, message)
        }
        Err(failure) => NAMES.finding(&format!("client {id}: {endpoint}"), failure),
        Ok(answer) => {
            let (code, verdict) = verdict(*answer);
            let message = match answer.said {
                Said::Error(error) => {
                    format!("client {id}: {verdict} ({endpoint}: {}, `{error}`)", answer.status)
                }
                Said::OtherError | Said::Tokens | Said::Nothing => {
                    format!("client {id}: {verdict} ({endpoint}: {})", answer.status)
                }
            };
            Finding::new(code, message)
        }
    }
}

/// By status where that alone says it, then by `error`: some providers answer `invalid_grant` with 403, and `error`s
/// with 200.
fn verdict(TokenAnswer { status, said }: TokenAnswer) -> (Code, &'static str) {
    if is_later(status) {
        return (Code::TokenEndpointUnreachable, "the token endpoint cannot answer now");
    }
    match said {
        Said::Tokens if status.is_success() => {
            (Code::TokenEndpointCareless, "a refresh token that nobody issued was accepted")
        }
        Said::Error("invalid_grant") => (Code::Client, "its credentials are accepted"),
        Said::Error("invalid_client") => (Code::ClientRefused, "its credentials are refused"),
        _ if status == StatusCode::UNAUTHORIZED => (Code::ClientRefused, "its credentials are refused"),
        Said::Error("unauthorized_client" | "unsupported_grant_type") => {
            (Code::ClientNotPermitted, "it may not refresh tokens, or is not known there")
        }
        Said::Error("server_error" | "temporarily_unavailable") => {
            (Code::TokenEndpointUnreachable, "the token endpoint cannot answer now")
        }
        Said::Error(_) | Said::OtherError => {
            (Code::TokenEndpointUnclear, "the answer does not say whether its credentials are accepted")
        }
        Said::Tokens | Said::Nothing => {
            (Code::TokenEndpointWrong, "the answer is none that a token endpoint gives")
        }
    }
}
