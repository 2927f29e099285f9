//! The issuer's keys: one of each common type, made at start and at every rotation.
//!
//! They sign through aws-lc directly: jsonwebtoken takes an RSA key only in PKCS#1 form, which aws-lc does not write, and
//! reads it anew for every signature.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{DevError, random};

/// What a token is signed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the registry's own")]
pub enum SigningAlgorithm {
    #[default]
    RS256,
    ES256,
    /// With Ed25519.
    EdDSA,
}

impl SigningAlgorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::RS256, Self::ES256, Self::EdDSA];

    /// As in `alg`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
        }
    }
}

/// One key and its id.
struct Key<P> {
    id: String,
    pair: P,
}

/// The keys that were made together.
pub(super) struct Generation {
    rsa: Key<RsaKeyPair>,
    ec: Key<EcdsaKeyPair>,
    ed: Key<Ed25519KeyPair>,
}

/// Whether the keys that signed so far stay published beside the new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Withdraw {
    /// Not before the next rotation: what a careful provider does, so that no token out there stops verifying.
    Later,
    /// At once: what one does whose keys have leaked.
    Now,
}

/// What `/jwks` shows.
pub(super) struct PublishedKeys {
    signing: Generation,
    outgoing: Option<Generation>,
}

impl Generation {
    pub(super) fn generate() -> Result<Self, DevError> {
        Ok(Self {
            rsa: Key { id: random::id("rs256-")?, pair: RsaKeyPair::generate(KeySize::Rsa2048)? },
            ec: Key {
                id: random::id("es256-")?,
                pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?,
            },
            ed: Key { id: random::id("eddsa-")?, pair: Ed25519KeyPair::generate()? },
        })
    }

    /// Finding RSA primes takes a tenth of a second, for which no runtime thread should stand still.
    pub(super) async fn generate_off_thread() -> Result<Self, DevError> {
        tokio::task::spawn_blocking(Self::generate).await.unwrap_or(Err(DevError::Crypto))
    }

    fn jwks(&self) -> [Value; 3] {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let rsa = self.rsa.pair.public_key();
        // An uncompressed point: 4, then both coordinates.
        let point = self.ec.pair.public_key().as_ref().get(1..).unwrap_or_default();
        let (x, y) = point.split_at(point.len() / 2);
        [
            json!({
                "kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.rsa.id,
                "n": text(rsa.modulus().big_endian_without_leading_zero()),
                "e": text(rsa.exponent().big_endian_without_leading_zero()),
            }),
            json!({
                "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.ec.id,
                "x": text(x), "y": text(y),
            }),
            json!({
                "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.ed.id,
                "x": text(self.ed.pair.public_key().as_ref()),
            }),
        ]
    }

    fn key_id(&self, algorithm: SigningAlgorithm) -> &str {
        match algorithm {
            SigningAlgorithm::RS256 => &self.rsa.id,
            SigningAlgorithm::ES256 => &self.ec.id,
            SigningAlgorithm::EdDSA => &self.ed.id,
        }
    }

    fn signature(&self, algorithm: SigningAlgorithm, input: &[u8]) -> Result<Vec<u8>, DevError> {
        let random = SystemRandom::new();
        Ok(match algorithm {
            SigningAlgorithm::RS256 => {
                let mut signature = vec![0; self.rsa.pair.public_modulus_len()];
                self.rsa.pair.sign(&RSA_PKCS1_SHA256, &random, input, &mut signature)?;
                signature
            }
            SigningAlgorithm::ES256 => self.ec.pair.sign(&random, input)?.as_ref().to_vec(),
            SigningAlgorithm::EdDSA => self.ed.pair.sign(input).as_ref().to_vec(),
        })
    }
}

impl PublishedKeys {
    pub(super) fn new(signing: Generation) -> Self {
        Self { signing, outgoing: None }
    }

    /// Signs with `new` from now on. The keys that signed so far stay published until the next rotation, if wanted; those
    /// before them are gone.
    pub(super) fn rotate(&mut self, new: Generation, withdraw: Withdraw) {
        let old = std::mem::replace(&mut self.signing, new);
        self.outgoing = match withdraw {
            Withdraw::Later => Some(old),
            Withdraw::Now => None,
        };
    }

    /// The JWK set (RFC 7517 section 5): the signing keys first.
    pub(super) fn jwks(&self) -> Value {
        let generations = std::iter::once(&self.signing).chain(&self.outgoing);
        json!({ "keys": generations.flat_map(Generation::jwks).collect::<Vec<_>>() })
    }

    /// A compact JWS (RFC 7515 section 7.1).
    pub(super) fn sign(
        &self,
        algorithm: SigningAlgorithm,
        typ: &str,
        claims: &Value,
    ) -> Result<String, DevError> {
        let key_id = self.signing.key_id(algorithm);
        let header = json!({ "alg": algorithm.as_str(), "kid": key_id, "typ": typ });
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let input = format!("{}.{}", part(&header), part(claims));
        let signature = self.signing.signature(algorithm, input.as_bytes())?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
