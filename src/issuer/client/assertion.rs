//! `private_key_jwt`: a client that proves who it is by a signed assertion (RFC 7523 sections 2.2 and 3, OpenID Connect Core
//! section 9).

use std::{fmt, sync::Arc, time::Duration};

use aws_lc_rs::{
    rand::{self, SystemRandom},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
        EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
        RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use serde_json::{Value, json};
use url::Url;

use crate::domain::{algorithm::Algorithm, secret::Secret, time::UnixTime};

/// How long an assertion is good for: it is used at once, and some providers accept no longer ones than a minute.
const LIFE: Duration = Duration::from_mins(1);

/// The curves of RFC 7518 section 3.4.
const CURVES: [(Algorithm, &EcdsaSigningAlgorithm); 3] = [
    (Algorithm::ES256, &ECDSA_P256_SHA256_FIXED_SIGNING),
    (Algorithm::ES384, &ECDSA_P384_SHA384_FIXED_SIGNING),
    (Algorithm::ES512, &ECDSA_P521_SHA512_FIXED_SIGNING),
];

/// The private key that a client signs its assertions with.
///
/// It signs through aws-lc directly: jsonwebtoken takes an RSA key only in PKCS#1 form, and reads every key anew for each
/// signature.
#[derive(Clone)]
pub struct AssertionKey {
    pem: Secret,
    pair: Arc<Pair>,
    algorithm: Algorithm,
    key_id: Option<String>,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

/// A key that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAssertionKey {
    /// What was read is something else.
    #[error("is no private key in PEM form (`-----BEGIN PRIVATE KEY-----`), or one with a password")]
    NotPem,
    /// A key that nothing here signs with.
    #[error(
        "is none that can sign: RSA of at least 2048 bits, EC with P-256, P-384 or P-521, and Ed25519 are known"
    )]
    Kind,
    /// The key cannot make this algorithm's signatures.
    #[error("cannot sign with this `algorithm`; it can with {0}")]
    Algorithm(&'static str),
}

/// There is no assertion, because this machine has no random numbers or its library fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no assertion could be signed")]
pub(in crate::issuer) struct NotSigned;

impl AssertionKey {
    /// Reads a key. Left out, the algorithm is RS256 for RSA and the curve's own for the others; `key_id` is its name among the
    /// keys that were registered for the client.
    pub fn new(
        pem: Secret,
        algorithm: Option<Algorithm>,
        key_id: Option<String>,
    ) -> Result<Self, BadAssertionKey> {
        let der = PrivateKeyDer::from_pem_slice(pem.expose()).map_err(|_hidden| BadAssertionKey::NotPem)?;
        let (pair, own) = read(&der)?;
        let algorithm = algorithm.unwrap_or(own);
        if !pair.signs(algorithm, own) {
            return Err(BadAssertionKey::Algorithm(pair.algorithms(own)));
        }
        Ok(Self { pem, pair: Arc::new(pair), algorithm, key_id })
    }

