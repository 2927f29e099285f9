//! The claims that checks and answers use, read with their types (RFC 7519 section 4.1, RFC 9068 section 2.2).

mod texts;

pub use texts::TextList;

use self::texts::{Span, Split, Texts};
use super::{
    json::{Json, Object},
    policy::{ClaimPath, IssuerPolicy},
    reason::{Reason, Refusal},
    time::UnixTime,
};

/// What a token says, in types. Absent texts are empty, as in the protos.
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
pub struct Claims {
    texts: Texts,
    subject: Span,
    client_id: Span,
    session_id: Span,
    token_id: Span,
    organization_id: Span,
    audiences: Span,
    scopes: Span,
    roles: Span,
    permissions: Span,
    /// `exp`.
    pub expires_at: UnixTime,
    /// `nbf`.
    pub not_before: Option<UnixTime>,
    /// `iat`.
    pub issued_at: Option<UnixTime>,
    /// `auth_time`: when the user logged in (OpenID Connect Core section 2, RFC 9068 section 2.2.1).
    pub auth_time: Option<UnixTime>,
    /// `cnf`.
    pub confirmation: Option<Confirmation>,
    /// Whether it speaks for a client itself rather than for a user.
    pub is_of_client: bool,
}

/// What a token is bound to (RFC 7800). Anything but one well-formed certificate thumbprint is `Other`, which nothing
/// that this build can check satisfies.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
pub enum Confirmation {
    /// `x5t#S256` (RFC 8705 section 3.1).
    Certificate([u8; 32]),
    /// `jkt`, unknown members, several members, or not an object.
    Other,
}

impl Claims {
    /// Reads the claims; a claim of the wrong type refuses the token, it is never treated as absent.
    pub(super) fn read(members: &Object<'_>, policy: &IssuerPolicy) -> Result<Self, Refusal> {
        let end = end(members)?.ok_or_else(|| invalid("`exp` is missing"))?;
        Self::read_until(members, policy, end)
    }

    /// The same where something else than `exp` may say when the token ends.
    pub(super) fn read_until(
        members: &Object<'_>,
        policy: &IssuerPolicy,
        end: UnixTime,
    ) -> Result<Self, Refusal> {
        if policy.required_claims.iter().any(|path| is_missing(path.find(members))) {
            return Err(invalid("a claim that this issuer's configuration requires is missing"));
        }
        let names = &policy.claims;
        let mut texts = Texts::default();
        let mut claims = Self {
            subject: texts.text(members.get("sub"), "`sub` is not a string")?,
            audiences: texts.list(
                members.get("aud"),
                Split::No,
                "`aud` is neither a string nor a list of strings",
            )?,
            expires_at: end,
            not_before: time(members.get("nbf"), "`nbf` is not a time")?,
            issued_at: time(members.get("iat"), "`iat` is not a time")?,
            auth_time: time(members.get("auth_time"), "`auth_time` is not a time")?,
            scopes: texts.list(
                first(members, &names.scopes),
                Split::Words,
                "the claim for `scopes` is not a list of strings",
            )?,
            roles: texts.list(
                first(members, &names.roles),
                Split::No,
                "the claim for `roles` is not a list of strings",
            )?,
            permissions: texts.list(
                first(members, &names.permissions),
                Split::Words,
                "the claim for `permissions` is not a list of strings",
            )?,
            client_id: texts
                .text(first(members, &names.client_id), "the claim for `client_id` is not a string")?,
            session_id: texts
                .text(first(members, &names.session_id), "the claim for `session_id` is not a string")?,
            token_id: texts
                .text(first(members, &names.token_id), "the claim for `token_id` is not a string")?,
            organization_id: texts.text(
                first(members, &names.organization_id),
                "the claim for `organization_id` is not a string",
            )?,
            confirmation: members.get("cnf").map(Confirmation::read),
            is_of_client: false,
            texts,
        };
        claims.is_of_client = claims.are_of_client(members) || policy.kinds.client.fits(members);
        Ok(claims)
    }

