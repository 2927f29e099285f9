//! Asking an issuer about a token that only it can read, at its introspection endpoint (RFC 7662).

mod caps;
mod metrics;
mod settings;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use reqwest::StatusCode;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};
use url::Url;

use super::{
    client::ClientAuthentication,
    endpoints::Endpoints,
    http::{Bounds, Call, Called, HttpClient},
    not_told::{NotTold, Trouble, said},
    settings::IssuerSettings,
    start::Surroundings,
};
use crate::{
    domain::{introspection::Introspection, policy::IssuerPolicy, time::UnixTime, token::RawToken},
    ops::drain::Tasks,
};

#[cfg(test)]
pub(super) use self::metrics::Outcome as CountedOutcome;
pub use self::metrics::{IntrospectionMetrics, IssuerIntrospectionMetrics};
pub use self::settings::IntrospectionSettings;
use self::{
    caps::{Caps, NotNow},
    metrics::Outcome,
};

/// No answer about one token is longer, whatever `keys.max_bytes` says: it is kept in memory.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// When asking again makes sense where the issuer does not say.
const AGAIN: Duration = Duration::from_secs(1);

/// Asks one issuer.
#[derive(Debug)]
pub struct Introspector {
    settings: IntrospectionSettings,
    /// The issuer's rules, with the names that answers have.
    policy: Arc<IssuerPolicy>,
    http: HttpClient,
    bounds: Bounds,
    endpoints: Endpoints,
    /// Where it was found last.
    endpoint: ArcSwapOption<(Url, Instant)>,
    /// How old that may be before it is looked for again.
    refresh_after: Duration,
    /// Held by who looks for it again.
    refreshing: Mutex<()>,
    caps: Caps,
    tasks: Tasks,
    metrics: IssuerIntrospectionMetrics,
    /// Whether the log says so.
    failing: AtomicBool,
}

/// Why there is no answer. Never a word about the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotIntrospected {
    /// The issuer does not answer, or nothing that could be one; or it is not to be asked so often.
    Unavailable {
        /// When asking again makes sense, if it does.
        retry_after: Option<Duration>,
    },
    /// It does not take our credentials. That says nothing about the token (RFC 7662 section 2.3).
    ClientRejected,
    /// It says nowhere how it is asked.
    NoEndpoint,
}

impl Introspector {
    /// For an issuer that is to be asked. Nothing is asked for yet.
    pub(super) fn of(settings: &IssuerSettings, around: &Surroundings) -> Option<Self> {
        let introspection = settings.introspection.clone()?;
        let bounds = settings.bounds();
        Some(Self {
            policy: Arc::new(settings.policy.of_introspection()),
            http: around.http.clone(),
            bounds: Bounds { max_bytes: bounds.max_bytes.min(MAX_ANSWER_BYTES), ..bounds },
            endpoints: Endpoints::new(settings, around.http.clone()),
            endpoint: ArcSwapOption::empty(),
            refresh_after: settings.keys.freshness.refresh_after(),
            refreshing: Mutex::default(),
            caps: Caps::new(&introspection),
            tasks: around.tasks.clone(),
            metrics: around.metrics.introspections().for_issuer(&settings.policy.name),
            failing: AtomicBool::new(false),
            settings: introspection,
        })
    }

    /// How it is asked.
    pub fn settings(&self) -> &IntrospectionSettings {
        &self.settings
    }

    /// Where questions are asked, so that nobody who gives up cancels one.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// The rules for what it says.
    pub fn policy(&self) -> &Arc<IssuerPolicy> {
        &self.policy
    }

    /// Asks about a token. Bounded by `keys.timeout`, the discovery of the endpoint included, and by what the settings say about
    /// how often it may be asked.
    pub async fn introspect(
        &self,
        token: RawToken<'_>,
        now: UnixTime,
    ) -> Result<Introspection, NotIntrospected> {
        let _place = self.caps.admit().map_err(|NotNow(again)| {
            self.metrics.count(Outcome::Limited);
            NotIntrospected::Unavailable { retry_after: Some(again) }
        })?;
        let asked = timeout(self.bounds.timeout, self.ask(token, now)).await;
        match asked.unwrap_or_else(|_elapsed| Err(NotTold::here("timeout", "no answer within `timeout`"))) {
            Ok(introspection) => {
                self.worked(&introspection);
                Ok(introspection)
            }
            Err(why) => Err(self.failed(&why)),
        }
    }

