//! An authorization code is exchanged for tokens, once: providers refuse a second use, and may end what the first one began (RFC
//! 6749 section 4.1.2). So it is never sent again, whatever came of it.

use std::{sync::Arc, time::Duration};

use super::{Claimed, Created, Refresher, Whom, demand::AuthorizationCode};
use crate::{
    domain::{
        reason::{Reason, Refusal},
        secret::Secret,
    },
    issuer::{Exchanged, Grant, Granted},
    service::refresh::outcome::{NotRefreshed, Trouble},
};

/// When nobody said when.
const LATER: Duration = Duration::from_secs(2);

impl Refresher {
    /// In a task of its own, once for all who ask: a caller that gives up loses nothing.
    pub(super) async fn create_by_code(
        self: &Arc<Self>,
        whom: Whom,
        code: AuthorizationCode<'_>,
    ) -> Result<Created, NotRefreshed> {
        let secret = |text: &str| Secret::new(text.as_bytes().to_vec());
        let redirect_uri = code.redirect_uri.to_owned();
        let (code, verifier) = (secret(code.code), secret(code.code_verifier));
        let digest = self.around.rotations.digest(whom.party.issuer(), &whom.client.id, &code);
        let refresher = Arc::clone(self);
        let work = || async move { refresher.redeem_and_begin(&whom, &code, &redirect_uri, &verifier).await };
        self.logins.join(digest, &self.around.tasks, work).await.0
    }

    async fn redeem_and_begin(
        self: &Arc<Self>,
        whom: &Whom,
        code: &Secret,
        redirect_uri: &str,
        code_verifier: &Secret,
    ) -> Result<Created, NotRefreshed> {
        let claimed = self.redeem(whom, Grant::Code { code, redirect_uri, code_verifier }).await?;
        let refresh_token = claimed.refresh_token.clone();
        let begun = match self.believe(whom, &claimed).await {
            Ok(facts) => self.begin(whom, claimed, facts).await,
            Err(why) => Err(why),
        };
        // Nobody has it now, and nobody will.
        if let (Err(_), Some(token)) = (&begun, &refresh_token) {
            self.tell_provider(whom.party.issuer(), &whom.client.id, token).await;
        }
        begun
    }

    async fn redeem(&self, whom: &Whom, grant: Grant<'_>) -> Result<Claimed, NotRefreshed> {
        let Whom { party, client, .. } = whom;
        let _place = self.place(party, client).await?;
        let address = party.endpoint.locate().await.map_err(|why| self.not_located(party, &why))?;
        let within = self.settings().upstream_timeout;
        let exchanged =
            party.endpoint.exchange(&address, client, grant, within, self.around.clock.now()).await;
        self.note(party, &exchanged);
        match exchanged {
            Exchanged::Granted(Granted {
                access_token, token_type, refresh_token, id_token, scopes, ..
            }) => {
                let scopes = scopes.unwrap_or_default();
                let is_from_provider = true;
                Ok(Claimed { access_token, token_type, refresh_token, id_token, scopes, is_from_provider })
            }
            Exchanged::InvalidGrant(_) | Exchanged::ScopeRefused(_) => {
                let message = "the identity provider does not exchange this authorization code";
                Err(Refusal::new(Reason::RefreshInvalid, message).into())
            }
            Exchanged::NotProcessed { retry_after, .. } => {
                let retry_after = retry_after.unwrap_or(LATER);
                Err(Trouble::UpstreamUnavailable { retry_after }.into())
            }
            Exchanged::Unknown { .. } | Exchanged::Refused(_) => {
                Err(Trouble::UpstreamUnavailable { retry_after: LATER }.into())
            }
            Exchanged::ClientRejected(trouble) => Err(Self::rejected(party, client, &trouble)),
        }
    }
}
