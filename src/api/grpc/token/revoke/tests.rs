use prost::Message as _;

use super::*;
use crate::proto::{client, server};

fn field(request: &RevokeRequest) -> Option<&'static str> {
    read(request).err().map(|wrong| wrong.field)
}

/// As the bytes of one client's request after another's arrive.
fn sent(requests: &[client::revoke_request::Target]) -> RevokeRequest {
    let bytes: Vec<u8> = requests
        .iter()
        .flat_map(|target| {
            let target = Some(target.clone());
            client::RevokeRequest { target, ..client::RevokeRequest::default() }.encode_to_vec()
        })
        .collect();
    RevokeRequest::decode(bytes.as_slice()).unwrap()
}

#[test]
fn every_target_of_the_oneof_arrives_as_itself() {
    use client::revoke_request::Target;
    let text = || "x".to_owned();
    for (target, expected) in [
        (Target::Token(text()), "token"),
        (Target::TokenId(text()), "token_id"),
        (Target::SessionId(text()), "session_id"),
        (Target::Subject(text()), "subject"),
        (Target::ClientId(text()), "client_id"),
        (Target::AllOfIssuer(true), "all_of_issuer"),
    ] {
        let request = sent(&[target]);
        assert_eq!(read(&request).ok().map(|demand| demand.aim.field()), Some(expected));
    }
}

#[test]
fn two_targets_are_seen_however_they_come_and_none_is_none() {
    use client::revoke_request::Target;
    let (subject, client) = (Target::Subject("a".to_owned()), Target::ClientId("b".to_owned()));
    assert_eq!(field(&sent(&[subject.clone(), client])), Some("target"));
    assert_eq!(field(&sent(&[subject.clone(), subject])), Some("target"), "twice the same field");
    assert_eq!(field(&sent(&[Target::AllOfIssuer(true), Target::AllOfIssuer(true)])), Some("target"));
    assert_eq!(field(&sent(&[])), Some("target"));
    assert_eq!(field(&sent(&[Target::AllOfIssuer(false)])), Some("all_of_issuer"));
}

#[test]
fn a_cut_off_is_a_time_and_never_earlier_than_it_was_asked_for() {
    let read = |seconds, nanos| time(&Timestamp { seconds, nanos }).map(UnixTime::as_millis).ok();
    assert_eq!(read(1, 0), Some(1_000));
    assert_eq!(read(1, 1), Some(1_001));
    assert_eq!(read(1, 999_999_999), Some(2_000));
    assert_eq!(read(LAST_SECOND, 999_999_999), Some(LAST_SECOND * 1000 + 999), "the end of the range");
    for (seconds, nanos) in [(-1, 0), (0, -1), (0, 1_000_000_000), (LAST_SECOND + 1, 0), (i64::MIN, i32::MIN)]
    {
        assert_eq!(read(seconds, nanos), None, "{seconds} {nanos}");
    }
}

#[test]
fn the_server_knows_every_outcome_upstream() {
    let names = [
        (Upstream::NotAsked, server::Upstream::NotAsked),
        (Upstream::Done, server::Upstream::Done),
        (Upstream::Queued, server::Upstream::Queued),
        (Upstream::Unsupported, server::Upstream::Unsupported),
        (Upstream::NothingToSend, server::Upstream::NothingToSend),
    ];
    let done = crate::service::revoke::Done {
        revision: "0000000000000007-3".parse().unwrap(),
        effective_not_before: Some(UnixTime::from_millis(1_500)),
        sessions: 2,
    };
    for (upstream, expected) in names {
        let response = response(&Revoked { done, upstream });
        assert_eq!(response.upstream(), expected);
        assert_eq!(response.revision, "0000000000000007-3");
        assert_eq!(response.revoked_sessions, 2);
        assert_eq!(response.effective_not_before, Some(Timestamp { seconds: 1, nanos: 500_000_000 }));
    }
}
