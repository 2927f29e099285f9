//! Tries a client's credentials without using them: a refresh token that nobody issued is presented, so that the only
//! good answer is `invalid_grant`. Nothing is granted, rotated or revoked by that.

use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use serde_json::Value;
use url::Url;

use crate::{
    domain::time::UnixTime,
    issuer::{
        client::OAuthClient,
        http::HttpClient,
        oauth_error,
        probe::observed::{ClientSeen, Failure, Said, TokenAnswer},
        settings::IssuerSettings,
    },
};

/// Tries each client, all at once.
pub(super) async fn try_all(
    settings: &IssuerSettings,
    http: &HttpClient,
    endpoint: &Url,
    now: UnixTime,
) -> Vec<ClientSeen> {
    join_all(settings.clients.iter().map(|client| async move {
        ClientSeen {
            id: client.id.clone(),
            method: client.authentication.method(),
            answer: ask(settings, http, endpoint, client, now).await,
        }
    }))
    .await
}

async fn ask(
    settings: &IssuerSettings,
    http: &HttpClient,
    endpoint: &Url,
    client: &OAuthClient,
    now: UnixTime,
) -> Result<TokenAnswer, Failure> {
    let Some(token) = never_issued() else {
        return Err(Failure::Unreachable("this machine has no random numbers".to_owned()));
    };
    let form = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    let form = client.sign(&form, endpoint, now);
    let form = form.map_err(|error| Failure::Unreachable(error.to_string()))?;
    let posted = http.post(endpoint, settings.bounds(), form).await?;
    Ok(TokenAnswer { status: posted.status, said: said(&posted.bytes) })
}

/// A name that the provider's log can be searched for, and enough chance that nobody issued it.
fn never_issued() -> Option<String> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).ok()?;
    Some(format!("countersign-doctor-{}", URL_SAFE_NO_PAD.encode(bytes)))
}

fn said(body: &[u8]) -> Said {
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else { return Said::Nothing };
    if members.contains_key("access_token") {
        return Said::Tokens;
    }
    match members.get("error").and_then(Value::as_str) {
        Some(error) => oauth_error::registered(error).map_or(Said::OtherError, Said::Error),
        None => Said::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_registered_words_of_an_answer_are_kept() {
        for (body, expected) in [
            (&br#"{"error":"invalid_grant","error_description":"secret"}"#[..], Said::Error("invalid_grant")),
            (br#"{"error":"secret"}"#, Said::OtherError),
            (br#"{"error":7}"#, Said::Nothing),
            (br#"{"access_token":"secret","error":"invalid_grant"}"#, Said::Tokens),
            (br#"{"access_token":null}"#, Said::Tokens),
            (b"[]", Said::Nothing),
            (b"<html>", Said::Nothing),
            (b"", Said::Nothing),
        ] {
            assert_eq!(said(body), expected, "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn no_two_probes_present_the_same_token() {
        let (one, other) = (never_issued().unwrap(), never_issued().unwrap());
        assert!(one != other && one.len() > 50 && one.starts_with("countersign-doctor-"));
    }
}
