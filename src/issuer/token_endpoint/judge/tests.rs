//! The taxonomy, row by row as docs/errors.md has it.

use std::time::Duration;

use super::*;

const PAGE: &str = include_str!("../../../../docs/errors.md");
const HYDRA: &str = r#"{"error":"invalid_request","error_description":"The request is missing a required parameter, includes an invalid parameter value, includes a parameter more than once, or is otherwise malformed. Failed to refresh token because of multiple concurrent requests using the same token. Please retry the request."}"#;

/// What the page calls it.
fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Conflict(_) => "conflict",
        Verdict::Scopes(_) | Verdict::Done(Exchanged::ScopeRefused(_)) => "scope refused",
        Verdict::Done(Exchanged::Granted(_)) => "granted",
        Verdict::Done(Exchanged::InvalidGrant(_)) => "invalid grant",
        Verdict::Done(Exchanged::NotProcessed { .. }) => "not processed",
        Verdict::Done(Exchanged::Unknown { .. }) => "unknown",
        Verdict::Done(Exchanged::ClientRejected(_)) => "client rejected",
        Verdict::Done(Exchanged::Refused(_)) => "refused",
    }
}

fn called(status: u16, body: &str) -> Called {
    let status = StatusCode::from_u16(status).unwrap();
    Called { status, retry_after: None, body: Ok(body.as_bytes().to_vec()) }
}

fn of(status: u16, body: &str) -> &'static str {
    word(&judge(Ok(called(status, body))))
}

fn error(word: &str) -> String {
    format!(r#"{{"error":"{word}","error_description":"hunter2"}}"#)
}

/// The rows of the page's table: what the endpoint does, and what is known.
fn rows() -> Vec<(&'static str, &'static str)> {
    let section = PAGE.split("## What the token endpoint answers").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        (cells[0], cells[1])
    })
    .collect()
}

