//! An access token of this service's own (RFC 6749 section 4.4), for an issuer's API.

use std::time::Duration;

use reqwest::header::HeaderValue;
use serde::Deserialize;
use tokio::{sync::Mutex, time::Instant};
use zeroize::Zeroizing;

use super::{Around, NotTold, Trouble};
use crate::{
    domain::time::UnixTime,
    issuer::{
        client::OAuthClient,
        http::{Call, Called},
        not_told::said,
    },
};

/// A token is not used for the last minute of its life, or the last tenth, whichever is shorter.
const MARGIN: Duration = Duration::from_mins(1);
/// A token that does not say how long it lives (RFC 6749 section 5.1: it should).
const UNSTATED: Duration = Duration::from_mins(1);
/// Whatever it says, to stay within what clocks can add.
const LONGEST: Duration = Duration::from_hours(24);

/// Gets the token, and keeps it until shortly before it expires.
#[derive(Debug)]
pub(super) struct Bearer {
    client: OAuthClient,
    /// Held while one is fetched, so that one is; nobody but deliveries waits for that.
    held: Mutex<Option<Held>>,
}

/// A token as the header that it is sent in, marked as sensitive.
#[derive(Clone, Debug)]
struct Held {
    header: HeaderValue,
    good_until: Instant,
}

/// An answer of the token endpoint. Without `Debug`: there is a token in it.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: String,
    expires_in: Option<u64>,
}

impl Bearer {
    /// A token for this client.
    pub(super) fn new(client: OAuthClient) -> Self {
        Self { client, held: Mutex::default() }
    }

    /// One that is good, as far as anybody knows.
    pub(super) async fn header(&self, around: &Around, now: UnixTime) -> Result<HeaderValue, NotTold> {
        let mut held = self.held.lock().await;
        if let Some(held) = &*held
            && Instant::now() < held.good_until
        {
            return Ok(held.header.clone());
        }
        let asked = Instant::now();
        let (header, life) = self.fetch(around, now).await?;
        *held = Some(Held { header: header.clone(), good_until: asked + life });
        Ok(header)
    }

    /// This one was refused. Whoever finds another one there does not fetch it again.
    pub(super) async fn refused(&self, header: &HeaderValue) {
        let mut held = self.held.lock().await;
        if held.as_ref().is_some_and(|held| held.header == header) {
            *held = None;
        }
    }

    async fn fetch(&self, around: &Around, now: UnixTime) -> Result<(HeaderValue, Duration), NotTold> {
        let endpoint = around.endpoints.token_endpoint().await?;
        around.endpoints.accepts(&self.client.authentication).map_err(NotTold::Misconfigured)?;
        let form = self.client.sign(&[("grant_type", "client_credentials")], &endpoint, now);
        let form = form.map_err(NotTold::not_signed)?;
        let called = around.http.call(&endpoint, around.bounds, Call::Form(form)).await;
        let called = called.map_err(|error| NotTold::by_http(&error))?;
        if let Some(not_told) = NotTold::by_status(&called) {
            return Err(not_told);
        }
        if !called.status.is_success() {
            return Err(NotTold::client_refused(called.status, said(&called)));
        }
        read(called)
    }
}

fn read(called: Called) -> Result<(HeaderValue, Duration), NotTold> {
    let body = Zeroizing::new(called.body.map_err(|error| NotTold::by_http(&error))?);
    // What does not fit is not quoted: there may be a token in it.
    let useless = || {
        NotTold::Misconfigured(Trouble::new("no_token", "the token endpoint's answer has no bearer token"))
    };
    let granted: Granted = serde_json::from_slice(&body).map_err(|_hidden| useless())?;
    let token = Zeroizing::new(granted.access_token);
    if !granted.token_type.eq_ignore_ascii_case("Bearer") {
        return Err(useless());
    }
    let text = Zeroizing::new(format!("Bearer {}", *token));
    let mut header = HeaderValue::from_str(&text).map_err(|_hidden| useless())?;
    header.set_sensitive(true);
    let life = granted.expires_in.map_or(UNSTATED, Duration::from_secs).min(LONGEST);
    Ok((header, life.saturating_sub(MARGIN.min(life / 10))))
}
