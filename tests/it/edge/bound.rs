//! Tokens that are bound to a client's certificate, over mutual TLS.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use tokio::process::Command;

use super::{
    client::LONG,
    envoy::{Certificates, Door, Envoy, Version},
    scene::{bearer, start_service},
    upstream::Upstream,
};
use crate::support::{redis::Authority, wait::within};

type Pair = (PathBuf, PathBuf);

fn thumbprint(certificate: &Path) -> Vec<u8> {
    let certificate = CertificateDer::from_pem_file(certificate).unwrap();
    digest::digest(&digest::SHA256, &certificate).as_ref().to_vec()
}

/// The status of a request with this token, and with this certificate.
async fn ask(port: u16, authority: &Path, token: &str, certificate: Option<&Pair>) -> String {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--output", "/dev/null", "--write-out", "%{http_code}"])
        .arg("--cacert")
        .arg(authority)
        .args(["--header", &format!("authorization: {}", bearer(token))]);
    if let Some((chain, key)) = certificate {
        curl.arg("--cert").arg(chain).arg("--key").arg(key);
    }
    let output = curl.arg(format!("https://127.0.0.1:{port}/plain")).kill_on_drop(true).output();
    let output = within("curl", LONG, output).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn e8_a_bound_token_is_good_with_its_certificate_and_with_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let (authority, path) = (Authority::new(), directory.path().join("authority.crt"));
    authority.write(&path);
    let [server, alices, others] =
        ["server", "alice", "other"].map(|name| authority.issue(directory.path(), name));
    let (service, signers) = start_service("", &[]).await;
    let token = signers.bound_token(&thumbprint(&alices.0));
    for version in Version::ALL {
        let upstream = Upstream::start().await;
        let (chain, key) = server.clone();
        let certificates = Certificates { authority: path.clone(), chain, key };
        let door = Door::to("tls", service.socket()).tls(certificates);
        let envoy = Envoy::start(version, &upstream, &[door]).await;
        let port = envoy.door("tls");
        for (certificate, status) in [(Some(&alices), "200"), (Some(&others), "401"), (None, "401")] {
            // Whether the answer is made now or remembered.
            for _ in 0..2 {
                assert_eq!(
                    ask(port, &path, &token, certificate).await,
                    status,
                    "{version:?} {certificate:?}"
                );
            }
        }
        let plain = signers.token(&[]);
        assert_eq!(ask(port, &path, &plain, Some(&others)).await, "200", "not bound to any");
        assert_eq!(upstream.take().len(), 3);
    }
}
