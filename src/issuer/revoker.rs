//! Telling an issuer that something is revoked: tokens at its revocation endpoint (RFC 7009), sessions through its API.
//!
//! Everything here can be told twice without harm, because nobody knows what became of a request that was not answered.

mod bearer;
mod scalekit;
mod token;

use crate::domain::{secret::Secret, time::UnixTime};

use self::scalekit::Scalekit;
use super::{
    client::{ClientAuthentication, OAuthClient},
    endpoints::Endpoints,
    http::{Bounds, HttpClient},
    not_told::{NotTold, Trouble},
    settings::{IssuerSettings, SessionApi},
};

/// What an issuer can be told.
#[derive(Clone, Copy, Debug)]
pub enum Revocable<'r> {
    /// A token.
    Token {
        /// Its bytes.
        token: &'r Secret,
        /// What it probably is.
        token_type: TokenType,
        /// The client that it was issued to, if that is known.
        client_id: Option<&'r str>,
    },
    /// A session.
    Session {
        /// The issuer's id for it.
        session_id: &'r str,
    },
    /// A subject's sessions.
    SessionsOf {
        /// `sub`.
        subject: &'r str,
        /// Not this one.
        except: Option<&'r str>,
        /// Only those that began no later.
        up_to: UnixTime,
    },
}

/// What a token is, as a hint (RFC 7009 section 2.1): a provider that knows better looks further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenType {
    /// `access_token`.
    Access,
    /// `refresh_token`.
    Refresh,
}

/// Why something need not even be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Never {
    /// The issuer has no way for this, or no client is configured that could use it.
    Unsupported,
    /// The issuer knows nothing by this name.
    NothingToSend,
}

/// Tells one issuer.
#[derive(Debug)]
pub struct Revoker {
    settings: IssuerSettings,
    around: Around,
    scalekit: Option<Scalekit>,
}

/// What every request to the issuer needs.
#[derive(Debug)]
struct Around {
    http: HttpClient,
    bounds: Bounds,
    endpoints: Endpoints,
}

impl TokenType {
    fn hint(self) -> &'static str {
        match self {
            Self::Access => "access_token",
            Self::Refresh => "refresh_token",
        }
    }
}

impl Revoker {
    /// Nothing is asked for yet.
    pub fn new(settings: IssuerSettings, http: HttpClient) -> Self {
        let endpoints = Endpoints::new(&settings, http.clone());
        let around = Around { http, bounds: settings.bounds(), endpoints };
        let scalekit = match settings.session_api {
            SessionApi::None => None,
            SessionApi::Scalekit => confidential_client(&settings.clients)
                .and_then(|client| Scalekit::new(&settings.policy.issuer, client.clone())),
        };
        Self { settings, around, scalekit }
    }

    /// What it was made of.
    pub fn settings(&self) -> &IssuerSettings {
        &self.settings
    }

    /// Whether it makes sense to try, as far as that is known without asking anybody.
    pub fn consider(&self, what: &Revocable<'_>) -> Result<(), Never> {
        match what {
            Revocable::Token { client_id, .. } => match self.client_for(*client_id) {
                Some(_) if self.around.endpoints.can_be_discovered() => Ok(()),
                _ => Err(Never::Unsupported),
            },
            Revocable::Session { session_id: id } | Revocable::SessionsOf { subject: id, .. } => {
                match (self.settings.session_api, &self.scalekit) {
                    (SessionApi::Scalekit, None) => Err(Never::Unsupported),
                    (SessionApi::Scalekit, Some(_)) if scalekit::is_an_id(id) => Ok(()),
                    (SessionApi::Scalekit | SessionApi::None, _) => Err(Never::NothingToSend),
                }
            }
        }
    }

    /// Tells it. Each request is bounded by `keys.timeout` and `keys.max_bytes`.
    pub async fn tell(&self, what: &Revocable<'_>, now: UnixTime) -> Result<(), NotTold> {
        match *what {
            Revocable::Token { token, token_type, client_id } => {
                let client = self.client_for(client_id).ok_or_else(NotTold::no_client)?;
                token::revoke(&self.around, client, token, token_type).await
            }
            Revocable::Session { session_id } => self.scalekit()?.end_session(&self.around, session_id).await,
            Revocable::SessionsOf { subject, except, up_to } => {
                // Exact as long as no session can have begun after the cut-off.
                if except.is_none() && now <= up_to {
                    self.scalekit()?.end_all_of(&self.around, subject).await
                } else {
                    self.scalekit()?.end_each_of(&self.around, subject, except, up_to).await
                }
            }
        }
    }

    fn scalekit(&self) -> Result<&Scalekit, NotTold> {
        self.scalekit.as_ref().ok_or_else(NotTold::no_client)
    }

    /// RFC 7009 section 2.1: a token is revoked by the client that it was issued to. Where nobody knows which that is, or
    /// it is none of ours, a single one may be meant to act for all of them.
    fn client_for(&self, client_id: Option<&str>) -> Option<&OAuthClient> {
        let clients = &self.settings.clients;
        let same = clients.iter().find(|client| Some(client.id.as_str()) == client_id);
        same.or(match clients.as_slice() {
            [only] => Some(only),
            _ => None,
        })
    }
}

/// The first client that could get a token of its own (RFC 6749 section 4.4: only confidential ones).
fn confidential_client(clients: &[OAuthClient]) -> Option<&OAuthClient> {
    clients.iter().find(|client| !matches!(client.authentication, ClientAuthentication::Public))
}
