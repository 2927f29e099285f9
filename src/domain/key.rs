//! Keys that verify: each with the algorithms that its type and its publisher allow, fixed when it is loaded.

mod set;

use std::fmt;

use aws_lc_rs::{
    digest, hmac,
    signature::{self as sig, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm},
};

pub use set::{Candidates, KeySet};

use super::{
    algorithm::{Algorithm, AllowedAlgorithms},
    secret::Secret,
};

/// RSA moduli outside this range are refused, in bits: shorter ones by RFC 7518 section 3.3, longer ones because each
/// verification would cost milliseconds.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The public numbers of a key, big-endian.
#[derive(Clone, Copy, Debug)]
pub enum PublicNumbers<'a> {
    /// Modulus and exponent.
    Rsa {
        /// Modulus.
        n: &'a [u8],
        /// Exponent.
        e: &'a [u8],
    },
    /// A point on P-256, P-384 or P-521, told apart by `curve`.
    Ec {
        /// Which curve.
        curve: Curve,
        /// First coordinate, of the curve's full length.
        x: &'a [u8],
        /// Second coordinate, of the curve's full length.
        y: &'a [u8],
    },
    /// An Ed25519 public key, 32 bytes.
    Ed25519 {
        /// The key.
        x: &'a [u8],
    },
}

/// The curves of RFC 7518 section 6.2.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the registry's own")]
pub enum Curve {
    P256,
    P384,
    P521,
}

/// Why a published key is not used. The other keys of its set are not affected (K5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum UnusableKey {
    #[error("its RSA modulus is shorter than 2048 or longer than 8192 bits")]
    RsaSize,
    #[error("its numbers are not those of a key of its type")]
    Numbers,
    #[error("the issuer's configuration allows none of its algorithms")]
    NotAllowed,
    #[error("the shared secret is shorter than its algorithm's hash")]
    SecretTooShort,
}

/// One key of one issuer, ready to verify.
pub struct VerifyingKey {
    id: KeyIdentity,
    key_id: Option<String>,
    usable: Vec<(Algorithm, Verifier)>,
}

/// SHA-256 over what the key is and what it may do: equal only for the same key under the same rules.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_debug_implementations, reason = "of a shared secret it would be a target for guessing")]
pub struct KeyIdentity([u8; 32]);

enum Verifier {
    Public(ParsedPublicKey),
    Shared(Box<hmac::Key>),
}

/// The signature does not verify, or the key cannot do that algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyError {
    /// The key does not do this algorithm.
    Algorithm,
    /// Not this key's signature over these bytes.
    Signature,
}

impl VerifyingKey {
    /// Loads a public key. `published` is the `alg` of its JWK, if it has one this service knows; `allowed` is the
    /// issuer's configuration. A key serves every allowed algorithm of its type, or the published one alone.
    pub fn public(
        key_id: Option<String>,
        numbers: PublicNumbers<'_>,
        published: Option<Algorithm>,
        allowed: &AllowedAlgorithms,
    ) -> Result<Self, UnusableKey> {
        let fits = numbers.check()?;
        let mut usable = Vec::new();
        for algorithm in fits {
            if allowed.allows(*algorithm) && published.is_none_or(|only| only == *algorithm) {
                usable.push((*algorithm, Verifier::Public(numbers.parse(*algorithm)?)));
            }
        }
        if usable.is_empty() {
            return Err(UnusableKey::NotAllowed);
        }
        Ok(Self { id: numbers.identity(key_id.as_deref(), &usable), key_id, usable })
    }

    /// Loads a configured shared secret. It has no key id: a token's `kid` is ignored where there is one key for all.
    pub fn shared(secret: &Secret, allowed: &AllowedAlgorithms) -> Result<Self, UnusableKey> {
        let mut usable = Vec::new();
        for algorithm in allowed.iter() {
            let (Some(least), Some(hash)) = (algorithm.least_secret_bytes(), hmac_of(algorithm)) else {
                continue;
            };
            if secret.len() < least {
                return Err(UnusableKey::SecretTooShort);
            }
            usable.push((algorithm, Verifier::Shared(Box::new(hmac::Key::new(hash, secret.expose())))));
        }
        if usable.is_empty() {
            return Err(UnusableKey::NotAllowed);
        }
        Ok(Self { id: identity(None, &usable, &[b"oct", secret.expose()]), key_id: None, usable })
    }

    /// What tells this key from every other.
    pub fn identity(&self) -> KeyIdentity {
        self.id
    }

    /// Whether a token with this `kid` can be its own. A shared secret is the only key of its issuer and serves every
    /// `kid`, since there is nothing to choose from.
    pub(super) fn answers_to(&self, key_id: &str) -> bool {
        self.is_shared() || self.key_id.as_deref() == Some(key_id)
    }

    fn is_shared(&self) -> bool {
        self.usable.iter().any(|(algorithm, _)| algorithm.is_symmetric())
    }

