//! The token endpoint as refreshing and logging in use it (RFC 6749 section 3.2): one exchange, and what came of it.
//!
//! What counts is whether the issuer may have processed a request whose answer is not here, for it may have spent the refresh
//! token (F1, F6). So `judge` says of each answer, and of each failure to have one, what is known for certain.

mod form;
mod granted;
mod judge;

use std::time::Duration;

use tokio::time::{Instant, sleep};
use url::Url;

use self::{
    form::Form,
    judge::{Verdict, judge},
};
use super::{
    client::OAuthClient,
    endpoints::Endpoints,
    exchange::{Exchanged, Grant},
    freshness::Jitter,
    http::{Bounds, Call, HttpClient},
    not_told::{NotTold, Trouble},
    settings::IssuerSettings,
};
use crate::domain::time::UnixTime;

/// Longer answers are not read. Not `keys.max_bytes`: what does not fit is a session that ends.
const MAX_BYTES: usize = 512 * 1024;
/// How long a conflict is given to go away, at the most; at least a third of it.
const PAUSE: Duration = Duration::from_millis(300);

/// One issuer's token endpoint.
#[derive(Debug)]
pub struct TokenEndpoint {
    settings: IssuerSettings,
    http: HttpClient,
    endpoints: Endpoints,
}

impl TokenEndpoint {
    /// Nothing is asked for yet.
    pub fn new(settings: &IssuerSettings, http: HttpClient) -> Self {
        let endpoints = Endpoints::new(settings, http.clone());
        Self { settings: settings.clone(), http, endpoints }
    }

    /// The configured client of this id, or the only one, if the id is empty.
    pub fn client(&self, id: &str) -> Option<&OAuthClient> {
        match self.settings.clients.as_slice() {
            [only] if id.is_empty() => Some(only),
            clients => clients.iter().find(|client| client.id == id),
        }
    }

    /// Where it is, by the issuer's metadata, which are read when they are first needed, and anew as often as keys are.
    pub async fn locate(&self) -> Result<Url, NotTold> {
        self.endpoints.token_endpoint().await
    }

    /// Exchanges a grant as this client at the address that `locate` told, within `timeout`, which bounds all that is sent again,
    /// too. It is sent again once each, and only after an answer that it was not processed: where the issuer says that two requests
    /// were in each other's way, and without scopes where it refuses those.
    pub async fn exchange(
        &self,
        at: &Url,
        client: &OAuthClient,
        grant: Grant<'_>,
        timeout: Duration,
        now: UnixTime,
    ) -> Exchanged {
        if let Err(trouble) = self.endpoints.accepts(&client.authentication) {
            return Exchanged::ClientRejected(trouble);
        }
        let Some(mut form) = Form::new(grant, &self.settings.refresh) else {
            return Exchanged::Refused(Trouble::new("no_text", "what was to be exchanged is no text"));
        };
        let until = Instant::now() + timeout;
        let (mut was_in_conflict, mut is_without_scopes) = (false, false);
        loop {
            match self.once(at, client, &form, until, now).await {
                Verdict::Done(exchanged) => return exchanged.for_scopes_of(is_without_scopes),
                Verdict::Conflict(trouble) => {
                    let pause = Jitter::draw().shorten(PAUSE, 1.0 / 3.0);
                    if was_in_conflict || Instant::now() + pause >= until {
                        return Exchanged::NotProcessed { trouble, retry_after: None };
                    }
                    was_in_conflict = true;
                    sleep(pause).await;
                }
                Verdict::Scopes(trouble) if form.has_scopes() && Instant::now() < until => {
                    is_without_scopes = true;
                    form.forget_scopes();
                    drop(trouble);
                }
                Verdict::Scopes(trouble) => return Exchanged::ScopeRefused(trouble),
            }
        }
    }

    async fn once(
        &self,
        at: &Url,
        client: &OAuthClient,
        form: &Form<'_>,
        until: Instant,
        now: UnixTime,
    ) -> Verdict {
        let Ok(form) = client.sign(&form.members(), at, now) else {
            let trouble = Trouble::new("not_signed", "the client's assertion could not be signed");
            return Verdict::Done(Exchanged::NotProcessed { trouble, retry_after: None });
        };
        let timeout = until.saturating_duration_since(Instant::now());
        let bounds = Bounds { timeout, max_bytes: MAX_BYTES, allow_http: self.settings.allow_http };
        judge(self.http.call(at, bounds, Call::Form(form)).await)
    }
}

impl Exchanged {
    /// An answer to a request without scopes that names none says that they are as they were, and not as somebody asked for:
    /// then nothing is known of them.
    fn for_scopes_of(mut self, is_without: bool) -> Self {
        if let Self::Granted(granted) = &mut self
            && is_without
        {
            granted.scopes.get_or_insert_default();
        }
        self
    }
}
