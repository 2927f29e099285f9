//! An authorization code is exchanged for tokens, once: providers refuse a second use, and may end what the first one began (RFC
//! 6749 section 4.1.2). So it is never sent again, whatever came of it.

use std::time::Duration;

use super::{Claimed, Refresher, demand::AuthorizationCode};
use crate::{
    domain::{
        reason::{Reason, Refusal},
        secret::Secret,
    },
    issuer::{Exchanged, Grant, Granted, OAuthClient},
    service::refresh::{
        outcome::{NotRefreshed, Trouble},
        parties::Party,
    },
};

/// When nobody said when.
const LATER: Duration = Duration::from_secs(2);

impl Refresher {
    pub(super) async fn redeem(
        &self,
        party: &Party,
        client: &OAuthClient,
        code: AuthorizationCode<'_>,
        caller: &str,
    ) -> Result<Claimed, NotRefreshed> {
        let _place = self.place(party, client).await?;
        self.take_limits(party, caller, None).await?;
        let address = party.endpoint.locate().await.map_err(|why| self.not_located(party, &why))?;
        let secret = |text: &str| Secret::new(text.as_bytes().to_vec());
        let (text, verifier) = (secret(code.code), secret(code.code_verifier));
        let grant = Grant::Code { code: &text, redirect_uri: code.redirect_uri, code_verifier: &verifier };
        let within = self.settings().upstream_timeout;
        let exchanged =
            party.endpoint.exchange(&address, client, grant, within, self.around.clock.now()).await;
        self.note(party, &exchanged);
        match exchanged {
            Exchanged::Granted(Granted {
                access_token, token_type, refresh_token, id_token, scopes, ..
            }) => {
                let scopes = scopes.unwrap_or_default();
                Ok(Claimed { access_token, token_type, refresh_token, id_token, scopes })
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
