//! This service as a client of the issuer (RFC 6749 section 2): who it is there, and how it proves that.

mod assertion;

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::header::HeaderValue;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

pub(super) use self::assertion::NotSigned;
pub use self::assertion::{AssertionKey, BadAssertionKey};
use crate::domain::{secret::Secret, time::UnixTime};

/// RFC 7523 section 2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// One registration at the issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthClient {
    /// `client_id`: visible ASCII and spaces (RFC 6749 appendix A.1).
    pub id: String,
    /// How it authenticates at the token endpoint.
    pub authentication: ClientAuthentication,
}

/// How a client authenticates (OpenID Connect Core section 9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// `client_secret_basic`.
    SecretBasic(Secret),
    /// `client_secret_post`.
    SecretPost(Secret),
    /// `private_key_jwt`.
    PrivateKeyJwt(AssertionKey),
    /// `none`: a public client, which only says who it is.
    Public,
}

impl ClientAuthentication {
    /// The registered name (RFC 7591 section 2).
    pub fn method(&self) -> &'static str {
        match self {
            Self::SecretBasic(_) => "client_secret_basic",
            Self::SecretPost(_) => "client_secret_post",
            Self::PrivateKeyJwt(_) => "private_key_jwt",
            Self::Public => "none",
        }
    }
}

/// A form to post together with what authenticates its sender. Without `Debug`: there is a secret in it.
pub(super) struct SignedForm {
    /// The `Authorization` header, marked as sensitive.
    pub(super) authorization: Option<HeaderValue>,
    /// `application/x-www-form-urlencoded`.
    pub(super) body: String,
}

impl OAuthClient {
    /// This form as sent by this client (RFC 6749 section 2.3.1). `token_endpoint` is whom an assertion is for, wherever the
    /// form is sent (RFC 7523 section 3): every provider accepts that, few the address of another endpoint.
    pub(super) fn sign(
        &self,
        form: &[(&str, &str)],
        token_endpoint: &Url,
        now: UnixTime,
    ) -> Result<SignedForm, NotSigned> {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        let authorization = match &self.authentication {
            ClientAuthentication::SecretBasic(secret) => Some(basic(&self.id, secret)),
            ClientAuthentication::SecretPost(secret) => {
                body.append_pair("client_id", &self.id);
                // After the serializer's work, because a secret may be any bytes.
                let encoded = encoded(secret.expose());
                let body = Zeroizing::new(body.finish());
                return Ok(SignedForm {
                    authorization: None,
                    body: format!("{}&client_secret={}", *body, *encoded),
                });
            }
            ClientAuthentication::PrivateKeyJwt(key) => {
                let assertion = key.assertion(&self.id, token_endpoint, now)?;
                // RFC 7521 section 4.2 makes the id optional; some providers find the client by it alone.
                body.append_pair("client_id", &self.id);
                body.append_pair("client_assertion_type", ASSERTION_TYPE);
                body.append_pair("client_assertion", &assertion);
                None
            }
            ClientAuthentication::Public => {
                body.append_pair("client_id", &self.id);
                None
            }
        };
        Ok(SignedForm { authorization, body: body.finish() })
    }
}

/// Both halves are form-encoded before they are joined, so that an id may hold a colon.
fn basic(id: &str, secret: &Secret) -> HeaderValue {
    let pair = Zeroizing::new(format!("{}:{}", *encoded(id.as_bytes()), *encoded(secret.expose())));
    let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(&*pair)));
    // Base64 is always a header's value; an empty one would be refused by every issuer.
    let mut value = HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

fn encoded(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(form_urlencoded::byte_serialize(bytes).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(id: &str, authentication: ClientAuthentication) -> SignedForm {
        let client = OAuthClient { id: id.to_owned(), authentication };
        let endpoint = "https://idp.example/token".parse().unwrap();
        client.sign(&[("grant_type", "refresh_token")], &endpoint, UnixTime::from_secs(1_000_000)).unwrap()
    }

    #[test]
    fn each_method_says_who_and_proves_it_in_its_own_place() {
        let secret = || Secret::new(b"p:%s w\xff".to_vec());
        let signed = sign("a:b", ClientAuthentication::SecretBasic(secret()));
        let header = signed.authorization.unwrap();
        // `a%3Ab:p%3A%25s+w%FF`
        assert_eq!(header, "Basic YSUzQWI6cCUzQSUyNXMrdyVGRg==");
        assert!(header.is_sensitive());
        assert_eq!(signed.body, "grant_type=refresh_token");

        let signed = sign("a&b", ClientAuthentication::SecretPost(secret()));
        assert_eq!(signed.body, "grant_type=refresh_token&client_id=a%26b&client_secret=p%3A%25s+w%FF");
        assert!(signed.authorization.is_none());

        let signed = sign("app", ClientAuthentication::Public);
        assert_eq!(
            (signed.body.as_str(), signed.authorization),
            ("grant_type=refresh_token&client_id=app", None)
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let client = OAuthClient {
            id: "app".into(),
            authentication: ClientAuthentication::SecretPost(Secret::new(b"hunter2".to_vec())),
        };
        assert!(!format!("{client:?}").contains("hunter2"));
    }
}
