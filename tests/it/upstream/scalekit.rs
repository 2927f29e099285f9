//! A server with Scalekit's session API, as far as that is known.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use countersign::{
    domain::time::UnixTime,
    issuer::{Never, Revocable, Revoker},
};
use serde_json::{Value, json};

use super::kit::{NOW, SECRET, WELL_KNOWN, json_reply, metadata, now, revoker, tell};
use crate::support::idp::{Hit, Idp, Reply};

const PROFILE: &str = "profile: scalekit";
const CLIENT: &str = "clients: [{ id: skc_1, auth: client_secret_post, secret: { env: CLIENT_SECRET } }]";
const USER: &str = "/api/v1/users/usr_1/sessions";

/// Its state.
#[derive(Default)]
struct Scalekit {
    granted: AtomicU32,
    /// How long its tokens live, in seconds.
    life: AtomicU32,
    /// The token that it accepts; others are refused.
    good: AtomicU32,
    /// Session ids, whether they are active, and when they began.
    sessions: Mutex<Vec<(String, bool, i64)>>,
    forbids: AtomicBool,
    fails: AtomicBool,
}

impl Scalekit {
    fn answer(&self, hit: &Hit) -> Reply {
        match hit.path.as_str() {
            WELL_KNOWN => return metadata(hit, None),
            "/token" => return self.grant(hit),
            _ => {}
        }
        let good = format!("authorization: bearer hunter2-{}\r\n", self.good.load(Ordering::SeqCst));
        if !hit.head.contains(&good) {
            return json_reply("401 Unauthorized", &json!({ "code": 16 }));
        }
        if self.forbids.load(Ordering::SeqCst) {
            return json_reply("403 Forbidden", &json!({ "code": 7 }));
        }
        if self.fails.load(Ordering::SeqCst) {
            return Reply::status("503 Service Unavailable").with("retry-after", "9");
        }
        let mut sessions = self.sessions.lock().unwrap();
        if hit.path == format!("{USER}/revoke") {
            sessions.iter_mut().for_each(|session| session.1 = false);
            return json_reply("200 OK", &json!({ "total_revoked": 1 }));
        }
        if let Some(query) = hit.path.strip_prefix(USER) {
            return list(&sessions, query);
        }
        let id = hit.path.strip_prefix("/api/v1/sessions/").and_then(|rest| rest.strip_suffix("/revoke"));
        match sessions.iter_mut().find(|session| Some(session.0.as_str()) == id) {
            Some(session) if session.1 => {
                session.1 = false;
                json_reply("200 OK", &json!({ "revoked_session": {} }))
            }
            Some(_) => json_reply("400 Bad Request", &json!({ "code": 9, "message": "not active" })),
            None if id == Some("odd") => json_reply("400 Bad Request", &json!({ "code": 3 })),
            None => json_reply("404 Not Found", &json!({ "code": 5 })),
        }
    }

    fn grant(&self, hit: &Hit) -> Reply {
        assert_eq!(hit.body, format!("grant_type=client_credentials&client_id=skc_1&client_secret={SECRET}"));
        let number = self.granted.fetch_add(1, Ordering::SeqCst) + 1;
        let (token, life) = (format!("hunter2-{number}"), self.life.load(Ordering::SeqCst));
        json_reply("200 OK", &json!({ "access_token": token, "token_type": "bearer", "expires_in": life }))
    }

    fn active(&self) -> Vec<String> {
        let sessions = self.sessions.lock().unwrap();
        sessions.iter().filter(|session| session.1).map(|session| session.0.clone()).collect()
    }
}

/// Two sessions a page, whatever their state.
fn list(sessions: &[(String, bool, i64)], query: &str) -> Reply {
    let from = query.split("page_token=").nth(1).map_or(0, |token| token.parse().unwrap());
    assert!(query.contains("filter.status=active"), "{query}");
    let shown: Vec<Value> = sessions
        .iter()
        .skip(from)
        .take(2)
        .map(|(id, active, began)| {
            let status = if *active { "ACTIVE" } else { "REVOKED" };
            let minute = began / 60;
            json!({ "session_id": id, "status": status, "created_at": format!("2026-11-20T{:02}:{:02}:00Z", minute / 60, minute % 60) })
        })
        .collect();
    let next = if from + 2 < sessions.len() { (from + 2).to_string() } else { String::new() };
    json_reply("200 OK", &json!({ "sessions": shown, "next_page_token": next }))
}