    /// An assertion that this client is who asks `audience` now. No two are the same.
    pub(super) fn assertion(
        &self,
        client_id: &str,
        audience: &Url,
        now: UnixTime,
    ) -> Result<String, NotSigned> {
        let mut id = [0; 16];
        rand::fill(&mut id).map_err(|_unspecified| NotSigned)?;
        let mut header = json!({ "alg": name(self.algorithm), "typ": "JWT" });
        if let (Some(key_id), Some(header)) = (&self.key_id, header.as_object_mut()) {
            header.insert("kid".to_owned(), Value::from(key_id.as_str()));
        }
        let claims = json!({
            "iss": client_id,
            "sub": client_id,
            "aud": audience.as_str(),
            "jti": URL_SAFE_NO_PAD.encode(id),
            "iat": now.as_secs(),
            "exp": now.plus(LIFE).as_secs(),
        });
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let input = format!("{}.{}", part(&header), part(&claims));
        let signature = self.pair.sign(self.algorithm, input.as_bytes()).ok_or(NotSigned)?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// The key, and what it signs with if nobody says.
fn read(der: &PrivateKeyDer<'_>) -> Result<(Pair, Algorithm), BadAssertionKey> {
    let bytes = der.secret_der();
    let is_pkcs8 = matches!(der, PrivateKeyDer::Pkcs8(_));
    let rsa = if is_pkcs8 { RsaKeyPair::from_pkcs8(bytes) } else { RsaKeyPair::from_der(bytes) };
    // Of less than 2048 bits it is none (RFC 7518 section 3.3): aws-lc sees to that.
    if let Ok(pair) = rsa {
        return Ok((Pair::Rsa(pair), Algorithm::RS256));
    }
    for (algorithm, curve) in CURVES {
        let ec = if is_pkcs8 {
            EcdsaKeyPair::from_pkcs8(curve, bytes)
        } else {
            EcdsaKeyPair::from_private_key_der(curve, bytes)
        };
        if let Ok(pair) = ec {
            return Ok((Pair::Ec(pair), algorithm));
        }
    }
    let ed = Ed25519KeyPair::from_pkcs8(bytes).map_err(|_hidden| BadAssertionKey::Kind)?;
    Ok((Pair::Ed(ed), Algorithm::Ed25519))
}

/// As assertions name it: few providers know the newer name of RFC 9864.
fn name(algorithm: Algorithm) -> &'static str {
    if algorithm == Algorithm::Ed25519 { "EdDSA" } else { algorithm.as_str() }
}

impl Pair {
    fn signs(&self, algorithm: Algorithm, own: Algorithm) -> bool {
        match self {
            Self::Rsa(_) => padding(algorithm).is_some(),
            Self::Ec(_) | Self::Ed(_) => algorithm == own,
        }
    }

    fn algorithms(&self, own: Algorithm) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256, RS384, RS512, PS256, PS384 or PS512",
            Self::Ec(_) | Self::Ed(_) => name(own),
        }
    }

    fn sign(&self, algorithm: Algorithm, input: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding(algorithm)?, &random, input, &mut signature).ok()?;
                Some(signature)
            }
            Self::Ec(pair) => Some(pair.sign(&random, input).ok()?.as_ref().to_vec()),
            Self::Ed(pair) => Some(pair.sign(input).as_ref().to_vec()),
        }
    }
}

fn padding(algorithm: Algorithm) -> Option<&'static dyn RsaEncoding> {
    match algorithm {
        Algorithm::RS256 => Some(&RSA_PKCS1_SHA256),
        Algorithm::RS384 => Some(&RSA_PKCS1_SHA384),
        Algorithm::RS512 => Some(&RSA_PKCS1_SHA512),
        Algorithm::PS256 => Some(&RSA_PSS_SHA256),
        Algorithm::PS384 => Some(&RSA_PSS_SHA384),
        Algorithm::PS512 => Some(&RSA_PSS_SHA512),
        Algorithm::HS256
        | Algorithm::HS384
        | Algorithm::HS512
        | Algorithm::ES256
        | Algorithm::ES384
        | Algorithm::ES512
        | Algorithm::Ed25519 => None,
    }
}

/// The same key under the same name, so that a reload leaves alone what has not changed.
impl PartialEq for AssertionKey {
    fn eq(&self, other: &Self) -> bool {
        let Self { pem, pair: _, algorithm, key_id } = self;
        (pem, algorithm, key_id) == (&other.pem, &other.algorithm, &other.key_id)
    }
}

impl Eq for AssertionKey {}

impl AssertionKey {
    /// Whether it is the same key, whatever it is called.
    pub fn is_same_key(&self, other: &Self) -> bool {
        self.pem == other.pem
    }
}

impl fmt::Debug for AssertionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pem: _, pair: _, algorithm, key_id } = self;
        let mut shown = f.debug_struct("AssertionKey");
        shown.field("algorithm", algorithm).field("key_id", key_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
