//! The revocation endpoint (RFC 7009).

use std::str;

use reqwest::StatusCode;

use super::{Around, NotTold, TokenType, Trouble};
use crate::{
    domain::secret::Secret,
    issuer::{
        client::OAuthClient,
        http::{Call, Called},
        not_told::said,
    },
};

/// Revokes a token as this client.
pub(super) async fn revoke(
    around: &Around,
    client: &OAuthClient,
    token: &Secret,
    token_type: TokenType,
) -> Result<(), NotTold> {
    let endpoint = around.endpoints.revocation_endpoint().await?;
    // Whatever is no text is nobody's token.
    let Ok(text) = str::from_utf8(token.expose()) else { return Ok(()) };
    let form = client.sign(&[("token", text), ("token_type_hint", token_type.hint())]);
    let called = around.http.call(&endpoint, around.bounds, Call::Form(form)).await;
    judge(&called.map_err(|error| NotTold::by_http(&error))?)
}

/// What an answer means (sections 2.2 and 2.2.1). A 200 says all there is to know, whatever comes behind it: also that the
/// token was unknown, which is as good.
fn judge(called: &Called) -> Result<(), NotTold> {
    if called.status.is_success() {
        return Ok(());
    }
    if let Some(not_told) = NotTold::by_status(called) {
        return Err(not_told);
    }
    let (status, said) = (called.status, said(called));
    Err(match said {
        Some("unsupported_token_type") => {
            NotTold::Unsupported(Trouble::answer("unsupported_token_type", status, said))
        }
        Some("invalid_client") => NotTold::client_refused(status, said),
        _ if status == StatusCode::UNAUTHORIZED => NotTold::client_refused(status, said),
        _ => NotTold::Refused(Trouble::answer("refused", status, said)),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::issuer::http::HttpError;

    fn called(status: u16, body: &str) -> Called {
        let status = StatusCode::from_u16(status).unwrap();
        Called { status, retry_after: None, body: Ok(body.as_bytes().to_vec()) }
    }

    fn kind(called: &Called) -> (&'static str, &'static str) {
        match judge(called) {
            Ok(()) => ("done", ""),
            Err(NotTold::Unsupported(trouble)) => ("unsupported", trouble.kind()),
            Err(NotTold::Refused(trouble)) => ("refused", trouble.kind()),
            Err(NotTold::Misconfigured(trouble)) => ("misconfigured", trouble.kind()),
            Err(NotTold::Unavailable { trouble, .. }) => ("unavailable", trouble.kind()),
        }
    }

    #[test]
    fn each_answer_of_rfc_7009_means_what_the_rfc_says() {
        for (status, body, expected) in [
            (200, "", ("done", "")),
            (204, "", ("done", "")),
            (400, r#"{"error":"unsupported_token_type"}"#, ("unsupported", "unsupported_token_type")),
            (400, r#"{"error":"invalid_client"}"#, ("misconfigured", "client_refused")),
            (401, "<html>", ("misconfigured", "client_refused")),
            (401, r#"{"error":"invalid_client"}"#, ("misconfigured", "client_refused")),
            (400, r#"{"error":"invalid_request"}"#, ("refused", "refused")),
            (400, "no JSON", ("refused", "refused")),
            (403, "", ("refused", "refused")),
            (404, "", ("refused", "refused")),
            (408, "", ("unavailable", "unavailable")),
            (429, "", ("unavailable", "unavailable")),
            (500, r#"{"error":"unsupported_token_type"}"#, ("unavailable", "unavailable")),
            (503, "", ("unavailable", "unavailable")),
            (302, "", ("misconfigured", "redirect")),
        ] {
            assert_eq!(kind(&called(status, body)), expected, "{status} {body}");
        }
    }

    #[test]
    fn what_comes_behind_a_200_does_not_matter_and_what_a_server_asks_to_wait_is_kept() {
        let torn = Called { body: Err(HttpError::TooLong), ..called(200, "") };
        assert_eq!(judge(&torn), Ok(()));
        let wait = Some(Duration::from_secs(7));
        let busy = Called { retry_after: wait, ..called(503, "") };
        assert!(matches!(judge(&busy), Err(NotTold::Unavailable { retry_after, .. }) if retry_after == wait));
    }

    #[test]
    fn no_word_of_an_answer_is_shown_that_no_standard_has() {
        let shown = |body: &str| format!("{:?}", judge(&called(400, body)));
        assert!(!shown(r#"{"error":"hunter2","error_description":"hunter2"}"#).contains("hunter2"));
        assert!(shown(r#"{"error":"invalid_request"}"#).contains("invalid_request"));
    }
}