    /// `sub`.
    pub fn subject(&self) -> &str {
        self.texts.at(self.subject)
    }

    /// Of the client that the token was issued to.
    pub fn client_id(&self) -> &str {
        self.texts.at(self.client_id)
    }

    /// Of the login.
    pub fn session_id(&self) -> &str {
        self.texts.at(self.session_id)
    }

    /// Of the token itself.
    pub fn token_id(&self) -> &str {
        self.texts.at(self.token_id)
    }

    /// Of the organization.
    pub fn organization_id(&self) -> &str {
        self.texts.at(self.organization_id)
    }

    /// `aud`.
    pub fn audiences(&self) -> TextList<'_> {
        self.texts.list_at(self.audiences)
    }

    /// What it may be used for.
    pub fn scopes(&self) -> TextList<'_> {
        self.texts.list_at(self.scopes)
    }

    /// Its subject's roles.
    pub fn roles(&self) -> TextList<'_> {
        self.texts.list_at(self.roles)
    }

    /// Its subject's permissions.
    pub fn permissions(&self) -> TextList<'_> {
        self.texts.list_at(self.permissions)
    }

    /// A token from client credentials has the client as its subject (RFC 9068 section 2.2), which must not be taken for
    /// a user (RFC 9700 section 4.15). Auth0 appends `@clients` and says `gty`; Entra says `idtyp`.
    fn are_of_client(&self, members: &Object<'_>) -> bool {
        let says = |name: &str, word: &str| members.get(name).and_then(Json::as_str) == Some(word);
        let client = self.client_id();
        let subject_is_client = !client.is_empty()
            && self.subject().strip_prefix(client).is_some_and(|rest| rest.is_empty() || rest == "@clients");
        subject_is_client || says("gty", "client-credentials") || says("idtyp", "app")
    }

    /// How many bytes of memory the claims take beside themselves.
    pub fn bytes(&self) -> usize {
        self.texts.bytes()
    }
}

impl Confirmation {
    fn read(cnf: &Json<'_>) -> Self {
        let certificate = || thumbprint(cnf.as_object()?.only("x5t#S256")?.as_str()?);
        certificate().map_or(Self::Other, Self::Certificate)
    }
}

/// A SHA-256 thumbprint in base64url without padding, as `cnf` has it.
pub fn thumbprint(text: &str) -> Option<[u8; 32]> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// `exp`.
pub(super) fn end(members: &Object<'_>) -> Result<Option<UnixTime>, Refusal> {
    time(members.get("exp"), "`exp` is not a time")
}

/// When a token's life began, as far as it says: `iat`, or else `nbf`.
pub(super) fn begin(members: &Object<'_>) -> Result<Option<UnixTime>, Refusal> {
    let issued_at = time(members.get("iat"), "`iat` is not a time")?;
    Ok(issued_at.or(time(members.get("nbf"), "`nbf` is not a time")?))
}

fn first<'v, 't>(members: &'v Object<'t>, paths: &[ClaimPath]) -> Option<&'v Json<'t>> {
    paths.iter().find_map(|path| path.find(members))
}

fn is_missing(value: Option<&Json<'_>>) -> bool {
    match value {
        None | Some(Json::Null) => true,
        Some(Json::Text(text)) => text.is_empty(),
        Some(Json::Bool(_) | Json::Number(_) | Json::List(_) | Json::Object(_)) => false,
    }
}

fn time(value: Option<&Json<'_>>, problem: &'static str) -> Result<Option<UnixTime>, Refusal> {
    match value {
        None => Ok(None),
        Some(Json::Number(number)) => {
            UnixTime::from_numeric_date(number).map(Some).ok_or_else(|| invalid(problem))
        }
        Some(Json::Null | Json::Bool(_) | Json::Text(_) | Json::List(_) | Json::Object(_)) => {
            Err(invalid(problem))
        }
    }
}

fn invalid(message: &'static str) -> Refusal {
    Refusal::new(Reason::ClaimInvalid, message)
}
