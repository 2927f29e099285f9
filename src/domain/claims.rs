//! The claims that checks and answers use, read with their types (RFC 7519 section 4.1, RFC 9068 section 2.2).

use super::{
    json::{Json, Object},
    policy::{ClaimPath, IssuerPolicy},
    reason::{Reason, Refusal},
    time::UnixTime,
};

/// What a token says, in types. Absent strings are empty, as in the protos.
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
#[expect(missing_docs, reason = "named as in TokenInfo")]
pub struct Claims {
    pub subject: String,
    pub audiences: Vec<String>,
    pub expires_at: UnixTime,
    pub not_before: Option<UnixTime>,
    pub issued_at: Option<UnixTime>,
    pub scopes: Vec<String>,
    pub roles: Vec<String>,
    pub permissions: Vec<String>,
    pub client_id: String,
    pub session_id: String,
    pub token_id: String,
    pub organization_id: String,
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
        if policy.required_claims.iter().any(|path| is_missing(path.find(members))) {
            return Err(invalid("a claim that this issuer's configuration requires is missing"));
        }
        let names = &policy.claims;
        let mut claims = Self {
            subject: text(members.get("sub"), "`sub` is not a string")?,
            audiences: list(
                members.get("aud"),
                Split::No,
                "`aud` is neither a string nor a list of strings",
            )?,
            expires_at: time(members.get("exp"), "`exp` is not a time")?
                .ok_or_else(|| invalid("`exp` is missing"))?,
            not_before: time(members.get("nbf"), "`nbf` is not a time")?,
            issued_at: time(members.get("iat"), "`iat` is not a time")?,
            scopes: list(
                first(members, &names.scopes),
                Split::Words,
                "the claim for `scopes` is not a list of strings",
            )?,
            roles: list(
                first(members, &names.roles),
                Split::No,
                "the claim for `roles` is not a list of strings",
            )?,
            permissions: list(
                first(members, &names.permissions),
                Split::Words,
                "the claim for `permissions` is not a list of strings",
            )?,
            client_id: text(first(members, &names.client_id), "the claim for `client_id` is not a string")?,
            session_id: text(
                first(members, &names.session_id),
                "the claim for `session_id` is not a string",
            )?,
            token_id: text(first(members, &names.token_id), "the claim for `token_id` is not a string")?,
            organization_id: text(
                first(members, &names.organization_id),
                "the claim for `organization_id` is not a string",
            )?,
            confirmation: members.get("cnf").map(Confirmation::read),
            is_of_client: false,
        };
        claims.is_of_client = claims.are_of_client(members) || policy.kinds.client.fits(members);
        Ok(claims)
    }

    /// A token from client credentials has the client as its subject (RFC 9068 section 2.2), which must not be taken for
    /// a user (RFC 9700 section 4.15). Auth0 appends `@clients` and says `gty`; Entra says `idtyp`.
    fn are_of_client(&self, members: &Object<'_>) -> bool {
        let says = |name: &str, word: &str| members.get(name).and_then(Json::as_str) == Some(word);
        let client = self.client_id.as_str();
        let subject_is_client = !client.is_empty()
            && self.subject.strip_prefix(client).is_some_and(|rest| rest.is_empty() || rest == "@clients");
        subject_is_client || says("gty", "client-credentials") || says("idtyp", "app")
    }

    /// About how many bytes of memory the claims take.
    pub fn bytes(&self) -> usize {
        let lists = [&self.audiences, &self.scopes, &self.roles, &self.permissions];
        let listed = lists.into_iter().flatten().map(|entry| entry.len() + BYTES_PER_STRING);
        let single =
            [&self.subject, &self.client_id, &self.session_id, &self.token_id, &self.organization_id];
        listed.chain(single.into_iter().map(String::len)).sum()
    }
}

/// A string's own three words and the allocator's least block.
const BYTES_PER_STRING: usize = 48;

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

fn text(value: Option<&Json<'_>>, problem: &'static str) -> Result<String, Refusal> {
    match value {
        None => Ok(String::new()),
        Some(Json::Text(text)) => Ok(text.clone().into_owned()),
        Some(Json::Null | Json::Bool(_) | Json::Number(_) | Json::List(_) | Json::Object(_)) => {
            Err(invalid(problem))
        }
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

/// What one string in the place of a list means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Split {
    /// One entry, whatever is in it (RFC 7519 section 4.1.3).
    No,
    /// Entries with spaces between them (RFC 6749 section 3.3).
    Words,
}

fn list(value: Option<&Json<'_>>, split: Split, problem: &'static str) -> Result<Vec<String>, Refusal> {
    match value {
        None => Ok(Vec::new()),
        Some(Json::Text(text)) if split == Split::Words => {
            Ok(text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect())
        }
        Some(Json::Text(text)) => Ok(vec![text.clone().into_owned()]),
        Some(Json::List(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| invalid(problem)),
        Some(Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_)) => Err(invalid(problem)),
    }
}

fn invalid(message: &'static str) -> Refusal {
    Refusal::new(Reason::ClaimInvalid, message)
}
