//! Random names and secrets.

use aws_lc_rs::{error::Unspecified, rand};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::DevError;

impl From<Unspecified> for DevError {
    fn from(Unspecified: Unspecified) -> Self {
        Self::Crypto
    }
}

/// 256 bits in base64url: nobody guesses it.
pub(super) fn secret() -> Result<String, DevError> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// `prefix` and 64 bits in hexadecimal: no two are alike.
pub(super) fn id(prefix: &str) -> Result<String, DevError> {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes)?;
    Ok(format!("{prefix}{:016x}", u64::from_be_bytes(bytes)))
}
