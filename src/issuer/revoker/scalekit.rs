//! Scalekit's session API. It knows sessions (`ses_...`) and users (`usr_...`), and revokes active sessions only.

mod sessions;

use reqwest::StatusCode;
use url::Url;

use self::sessions::Page;
use super::{Around, NotTold, Trouble, bearer::Bearer};
use crate::{
    domain::time::UnixTime,
    issuer::{
        client::OAuthClient,
        http::{Call, Called},
    },
};

/// Pages of a subject's sessions that are read in one attempt.
const PAGES: usize = 20;
/// The longest id that is sent.
const LONGEST_ID: usize = 256;

/// The API of one environment.
#[derive(Debug)]
pub(super) struct Scalekit {
    base: Url,
    bearer: Bearer,
}

/// What is asked of the API.
#[derive(Clone, Copy)]
enum Method {
    Get,
    Post,
}

/// Whether Scalekit could have given this id. Nothing else gets into an address: an id is the caller's, and no escaping
/// is understood alike by every proxy on the way.
pub(super) fn is_an_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= LONGEST_ID
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

impl Scalekit {
    /// The API beside this issuer; `None` if that has no address.
    pub(super) fn new(issuer: &str, client: OAuthClient) -> Option<Self> {
        let base = Url::parse(issuer).ok().filter(|url| !url.cannot_be_a_base())?;
        Some(Self { base, bearer: Bearer::new(client) })
    }

    /// Ends one session. One that has ended, or never was, is as good as ended.
    pub(super) async fn end_session(
        &self,
        around: &Around,
        session_id: &str,
        now: UnixTime,
    ) -> Result<(), NotTold> {
        let address = self.address(&["sessions", session_id, "revoke"])?;
        judge(&self.call(around, Method::Post, &address, now).await?)
    }

    /// Ends every session that a subject has now.
    pub(super) async fn end_all_of(
        &self,
        around: &Around,
        subject: &str,
        now: UnixTime,
    ) -> Result<(), NotTold> {
        let address = self.address(&["users", subject, "sessions", "revoke"])?;
        judge(&self.call(around, Method::Post, &address, now).await?)
    }

    /// Ends those of a subject's sessions that began up to a time, one after the other, and spares one. What has been ended
    /// is not listed again, so an attempt that fails half-way has done its part.
    pub(super) async fn end_each_of(
        &self,
        around: &Around,
        subject: &str,
        except: Option<&str>,
        up_to: UnixTime,
        now: UnixTime,
    ) -> Result<(), NotTold> {
        let mut to_end = Vec::new();
        let mut page_token = None;
        for _ in 0..PAGES {
            let page = self.list(around, subject, page_token.as_deref(), now).await?;
            let concerned = page.sessions.iter().filter(|it| it.is_concerned(except, up_to));
            to_end.extend(concerned.map(|session| session.id().to_owned()));
            page_token = page.next_page_token().map(str::to_owned);
            if page_token.is_none() {
                break;
            }
        }
        // One that cannot be ended must not spare the others.
        let mut trouble = Ok(());
        for session_id in &to_end {
            let ended = self.end_session(around, session_id, now).await;
            // What may go away is worth another attempt, whatever else there is.
            if ended.is_err() && !matches!(trouble, Err(NotTold::Unavailable { .. })) {
                trouble = ended;
            }
        }
        trouble?;
        match page_token {
            None => Ok(()),
            Some(_) => {
                Err(NotTold::here("more_pages", "the subject has more sessions than one attempt ends"))
            }
        }
    }

    async fn list(
        &self,
        around: &Around,
        subject: &str,
        page_token: Option<&str>,
        now: UnixTime,
    ) -> Result<Page, NotTold> {
        let mut address = self.address(&["users", subject, "sessions"])?;
        address.query_pairs_mut().append_pair("filter.status", "active");
        if let Some(page_token) = page_token {
            address.query_pairs_mut().append_pair("page_token", page_token);
        }
        let called = self.call(around, Method::Get, &address, now).await?;
        if called.status == StatusCode::NOT_FOUND {
            return Ok(Page::default());
        }
        judge(&called)?;
        let body = called.body.map_err(|error| NotTold::by_http(&error))?;
        Page::parse(&body).ok_or_else(|| {
            NotTold::Misconfigured(Trouble::new("not_sessions", "the answer is no list of sessions"))
        })
    }

    /// Sends it with the held token, and once more with a new one should that be refused.
    async fn call(
        &self,
        around: &Around,
        method: Method,
        address: &Url,
        now: UnixTime,
    ) -> Result<Called, NotTold> {
        let called = self.call_once(around, method, address, now).await?;
        if called.status == StatusCode::UNAUTHORIZED {
            return self.call_once(around, method, address, now).await;
        }
        Ok(called)
    }

    async fn call_once(
        &self,
        around: &Around,
        method: Method,
        address: &Url,
        now: UnixTime,
    ) -> Result<Called, NotTold> {
        let header = self.bearer.header(around, now).await?;
        let call = match method {
            Method::Get => Call::Get(header.clone()),
            Method::Post => Call::Post(header.clone()),
        };
        let called = around.http.call(address, around.bounds, call).await;
        let called = called.map_err(|error| NotTold::by_http(&error))?;
        if called.status == StatusCode::UNAUTHORIZED {
            self.bearer.refused(&header).await;
        }
        Ok(called)
    }

    fn address(&self, path: &[&str]) -> Result<Url, NotTold> {
        let mut address = self.base.clone();
        // Both were seen to before: this is what keeps it so.
        let ids_are_ids = path.iter().all(|part| is_an_id(part));
        match address.path_segments_mut() {
            Ok(mut segments) if ids_are_ids => {
                segments.pop_if_empty().extend(["api", "v1"]).extend(path);
            }
            _ => return Err(NotTold::Refused(Trouble::new("no_id", "it is no id of this provider"))),
        }
        Ok(address)
    }
}

/// What an answer means. Scalekit answers with gRPC's codes, each as its HTTP status: 404 NOT_FOUND and, for what is not active,
/// 400 with FAILED_PRECONDITION.
fn judge(called: &Called) -> Result<(), NotTold> {
    let status = called.status;
    if status.is_success() || matches!(status, StatusCode::NOT_FOUND | StatusCode::CONFLICT) {
        return Ok(());
    }
    if let Some(not_told) = NotTold::by_status(called) {
        return Err(not_told);
    }
    if status == StatusCode::BAD_REQUEST && sessions::is_failed_precondition(called) {
        return Ok(());
    }
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return Err(NotTold::client_refused(status, None));
    }
    Err(NotTold::Refused(Trouble::answer("refused", status, None)))
}
