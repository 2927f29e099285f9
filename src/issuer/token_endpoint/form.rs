//! What is posted (RFC 6749 sections 4.1.3 and 6).

use crate::{
    domain::secret::Secret,
    issuer::{exchange::Grant, settings::IssuerRefresh},
};

/// The form of a grant, still without its sender. Without `Debug`: there is a token in it.
pub(super) struct Form<'f> {
    members: Vec<(&'static str, &'f str)>,
    scope: String,
}

impl<'f> Form<'f> {
    /// `None` if what is exchanged is no text, which is nobody's token.
    pub(super) fn new(grant: Grant<'f>, refresh: &'f IssuerRefresh) -> Option<Self> {
        let (mut members, scope) = match grant {
            Grant::Refresh { token, scopes } => {
                let members = vec![("grant_type", "refresh_token"), ("refresh_token", text(token)?)];
                (members, scopes.join(" "))
            }
            Grant::Code { code, redirect_uri, code_verifier } => {
                let mut members = vec![
                    ("grant_type", "authorization_code"),
                    ("code", text(code)?),
                    ("redirect_uri", redirect_uri),
                ];
                if !code_verifier.is_empty() {
                    members.push(("code_verifier", text(code_verifier)?));
                }
                (members, String::new())
            }
        };
        members.extend(refresh.resource.iter().map(|resource| ("resource", resource.as_str())));
        if !refresh.audience.is_empty() {
            members.push(("audience", &refresh.audience));
        }
        Some(Self { members, scope })
    }

    /// Whether it asks for scopes.
    pub(super) fn has_scopes(&self) -> bool {
        !self.scope.is_empty()
    }

    /// Asks for none any more, which means those that were granted (section 6).
    pub(super) fn forget_scopes(&mut self) {
        self.scope.clear();
    }

    /// Names and values.
    pub(super) fn members(&self) -> Vec<(&str, &str)> {
        let scope = self.has_scopes().then_some(("scope", self.scope.as_str()));
        self.members.iter().copied().chain(scope).collect()
    }
}

fn text(secret: &Secret) -> Option<&str> {
    str::from_utf8(secret.expose()).ok()
}