    /// Its `kid`.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// What it verifies, in the order of [`Algorithm::ALL`] within its type.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.usable.iter().map(|(algorithm, _)| *algorithm)
    }

    /// Checks a signature in the form that JWS gives it (RFC 7518 section 3).
    pub fn verify(&self, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
        let (_, verifier) =
            self.usable.iter().find(|(usable, _)| *usable == algorithm).ok_or(VerifyError::Algorithm)?;
        let outcome = match verifier {
            Verifier::Public(key) => key.verify_sig(input, signature),
            Verifier::Shared(key) => hmac::verify(key, input, signature),
        };
        outcome.or(Err(VerifyError::Signature))
    }

    /// Whether it can have made a signature with this algorithm.
    pub(super) fn does(&self, algorithm: Algorithm) -> bool {
        self.usable.iter().any(|(usable, _)| *usable == algorithm)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithms: Vec<_> = self.algorithms().collect();
        f.debug_struct("VerifyingKey")
            .field("key_id", &self.key_id)
            .field("algorithms", &algorithms)
            .finish_non_exhaustive()
    }
}

impl PublicNumbers<'_> {
    /// The algorithms that this type of key can do.
    fn check(&self) -> Result<&'static [Algorithm], UnusableKey> {
        use Algorithm::{ES256, ES384, ES512, Ed25519, PS256, PS384, PS512, RS256, RS384, RS512};
        match self {
            Self::Rsa { n, e } => {
                let n = without_leading_zeros(n);
                let e = without_leading_zeros(e);
                let bits = n
                    .first()
                    .map_or(0, |first| n.len() * 8 - usize::try_from(first.leading_zeros()).unwrap_or(0));
                if !RSA_BITS.contains(&bits) {
                    return Err(UnusableKey::RsaSize);
                }
                // An exponent of one makes the signature the message; an even one has no inverse.
                if e.len() > 4 || e == [1] || e.last().is_none_or(|last| last % 2 == 0) {
                    return Err(UnusableKey::Numbers);
                }
                Ok(&[RS256, RS384, RS512, PS256, PS384, PS512])
            }
            Self::Ec { curve, x, y } => {
                let length = curve.coordinate_bytes();
                if x.len() != length || y.len() != length {
                    return Err(UnusableKey::Numbers);
                }
                Ok(match curve {
                    Curve::P256 => &[ES256],
                    Curve::P384 => &[ES384],
                    Curve::P521 => &[ES512],
                })
            }
            Self::Ed25519 { x } if x.len() == 32 => Ok(&[Ed25519]),
            Self::Ed25519 { .. } => Err(UnusableKey::Numbers),
        }
    }

    fn parse(&self, algorithm: Algorithm) -> Result<ParsedPublicKey, UnusableKey> {
        let parsed = match self {
            Self::Rsa { n, e } => {
                let components =
                    RsaPublicKeyComponents { n: without_leading_zeros(n), e: without_leading_zeros(e) };
                components.to_parsed_public_key(rsa_of(algorithm).ok_or(UnusableKey::Numbers)?)
            }
            Self::Ec { curve, x, y } => ParsedPublicKey::new(curve.verification(), [&[4], *x, *y].concat()),
            Self::Ed25519 { x } => ParsedPublicKey::new(&sig::ED25519, x),
        };
        parsed.or(Err(UnusableKey::Numbers))
    }

    fn identity(&self, key_id: Option<&str>, usable: &[(Algorithm, Verifier)]) -> KeyIdentity {
        match self {
            Self::Rsa { n, e } => identity(key_id, usable, &[b"RSA", n, e]),
            Self::Ec { x, y, curve: _ } => identity(key_id, usable, &[b"EC", x, y]),
            Self::Ed25519 { x } => identity(key_id, usable, &[b"OKP", x]),
        }
    }
}

impl Curve {
    fn coordinate_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::P256 => &sig::ECDSA_P256_SHA256_FIXED,
            Self::P384 => &sig::ECDSA_P384_SHA384_FIXED,
            Self::P521 => &sig::ECDSA_P521_SHA512_FIXED,
        }
    }
}

fn identity(key_id: Option<&str>, usable: &[(Algorithm, Verifier)], parts: &[&[u8]]) -> KeyIdentity {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut add = |part: &[u8]| {
        context.update(&part.len().to_be_bytes());
        context.update(part);
    };
    add(&[u8::from(key_id.is_some())]);
    add(key_id.unwrap_or_default().as_bytes());
    for (algorithm, _) in usable {
        add(algorithm.as_str().as_bytes());
    }
    for part in parts {
        add(part);
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    KeyIdentity(bytes)
}

fn without_leading_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

fn rsa_of(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::RS256 => &sig::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &sig::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &sig::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &sig::RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &sig::RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &sig::RSA_PSS_2048_8192_SHA512,
        Algorithm::HS256
        | Algorithm::HS384
        | Algorithm::HS512
        | Algorithm::ES256
        | Algorithm::ES384
        | Algorithm::ES512
        | Algorithm::Ed25519 => return None,
    })
}

fn hmac_of(algorithm: Algorithm) -> Option<hmac::Algorithm> {
    Some(match algorithm {
        Algorithm::HS256 => hmac::HMAC_SHA256,
        Algorithm::HS384 => hmac::HMAC_SHA384,
        Algorithm::HS512 => hmac::HMAC_SHA512,
        Algorithm::RS256
        | Algorithm::RS384
        | Algorithm::RS512
        | Algorithm::PS256
        | Algorithm::PS384
        | Algorithm::PS512
        | Algorithm::ES256
        | Algorithm::ES384
        | Algorithm::ES512
        | Algorithm::Ed25519 => return None,
    })
}
