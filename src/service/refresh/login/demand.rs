//! A login that somebody hands over, and what is wrong with it on its own.

use crate::service::revoke::WrongField;

/// Longer codes, addresses and verifiers are nobody's, in bytes.
const LONGEST: usize = 4096;

/// A login.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it holds tokens")]
pub struct Login<'r> {
    /// The `iss`; empty: the only one.
    pub issuer: &'r str,
    /// The client that it was made with; empty: the only one.
    pub client_id: &'r str,
    /// What it consists of.
    pub proof: Proof<'r>,
    /// SHA-256 of the certificate that the user's client showed, if it did.
    pub certificate: Option<[u8; 32]>,
    /// Who asks, as limits count it.
    pub caller: &'r str,
}

/// What a login consists of.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it holds tokens")]
pub enum Proof<'r> {
    /// The tokens that the application obtained.
    Tokens {
        /// Needed.
        access_token: &'r str,
        /// Without it nothing can be refreshed.
        refresh_token: &'r str,
        /// May be empty.
        id_token: &'r str,
    },
    /// What it can obtain them for.
    Code(AuthorizationCode<'r>),
}

/// An authorization code (RFC 6749 section 4.1.3) with its PKCE verifier (RFC 7636 section 4.5).
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it is as good as tokens")]
pub struct AuthorizationCode<'r> {
    /// `code`.
    pub code: &'r str,
    /// The address that it was sent to.
    pub redirect_uri: &'r str,
    /// `code_verifier`; empty: none was used.
    pub code_verifier: &'r str,
}

impl Login<'_> {
    pub(super) fn check(&self) -> Result<(), WrongField> {
        let wrong = |field, problem| Err(WrongField { field, problem });
        for (field, text) in [("issuer", self.issuer), ("client_id", self.client_id)] {
            if text.len() > LONGEST {
                return wrong(field, "must not be longer than 4096 bytes");
            }
        }
        let Proof::Code(AuthorizationCode { code, redirect_uri, code_verifier }) = self.proof else {
            return Ok(());
        };
        for (field, text) in [
            ("authorization_code.code", code),
            ("authorization_code.redirect_uri", redirect_uri),
            ("authorization_code.code_verifier", code_verifier),
        ] {
            if text.len() > LONGEST {
                return wrong(field, "must not be longer than 4096 bytes");
            }
        }
        if code.is_empty() {
            return wrong("authorization_code.code", "must not be empty");
        }
        Ok(())
    }
}
