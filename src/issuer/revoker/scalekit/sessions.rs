//! What Scalekit's session API answers.

use prost_types::Timestamp;
use serde::Deserialize;

use super::is_an_id;
use crate::{
    domain::{json, time::UnixTime},
    issuer::http::Called,
};

/// gRPC's FAILED_PRECONDITION.
const FAILED_PRECONDITION: u64 = 9;

/// A page of a subject's sessions. The names are those of the messages; gRPC's gateway may write them in camel case.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Page {
    #[serde(default)]
    pub(super) sessions: Vec<Listed>,
    #[serde(default, alias = "nextPageToken")]
    next_page_token: String,
}

/// A session in it.
#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    #[serde(alias = "sessionId")]
    session_id: String,
    #[serde(default)]
    status: String,
    #[serde(default, alias = "createdAt")]
    created_at: String,
}

/// The part of gRPC's status that is looked at.
#[derive(Deserialize)]
struct Status {
    code: u64,
}

impl Page {
    /// Unknown members are passed over.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        // An array would be read by position.
        json::parse_object(body)?;
        serde_json::from_slice(body).ok()
    }

    /// Behind the last page there is none.
    pub(super) fn next_page_token(&self) -> Option<&str> {
        Some(self.next_page_token.as_str()).filter(|token| !token.is_empty())
    }
}

impl Listed {
    pub(super) fn id(&self) -> &str {
        &self.session_id
    }

    /// Whether it is to be ended. A session that does not say when it began did so early enough; a state that nobody here
    /// knows may be an active one.
    pub(super) fn is_concerned(&self, except: Option<&str>, up_to: UnixTime) -> bool {
        let over = ["expired", "revoked", "logout"].iter().any(|it| self.status.eq_ignore_ascii_case(it));
        let began_later = self.began_at().is_some_and(|began| up_to < began);
        is_an_id(&self.session_id) && except != Some(self.id()) && !over && !began_later
    }

    fn began_at(&self) -> Option<UnixTime> {
        let Timestamp { seconds, nanos } = self.created_at.parse().ok()?;
        Some(UnixTime::from_millis(seconds.saturating_mul(1000).saturating_add(i64::from(nanos / 1_000_000))))
    }
}

/// Whether the answer says that the session is in no state to be revoked.
pub(super) fn is_failed_precondition(called: &Called) -> bool {
    let status = called.body.as_ref().ok().and_then(|body| serde_json::from_slice::<Status>(body).ok());
    status.is_some_and(|status| status.code == FAILED_PRECONDITION)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(json: &str) -> Listed {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn only_active_sessions_from_before_the_cut_off_are_concerned_and_what_is_unknown_is() {
        // 2026-11-20T10:00:00Z
        let up_to = UnixTime::from_secs(1_795_168_800);
        for (json, concerned) in [
            (r#"{"session_id":"ses_1","status":"active","created_at":"2026-11-20T10:00:00Z"}"#, true),
            (r#"{"session_id":"ses_1","status":"ACTIVE","created_at":"2026-11-20T10:00:00.001Z"}"#, false),
            (r#"{"sessionId":"ses_1","createdAt":"2026-11-20T12:00:01+02:00"}"#, false),
            (r#"{"sessionId":"ses_1","createdAt":"2026-11-20T11:00:00+02:00"}"#, true),
            (r#"{"session_id":"ses_1","status":"paused","created_at":"yesterday"}"#, true),
            (r#"{"session_id":"ses_1"}"#, true),
            (r#"{"session_id":"ses_1","status":"Revoked"}"#, false),
            (r#"{"session_id":"ses_1","status":"expired"}"#, false),
            (r#"{"session_id":"ses_1","status":"logout"}"#, false),
            (r#"{"session_id":"ses_spared","status":"active"}"#, false),
            (r#"{"session_id":"../users/usr_1/sessions","status":"active"}"#, false),
        ] {
            assert_eq!(listed(json).is_concerned(Some("ses_spared"), up_to), concerned, "{json}");
        }
    }

    #[test]
    fn a_page_may_be_empty_and_says_whether_there_is_another() {
        assert_eq!(Page::parse(b"{}").unwrap().next_page_token(), None);
        assert_eq!(Page::parse(br#"{"nextPageToken":"p2"}"#).unwrap().next_page_token(), Some("p2"));
        assert_eq!(
            Page::parse(br#"{"next_page_token":"p2","total_size":7}"#).unwrap().next_page_token(),
            Some("p2")
        );
        assert!(Page::parse(b"[]").is_none() && Page::parse(b"<html>").is_none());
    }
}