/// Answers for each row that speaks of one. What no answer is stands in tests/it/upstream/exchange.rs and http.rs.
fn answers(row: &str) -> Vec<(u16, String)> {
    let same = |statuses: &[u16], body: &str| statuses.iter().map(|it| (*it, body.to_owned())).collect();
    let words = |statuses: &[u16], words: &[&str]| {
        let all = statuses.iter().flat_map(|status| words.iter().map(move |word| (*status, error(word))));
        all.collect()
    };
    let bodies = |bodies: &[&str]| bodies.iter().map(|body| (200, (*body).to_owned())).collect();
    match row {
        "500, 502, 503, 504 or any other 5xx, 408" => {
            let mut all: Vec<_> = same(&[500, 501, 502, 503, 504, 599, 408], "");
            all.extend(words(&[500, 503], &["invalid_grant", "temporarily_unavailable", "invalid_client"]));
            all
        }
        "429, 425" => words(&[429, 425], &["invalid_grant", "slow_down"]),
        "a redirect" => same(&[301, 302, 303, 307, 308], r#"{"access_token":"a","token_type":"Bearer"}"#),
        "200, and no JSON, or longer than 512 KiB" => {
            bodies(&["", "<html>", "[]", "\"a\"", "{", r#"{"access_token":"a""#, r#"{"access_token":"a"} x"#])
        }
        "200 without an `access_token`" => bodies(&[
            "{}",
            r#"{"token_type":"Bearer","refresh_token":"r"}"#,
            r#"{"access_token":"","token_type":"Bearer"}"#,
            r#"{"access_token":null}"#,
            r#"{"error":"invalid_grant"}"#,
        ]),
        "200 with two members of one name, control characters or wrong types" => bodies(&[
            r#"{"access_token":"a","access_token":"b","token_type":"Bearer"}"#,
            r#"{"access_token":"a","x":{"y":1,"y":2}}"#,
            r#"{"access_token":"a\n"}"#,
            r#"{"access_token":"a","refresh_token":"r\u0000"}"#,
            r#"{"access_token":"a","refresh_token":["r"]}"#,
            r#"{"access_token":"a","id_token":7}"#,
            r#"{"access_token":7}"#,
            r#"{"access_token":"é"}"#,
            r#"{"access_token":"a","scope":["read"]}"#,
            r#"{"access_token":"a","token_type":{}}"#,
            r#"{"access_token":"a","expires_in":"soon"}"#,
            r#"{"access_token":"a","expires_in":-1}"#,
        ]),
        "200 with tokens" => bodies(&[
            r#"{"access_token":"a","token_type":"Bearer","refresh_token":"r","expires_in":300}"#,
            r#"{"access_token":"a","refresh_token":"r","error":"invalid_grant"}"#,
        ]),
        "200 without a `refresh_token`" => bodies(&[
            r#"{"access_token":"a","token_type":"Bearer"}"#,
            r#"{"access_token":"a","refresh_token":null}"#,
            r#"{"access_token":"a","refresh_token":""}"#,
        ]),
        "400, 401 or 403 `invalid_grant`" => words(&[400, 401, 403], &["invalid_grant"]),
        "`invalid_request` as Ory Hydra answers two requests at once" => {
            let hint = r#"{"error":"invalid_request","error_hint":"Please retry the request"}"#;
            [same(&[400], HYDRA), same(&[400], hint)].concat()
        }
        "`invalid_scope`" => words(&[400, 403], &["invalid_scope"]),
        "`invalid_client`, `unauthorized_client`, `unsupported_grant_type`" => {
            words(&[400, 401, 403], &["invalid_client", "unauthorized_client", "unsupported_grant_type"])
        }
        "401 without a word" => {
            [same(&[401], ""), same(&[401], "<html>"), words(&[401], &["nobody_s"])].concat()
        }
        "`temporarily_unavailable`, `server_error` with a 4xx" => {
            words(&[400, 403, 409], &["temporarily_unavailable", "server_error"])
        }
        "`use_dpop_nonce`, and any other 4xx" => {
            let doubled = r#"{"error":"invalid_grant","error":"invalid_client"}"#;
            let others: Vec<_> = words(
                &[400],
                &["use_dpop_nonce", "invalid_dpop_proof", "invalid_request", "nobody_s", "access_denied"],
            );
            let odd = [same(&[400, 403, 404, 405, 409, 413], "<html>"), same(&[400], doubled)].concat();
            [others, odd, words(&[404, 409, 410], &["invalid_grant"])].concat()
        }
        _no_answer => vec![],
    }
}

#[test]
fn each_row_of_the_page_is_what_comes_of_it() {
    let mut silent = Vec::new();
    for (row, expected) in rows() {
        let answers = answers(row);
        if answers.is_empty() {
            silent.push((row, expected));
        }
        for (status, body) in answers {
            assert_eq!(of(status, &body), expected, "{row}: {status} {body}");
        }
    }
    assert_eq!(
        silent,
        [
            ("cannot be reached: DNS, TCP, TLS", "not processed"),
            ("is plain `http` beyond loopback", "refused"),
            ("refuses the HTTP/2 stream", "not processed"),
            ("does not answer in `refresh.upstream_timeout`", "unknown"),
            ("breaks the connection before or within its answer", "unknown"),
        ]
    );
    assert_eq!(rows().len(), 20, "a row that is not on the page is not looked at");
}

#[test]
fn an_answer_that_is_not_whole_says_nothing_whatever_its_status() {
    for status in [200, 400, 401, 403] {
        for error in [HttpError::Timeout, HttpError::TooLong] {
            let torn = Called { body: Err(error), ..called(status, "") };
            assert_eq!(word(&judge(Ok(torn))), "unknown", "{status}");
        }
    }
    assert_eq!(word(&judge(Err(HttpError::Timeout))), "unknown");
    assert_eq!(word(&judge(Err(HttpError::PlainHttp))), "refused");
}

#[test]
fn what_a_server_asks_to_wait_is_kept() {
    let wait = Some(Duration::from_secs(7));
    for (status, body) in [(429, String::new()), (503, String::new()), (400, error("server_error"))] {
        let kept = match judge(Ok(Called { retry_after: wait, ..called(status, &body) })) {
            Verdict::Done(
                Exchanged::NotProcessed { retry_after, .. } | Exchanged::Unknown { retry_after, .. },
            ) => retry_after,
            Verdict::Done(_) | Verdict::Conflict(_) | Verdict::Scopes(_) => None,
        };
        assert_eq!(kept, wait, "{status}");
    }
}

#[test]
fn no_word_of_an_answer_is_shown_that_no_standard_has() {
    for (row, _) in rows() {
        for (status, body) in answers(row) {
            let body = body.replace("nobody_s", "hunter2");
            if let Verdict::Done(done) = judge(Ok(called(status, &body))) {
                assert!(!format!("{done:?}").contains("hunter2"), "{done:?}");
            }
        }
    }
    let Verdict::Done(Exchanged::InvalidGrant(trouble)) = judge(Ok(called(400, &error("invalid_grant"))))
    else {
        panic!("it is one");
    };
    assert_eq!(trouble.to_string(), "the answer is 400 invalid_grant");
}