/// Sessions that began so many seconds before ten o'clock.
async fn start(sessions: &[(&str, i64)]) -> (Idp, Arc<Scalekit>, Revoker) {
    let server = Arc::new(Scalekit::default());
    server.good.store(1, Ordering::SeqCst);
    server.life.store(3600, Ordering::SeqCst);
    *server.sessions.lock().unwrap() =
        sessions.iter().map(|(id, before)| ((*id).to_owned(), true, 36_000 - before)).collect();
    let answering = Arc::clone(&server);
    let idp = Idp::start(move |hit| answering.answer(hit)).await;
    let revoker = revoker(&idp.url(""), SECRET, &[PROFILE, CLIENT]);
    (idp, server, revoker)
}

fn sessions_of(except: Option<&str>, before: i64) -> Revocable<'_> {
    Revocable::SessionsOf { subject: "usr_1", except, up_to: UnixTime::from_secs(NOW - before) }
}

#[tokio::test]
async fn a_session_is_ended_with_a_token_that_is_fetched_once() {
    let (idp, server, revoker) = start(&[("ses_1", 60), ("ses_2", 60)]).await;
    for id in ["ses_1", "ses_2"] {
        assert_eq!(tell(&revoker, &Revocable::Session { session_id: id }).await, "done");
    }
    assert_eq!(server.active(), [""; 0]);
    let path_of = |id: &str| format!("/api/v1/sessions/{id}/revoke");
    assert_eq!(idp.paths(), [WELL_KNOWN.to_owned(), "/token".to_owned(), path_of("ses_1"), path_of("ses_2")]);
    assert!(idp.hits()[2].head.starts_with("post "));
}

#[tokio::test]
async fn a_session_that_has_ended_or_never_was_is_as_good_as_ended() {
    let (_idp, _server, revoker) = start(&[("ses_1", 60)]).await;
    for _ in 0..2 {
        assert_eq!(tell(&revoker, &Revocable::Session { session_id: "ses_1" }).await, "done");
    }
    assert_eq!(tell(&revoker, &Revocable::Session { session_id: "ses_unknown" }).await, "done");
    assert_eq!(tell(&revoker, &Revocable::Session { session_id: "odd" }).await, "refused: refused");
}

#[tokio::test]
async fn a_token_that_is_refused_is_fetched_again_once() {
    let (idp, server, revoker) = start(&[("ses_1", 60)]).await;
    server.good.store(2, Ordering::SeqCst);
    assert_eq!(tell(&revoker, &Revocable::Session { session_id: "ses_1" }).await, "done");
    assert_eq!(server.granted.load(Ordering::SeqCst), 2);
    server.good.store(9, Ordering::SeqCst);
    let asked = idp.paths().len();
    let said = tell(&revoker, &Revocable::Session { session_id: "ses_1" }).await;
    assert_eq!(said, "misconfigured: client_refused");
    assert_eq!(idp.paths().len(), asked + 3, "refused, one token more, refused again");
}

#[tokio::test]
async fn a_token_that_has_expired_is_not_sent() {
    let (_idp, server, revoker) = start(&[("ses_1", 60), ("ses_2", 60)]).await;
    server.life.store(0, Ordering::SeqCst);
    assert_eq!(tell(&revoker, &Revocable::Session { session_id: "ses_1" }).await, "done");
    server.good.store(2, Ordering::SeqCst);
    assert_eq!(tell(&revoker, &Revocable::Session { session_id: "ses_2" }).await, "done");
    assert_eq!(server.granted.load(Ordering::SeqCst), 2, "the first was not tried again");
}

#[tokio::test]
async fn without_a_token_of_its_own_nothing_is_asked_of_the_api() {
    let token = |kind: &str| json!({ "access_token": "hunter2", "token_type": kind });
    for (status, body, expected) in [
        ("200 OK", json!({}), "misconfigured: no_token"),
        ("200 OK", token("mac"), "misconfigured: no_token"),
        ("200 OK", json!({ "access_token": "hunter2\n", "token_type": "Bearer" }), "misconfigured: no_token"),
        ("200 OK", json!("hunter2"), "misconfigured: no_token"),
        ("401 Unauthorized", json!({ "error": "invalid_client" }), "misconfigured: client_refused"),
        ("400 Bad Request", json!({ "error": "unauthorized_client" }), "misconfigured: client_refused"),
        ("302 Found", token("Bearer"), "misconfigured: redirect"),
        ("500 Internal Server Error", token("Bearer"), "unavailable: unavailable -"),
    ] {
        let idp = Idp::start(move |hit| match hit.path.as_str() {
            WELL_KNOWN => metadata(hit, None),
            _ => json_reply(status, &body),
        })
        .await;
        let revoker = revoker(&idp.url(""), SECRET, &[PROFILE, CLIENT]);
        assert_eq!(tell(&revoker, &Revocable::Session { session_id: "ses_1" }).await, expected, "{status}");
        assert_eq!(idp.paths(), [WELL_KNOWN, "/token"]);
    }
}

