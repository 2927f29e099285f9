//! Signature algorithms (RFC 7518 section 3, RFC 8037, RFC 9864).

use std::{fmt, str::FromStr};

/// An algorithm that this service can verify. `none` and anything unknown have no value here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the registry's own")]
pub enum Algorithm {
    HS256,
    HS384,
    HS512,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    ES512,
    /// Written `EdDSA` (RFC 8037) or `Ed25519` (RFC 9864); with the only curve that this service takes, both say the same.
    Ed25519,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::HS256,
        Self::HS384,
        Self::HS512,
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::ES512,
        Self::Ed25519,
    ];

    /// The registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::Ed25519 => "Ed25519",
        }
    }

    /// For a shared secret, the length in bytes of the hash output, which is the least length of the secret (RFC 7518
    /// section 3.2); `None` for the asymmetric ones.
    pub fn least_secret_bytes(self) -> Option<usize> {
        match self {
            Self::HS256 => Some(32),
            Self::HS384 => Some(48),
            Self::HS512 => Some(64),
            Self::RS256
            | Self::RS384
            | Self::RS512
            | Self::PS256
            | Self::PS384
            | Self::PS512
            | Self::ES256
            | Self::ES384
            | Self::ES512
            | Self::Ed25519 => None,
        }
    }

    /// Whether signer and verifier share one secret.
    pub fn is_symmetric(self) -> bool {
        self.least_secret_bytes().is_some()
    }
}

/// Not the name of an algorithm that this service verifies. Names are case-sensitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an algorithm that this service verifies")]
pub struct UnknownAlgorithm;

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        if name == "EdDSA" {
            return Ok(Self::Ed25519);
        }
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name).ok_or(UnknownAlgorithm)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The algorithms that one issuer may sign with: never empty, and either all symmetric or none, so that a public key can
/// never be taken for a shared secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedAlgorithms(Vec<Algorithm>);

/// Why a list of algorithms is unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum UnusableAlgorithms {
    #[error("the list is empty; leave it out to allow what fits the keys")]
    Empty,
    #[error("shared-secret (HS) and public-key algorithms cannot be mixed for one issuer")]
    Mixed,
}

impl AllowedAlgorithms {
    /// Checks the rules above.
    pub fn new(list: Vec<Algorithm>) -> Result<Self, UnusableAlgorithms> {
        let symmetric = list.iter().filter(|algorithm| algorithm.is_symmetric()).count();
        if list.is_empty() {
            Err(UnusableAlgorithms::Empty)
        } else if symmetric != 0 && symmetric != list.len() {
            Err(UnusableAlgorithms::Mixed)
        } else {
            Ok(Self(list))
        }
    }

    /// What fits public keys: every asymmetric algorithm.
    pub fn asymmetric() -> Self {
        Self(Algorithm::ALL.into_iter().filter(|algorithm| !algorithm.is_symmetric()).collect())
    }

    /// Whether this one may be used.
    pub fn allows(&self, algorithm: Algorithm) -> bool {
        self.0.contains(&algorithm)
    }

    /// Whether these are shared-secret algorithms.
    pub fn are_symmetric(&self) -> bool {
        self.0.iter().any(|algorithm| algorithm.is_symmetric())
    }

    /// The list, in the order it was written.
    pub fn iter(&self) -> impl Iterator<Item = Algorithm> + '_ {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_case_sensitive_and_none_is_no_algorithm() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
        }
        assert_eq!("EdDSA".parse(), Ok(Algorithm::Ed25519));
        for bad in ["none", "None", "rs256", "", "RS1", "Ed448", "ES256K", " RS256"] {
            assert_eq!(bad.parse::<Algorithm>(), Err(UnknownAlgorithm), "{bad}");
        }
    }

    #[test]
    fn public_keys_and_shared_secrets_never_mix() {
        use Algorithm::{HS256, RS256};
        assert_eq!(AllowedAlgorithms::new(vec![]), Err(UnusableAlgorithms::Empty));
        assert_eq!(AllowedAlgorithms::new(vec![RS256, HS256]), Err(UnusableAlgorithms::Mixed));
        assert!(!AllowedAlgorithms::asymmetric().are_symmetric());
    }
}
