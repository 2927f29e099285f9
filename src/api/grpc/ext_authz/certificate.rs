//! The client's certificate, as Envoy hands it on with `include_peer_certificate`: PEM, URL-encoded.

use aws_lc_rs::digest;
use percent_encoding::percent_decode;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};

/// Its SHA-256, as `cnf` has it (RFC 8705 section 3.1).
pub(super) fn digest(encoded: &[u8]) -> Option<[u8; 32]> {
    let pem: Vec<u8> = percent_decode(encoded).collect();
    let certificate = CertificateDer::from_pem_slice(&pem).ok()?;
    digest::digest(&digest::SHA256, &certificate).as_ref().try_into().ok()
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

    use super::*;

    #[test]
    fn a_certificate_is_digested_in_its_der_form() {
        let made = rcgen::generate_simple_self_signed(vec!["client".to_owned()]).unwrap();
        let encoded = percent_encode(made.cert.pem().as_bytes(), NON_ALPHANUMERIC).to_string();
        let expected: [u8; 32] =
            digest::digest(&digest::SHA256, made.cert.der()).as_ref().try_into().unwrap();
        assert_eq!(digest(encoded.as_bytes()), Some(expected));
    }

    #[test]
    fn what_is_none_has_no_digest() {
        for bad in ["", "x", "%", "-----BEGIN CERTIFICATE-----", "-----BEGIN%20X-----%0A-----END%20X-----"] {
            assert_eq!(digest(bad.as_bytes()), None, "{bad}");
        }
    }
}
