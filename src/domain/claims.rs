//! The claims that checks and answers use, read with their types (RFC 7519 section 4.1, RFC 9068 section 2.2).

use serde_json::{Map, Value};

use super::{
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
    pub(super) fn read(members: &Map<String, Value>, policy: &IssuerPolicy) -> Result<Self, Refusal> {
        if policy.required_claims.iter().any(|path| is_missing(path.find(members))) {
            return Err(invalid("a claim that this issuer's configuration requires is missing"));
        }
        let names = &policy.claims;
        Ok(Self {
            subject: text(members.get("sub"))?,
            audiences: audiences(members.get("aud"))?,
            expires_at: time(members.get("exp"))?.ok_or_else(|| invalid("`exp` is missing"))?,
            not_before: time(members.get("nbf"))?,
            issued_at: time(members.get("iat"))?,
            scopes: list(first(members, &names.scopes), true)?,
            roles: list(first(members, &names.roles), false)?,
            permissions: list(first(members, &names.permissions), true)?,
            client_id: text(first(members, &names.client_id))?,
            session_id: text(first(members, &names.session_id))?,
            token_id: text(first(members, &names.token_id))?,
            organization_id: text(first(members, &names.organization_id))?,
            confirmation: members.get("cnf").map(Confirmation::read),
        })
    }
}

impl Confirmation {
    fn read(cnf: &Value) -> Self {
        let certificate = || {
            let members = cnf.as_object().filter(|members| members.len() == 1)?;
            thumbprint(members.get("x5t#S256")?.as_str()?)
        };
        certificate().map_or(Self::Other, Self::Certificate)
    }
}

/// A SHA-256 thumbprint in base64url without padding, as `cnf` has it.
pub fn thumbprint(text: &str) -> Option<[u8; 32]> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

fn first<'v>(members: &'v Map<String, Value>, paths: &[ClaimPath]) -> Option<&'v Value> {
    paths.iter().find_map(|path| path.find(members))
}

fn is_missing(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => false,
    }
}

fn text(value: Option<&Value>) -> Result<String, Refusal> {
    match value {
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Err(invalid("a claim that must be a string is not one"))
        }
    }
}

fn time(value: Option<&Value>) -> Result<Option<UnixTime>, Refusal> {
    match value {
        None => Ok(None),
        Some(Value::Number(number)) => UnixTime::from_numeric_date(number)
            .map(Some)
            .ok_or_else(|| invalid("a time claim is negative or past the year 9999")),
        Some(Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
            Err(invalid("a time claim is not a number"))
        }
    }
}

/// One string or an array of strings; exact, case-sensitive (RFC 7519 section 4.1.3).
fn audiences(value: Option<&Value>) -> Result<Vec<String>, Refusal> {
    match value {
        None => Ok(Vec::new()),
        Some(value) => list(Some(value), false),
    }
}

/// A list of strings: an array, or one string, which holds several where `split` says that it is written with spaces
/// (RFC 6749 section 3.3).
fn list(value: Option<&Value>, split: bool) -> Result<Vec<String>, Refusal> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::String(text)) if split => {
            Ok(text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect())
        }
        Some(Value::String(text)) => Ok(vec![text.clone()]),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| invalid("a claim that must be a list of strings holds something else")),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
            Err(invalid("a claim that must be a list of strings is not one"))
        }
    }
}

fn invalid(message: &'static str) -> Refusal {
    Refusal::new(Reason::ClaimInvalid, message)
}
