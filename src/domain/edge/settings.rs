//! The `ext_authz` section of the configuration.

use super::{names::spellings, source::Source};

/// How requests at the edge are answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeSettings {
    /// How "cannot tell" reaches Envoy.
    pub cannot_tell: CannotTell,
    /// Where credentials may come from. Never empty.
    pub sources: Vec<Source>,
    /// What becomes of the credential upstream.
    pub upstream_authorization: UpstreamAuthorization,
    /// What the identity headers are called.
    pub names: IdentityNames,
    /// How a list is written in a header.
    pub lists: ListFormat,
    /// Bytes that the names and values of the identity headers may take together.
    pub max_identity_bytes: usize,
    /// Whether Envoy gets the identity and the claims as dynamic metadata, too.
    pub dynamic_metadata: bool,
    /// RFC 9110 section 11.5.
    pub realm: String,
    /// Where a client finds out who issues tokens for this resource (RFC 9728 section 5.1).
    pub resource_metadata: Option<String>,
    /// Where people log in.
    pub login: Option<Login>,
}

/// How "cannot tell" reaches Envoy, from a replica that is ready; of another one it is the status of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CannotTell {
    /// As `error_response`, with 503 and `Retry-After`; Envoy from 1.37 on knows it.
    ErrorResponse,
    /// As the status of the call.
    RpcError,
}

/// What becomes of the credential upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamAuthorization {
    /// It does not get there.
    Strip,
    /// It gets there as `Authorization: Bearer`, wherever it was presented.
    AccessToken,
}

/// How a list is written in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFormat {
    /// With commas between the entries.
    Comma,
    /// As a JSON array in ASCII.
    Json,
}

/// Where people log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The page.
    pub url: String,
    /// The query parameter that gets the address of the page that was asked for; `None`: it is not told.
    pub return_to: Option<String>,
}

/// The identity headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `sub`.
    Subject,
    /// `iss`.
    Issuer,
    /// Of the login.
    Session,
    /// What the token may be used for.
    Scopes,
    /// Its subject's roles.
    Roles,
    /// Of its organization.
    Organization,
    /// `exp`, in seconds since 1970.
    Expires,
    /// Which of these were left out for want of room.
    Omitted,
}

impl Field {
    /// The most needed first: what is left out for want of room is at the end. `Omitted` comes last.
    pub const ALL: [Self; 8] = [
        Self::Subject,
        Self::Issuer,
        Self::Expires,
        Self::Session,
        Self::Organization,
        Self::Roles,
        Self::Scopes,
        Self::Omitted,
    ];

    /// Its key in the configuration, and its word in `Omitted`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Issuer => "issuer",
            Self::Session => "session",
            Self::Scopes => "scopes",
            Self::Roles => "roles",
            Self::Organization => "organization",
            Self::Expires => "expires",
            Self::Omitted => "omitted",
        }
    }

    /// The header that it is sent in, unless the configuration says otherwise.
    pub fn default_name(self) -> &'static str {
        match self {
            Self::Subject => "x-auth-subject",
            Self::Issuer => "x-auth-issuer",
            Self::Session => "x-auth-session",
            Self::Scopes => "x-auth-scopes",
            Self::Roles => "x-auth-roles",
            Self::Organization => "x-auth-organization",
            Self::Expires => "x-auth-expires",
            Self::Omitted => "x-auth-omitted",
        }
    }
}

/// Which header each field is sent in, and what must not get through in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityNames {
    sent: [Option<String>; Field::ALL.len()],
    /// Every spelling of every name, whether it is sent or not.
    spellings: Vec<String>,
}

impl IdentityNames {
    /// `sent` in the order of [`Field::ALL`]. A field that is not sent, or by another name, keeps its default name out of requests
    /// all the same: what is behind the proxy may still read it.
    pub fn new(sent: [Option<String>; Field::ALL.len()]) -> Self {
        let mut names: Vec<&str> = sent.iter().flatten().map(String::as_str).collect();
        for default in Field::ALL.map(Field::default_name) {
            if !names.contains(&default) {
                names.push(default);
            }
        }
        let spellings = names.into_iter().flat_map(spellings).collect();
        Self { sent, spellings }
    }

    /// The header of a field, if it is sent.
    pub fn of(&self, field: Field) -> Option<&str> {
        let place = Field::ALL.iter().position(|known| *known == field)?;
        self.sent.get(place)?.as_deref()
    }

    /// Every spelling of every name.
    pub fn spellings(&self) -> &[String] {
        &self.spellings
    }
}

impl Default for IdentityNames {
    fn default() -> Self {
        Self::new(Field::ALL.map(|field| Some(field.default_name().to_owned())))
    }
}

impl Default for EdgeSettings {
    fn default() -> Self {
        Self {
            cannot_tell: CannotTell::ErrorResponse,
            sources: vec![Source::Authorization],
            upstream_authorization: UpstreamAuthorization::Strip,
            names: IdentityNames::default(),
            lists: ListFormat::Comma,
            max_identity_bytes: 4096,
            dynamic_metadata: true,
            realm: "countersign".to_owned(),
            resource_metadata: None,
            login: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_not_sent_keeps_its_name_out_all_the_same() {
        let mut sent = Field::ALL.map(|field| Some(field.default_name().to_owned()));
        sent[0] = Some("x-user".to_owned());
        sent[1] = None;
        let names = IdentityNames::new(sent);
        assert_eq!(names.of(Field::Subject), Some("x-user"));
        assert_eq!(names.of(Field::Issuer), None);
        let has = |name: &str| names.spellings().iter().any(|known| known == name);
        assert!(has("x-user") && has("x_user") && has("x-auth-issuer") && has("x_auth_issuer"));
        assert!(has("x-auth-subject") && has("x_auth_subject"), "of another name");
    }
}
