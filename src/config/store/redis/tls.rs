//! `store.tls`: whom to believe, and who we are.

use std::path::PathBuf;

use super::super::existing;
use crate::{
    config::{key::Key, section::Section, written::FilePath},
    store::RedisTls,
};

pub(super) const TLS: Key = Key::restart("tls", "TLS to Redis, with `rediss://`.")
    .or("the system's authorities, no certificate of our own");
const CA: Key = Key::restart("ca", "Certificates (PEM) of the authorities that are believed, and no others.")
    .or("the system's");
const CERTIFICATE: Key =
    Key::restart("certificate", "Our own certificate and its chain (PEM), where the server asks for one.")
        .or("none");
const KEY: Key = Key::restart("key", "The certificate's private key (PEM).").or("none");

/// Reads it.
pub(super) fn read(store: &mut Section<'_, '_>) -> Option<RedisTls> {
    store.optional_section(TLS, |tls| {
        let ca = file(tls, CA);
        let (certificate, key) = (file(tls, CERTIFICATE), file(tls, KEY));
        let (one, other) = if certificate.is_some() { (CERTIFICATE, KEY) } else { (KEY, CERTIFICATE) };
        if certificate.is_some() != key.is_some() && !tls.has(other.name) {
            tls.problem(one.name, format!("needs `{}`, too", other.name));
        }
        RedisTls { ca, client: certificate.zip(key) }
    })
}

fn file(tls: &mut Section<'_, '_>, key: Key) -> Option<PathBuf> {
    let FilePath(written) = tls.optional(key)?;
    Some(existing(tls, key, &written))
}