    async fn ask(&self, token: RawToken<'_>, now: UnixTime) -> Result<Introspection, NotTold> {
        let endpoint = self.endpoint().await?;
        // The hint keeps some issuers from looking among refresh tokens; others look everywhere, and what they find is judged by
        // what they say of it.
        let form = [("token", token.expose()), ("token_type_hint", "access_token")];
        // Only an assertion names its reader, who is called by the token endpoint; nobody else has to wait for that.
        let audience = match self.settings.client.authentication {
            ClientAuthentication::PrivateKeyJwt(_) => self.endpoints.token_endpoint().await,
            ClientAuthentication::SecretBasic(_)
            | ClientAuthentication::SecretPost(_)
            | ClientAuthentication::Public => Ok(endpoint.clone()),
        };
        // Whoever has no token endpoint knows no other name for himself, as far as anybody here can tell.
        let audience = audience.unwrap_or_else(|_missing| endpoint.clone());
        let form = self.settings.client.sign(&form, &audience, now).map_err(NotTold::not_signed)?;
        let called = self.http.call(&endpoint, self.bounds, Call::Form(form)).await;
        judge(called.map_err(|error| NotTold::by_http(&error))?)
    }

    async fn endpoint(&self) -> Result<Url, NotTold> {
        if let Some(known) = &*self.endpoint.load() {
            return Ok(known.0.clone());
        }
        self.find_endpoint().await
    }

    async fn find_endpoint(&self) -> Result<Url, NotTold> {
        let endpoint = self.endpoints.introspection_endpoint().await?;
        self.endpoint.store(Some(Arc::new((endpoint.clone(), Instant::now()))));
        Ok(endpoint)
    }

    /// Looks for the endpoint again where that was long ago. Nobody who asks waits for it: metadata that cannot be had must not
    /// keep an endpoint that works from being asked.
    pub async fn refresh_endpoint(&self) {
        let is_old =
            self.endpoint.load().as_ref().is_some_and(|known| known.1.elapsed() > self.refresh_after);
        if !is_old {
            return;
        }
        let Ok(_turn) = self.refreshing.try_lock() else { return };
        // What hinders it is said when somebody asks. What contradicts itself is trusted no more.
        if let Err(NotTold::Misconfigured(_) | NotTold::Unsupported(_)) = self.find_endpoint().await {
            self.endpoint.store(None);
        }
    }

    fn worked(&self, introspection: &Introspection) {
        self.metrics.count(match introspection {
            Introspection::Active(_) => Outcome::Active,
            Introspection::Inactive => Outcome::Inactive,
        });
        if self.failing.swap(false, Ordering::AcqRel) {
            tracing::info!(token.issuer = self.policy.name, "the issuer answers about opaque tokens again");
        }
    }

    fn failed(&self, why: &NotTold) -> NotIntrospected {
        let (outcome, meaning) = match why {
            NotTold::Misconfigured(trouble) if trouble.kind() == CLIENT_REFUSED => {
                (Outcome::Misconfigured, NotIntrospected::ClientRejected)
            }
            NotTold::Unsupported(_) => (Outcome::Misconfigured, NotIntrospected::NoEndpoint),
            NotTold::Misconfigured(_) | NotTold::Refused(_) => {
                (Outcome::Failed, NotIntrospected::Unavailable { retry_after: None })
            }
            NotTold::Unavailable { retry_after, .. } => {
                // Only if it asks for it: one answer that fails may be one token's fault, and must not stand for all others.
                if let Some(rest) = *retry_after {
                    self.caps.rest(rest);
                }
                let retry_after = Some(retry_after.unwrap_or(AGAIN));
                (Outcome::Failed, NotIntrospected::Unavailable { retry_after })
            }
        };
        self.metrics.count(outcome);
        self.say(why.trouble(), outcome);
        meaning
    }

    fn say(&self, trouble: &Trouble, outcome: Outcome) {
        let (issuer, kind) = (self.policy.name.as_str(), trouble.kind());
        if self.failing.swap(true, Ordering::AcqRel) {
            tracing::debug!(
                token.issuer = issuer,
                error.type = kind,
                error.message = %trouble,
                "the issuer still does not answer about opaque tokens"
            );
        } else if outcome == Outcome::Misconfigured {
            tracing::error!(
                token.issuer = issuer,
                error.type = kind,
                error.message = %trouble,
                "the issuer cannot be asked about opaque tokens as it is configured"
            );
        } else {
            tracing::warn!(
                token.issuer = issuer,
                error.type = kind,
                error.message = %trouble,
                "the issuer does not answer about opaque tokens"
            );
        }
    }
}

/// The kind of [`NotTold::client_refused`].
const CLIENT_REFUSED: &str = "client_refused";

/// What an answer means. Whatever is no introspection response says nothing about the token: neither that it is good nor that it
/// is not.
fn judge(called: Called) -> Result<Introspection, NotTold> {
    let status = called.status;
    if let Some(not_told) = NotTold::by_status(&called) {
        return Err(not_told);
    }
    if !status.is_success() {
        let said = said(&called);
        let is_ours = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
            || matches!(said, Some("invalid_client" | "unauthorized_client"));
        return Err(if is_ours {
            NotTold::client_refused(status, said)
        } else {
            NotTold::Refused(Trouble::answer("refused", status, said))
        });
    }
    let body = called.body.map_err(|error| NotTold::by_http(&error))?;
    // What it holds instead is not quoted.
    Introspection::received(body).map_err(|error| NotTold::here("unreadable", &error.to_string()))
}