#[tokio::test]
async fn missing_permissions_are_for_an_operator_and_outages_pass() {
    let (_idp, server, revoker) = start(&[("ses_1", 60)]).await;
    let one = Revocable::Session { session_id: "ses_1" };
    server.forbids.store(true, Ordering::SeqCst);
    assert_eq!(tell(&revoker, &one).await, "misconfigured: client_refused");
    server.forbids.store(false, Ordering::SeqCst);
    server.fails.store(true, Ordering::SeqCst);
    assert_eq!(tell(&revoker, &one).await, "unavailable: unavailable 9");
    server.fails.store(false, Ordering::SeqCst);
    assert_eq!(tell(&revoker, &one).await, "done");
}

#[tokio::test]
async fn all_sessions_of_a_user_end_by_one_call_while_none_can_be_younger_than_the_cut_off() {
    let (idp, server, revoker) = start(&[("ses_1", 60), ("ses_2", 120)]).await;
    assert_eq!(tell(&revoker, &sessions_of(None, 0)).await, "done");
    assert_eq!(server.active(), [""; 0]);
    assert_eq!(idp.paths()[2..], [format!("{USER}/revoke")]);
}

#[tokio::test]
async fn a_spared_session_and_those_after_the_cut_off_live_on() {
    let all = [("ses_1", 600), ("ses_2", 540), ("ses_3", 480), ("ses_4", 420), ("ses_5", 60)];
    let (idp, server, revoker) = start(&all).await;
    assert_eq!(tell(&revoker, &sessions_of(Some("ses_3"), 420)).await, "done");
    assert_eq!(server.active(), ["ses_3", "ses_5"]);
    assert!(!idp.paths().contains(&format!("{USER}/revoke")), "that would have ended all");
    let asked = idp.paths().len();
    assert_eq!(
        tell(&revoker, &sessions_of(None, 420)).await,
        "done",
        "late, so that there may be newer ones"
    );
    assert_eq!(server.active(), ["ses_5"]);
    let revocations = idp.paths()[asked..].iter().filter(|path| path.ends_with("/revoke")).count();
    assert_eq!(revocations, 1, "what has ended is left alone");
}

#[tokio::test]
async fn an_id_from_a_caller_never_changes_the_path() {
    let (idp, server, revoker) = start(&[("ses_1", 60)]).await;
    let hostile = [
        "",
        ".",
        "..",
        "../users/usr_1/sessions",
        "ses_1/../../users/usr_1/sessions",
        "ses_1?x=",
        "ses_1#",
        "ses_1%2f",
        "%2e%2e",
        "ses_1\\..",
        "ses_1;a",
        "ses_1 ",
        "sés_1",
        "ses_1\r\nx: y",
        "//evil.example",
    ];
    for id in hostile {
        for what in [
            Revocable::Session { session_id: id },
            Revocable::SessionsOf { subject: id, except: None, up_to: now() },
            Revocable::SessionsOf { subject: id, except: Some("ses_1"), up_to: now() },
        ] {
            assert_eq!(revoker.consider(&what), Err(Never::NothingToSend), "{id:?}");
            assert_eq!(tell(&revoker, &what).await, "refused: no_id", "{id:?}");
        }
    }
    assert_eq!(idp.paths(), [""; 0]);
    assert_eq!(server.active(), ["ses_1"]);
}

#[tokio::test]
async fn what_can_be_told_at_all_depends_on_profile_and_clients() {
    let session = Revocable::Session { session_id: "ses_1" };
    let users = Revocable::SessionsOf { subject: "usr_1", except: None, up_to: now() };
    let public = "clients: [{ id: skc_1, auth: none }]";
    for (lines, expected) in [
        (&[PROFILE, CLIENT][..], Ok(())),
        (&[PROFILE, public], Err(Never::Unsupported)),
        (&[PROFILE], Err(Never::Unsupported)),
        (&[CLIENT], Err(Never::NothingToSend)),
        (&[], Err(Never::NothingToSend)),
    ] {
        let revoker = revoker("https://acme.example", SECRET, lines);
        assert_eq!((revoker.consider(&session), revoker.consider(&users)), (expected, expected), "{lines:?}");
    }
}
