//! TLS, with a proxy that ends it in front of the service.

use std::{net::Ipv4Addr, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::NamedTempFile;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer},
};

use super::{language::LANGUAGES, outcomes::Setup};

const NAME: &str = "countersign.example.test";

/// A certificate authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        // Another name than the certificates that it signs, which would look as if they had signed themselves.
        params.distinguished_name.push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its certificate in a file.
    fn file(&self) -> NamedTempFile {
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), self.0.pem()).unwrap();
        file
    }

    /// A server with a certificate for [`NAME`].
    fn server(&self) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new([NAME.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.into()], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Ends TLS in front of a port, and returns where.
async fn front(proxies: &mut JoinSet<()>, server: TlsAcceptor, port: u16) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    proxies.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let server = server.clone();
            connections.spawn(async move {
                // Clients that do not trust the certificate hang up here.
                let Ok(mut outside) = server.accept(stream).await else { return };
                let mut inside = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
                drop(copy_bidirectional(&mut outside, &mut inside).await);
            });
        }
    });
    address
}

#[tokio::test]
async fn only_the_named_server_of_the_trusted_authority_is_asked() {
    let setup = Setup::start().await;
    let (token, mut proxies) = (setup.good(), JoinSet::new());
    let (authority, other) = (Authority::new(), Authority::new());
    let (trusted, other) = (authority.file(), other.file());
    let (trusted, other) = (trusted.path().display(), other.path().display());
    let address = front(&mut proxies, authority.server(), setup.port).await;
    for language in LANGUAGES {
        let options = format!("--ca-file {trusted} --server-name {NAME}");
        language.ask_with(&address, &token, &options).await.is("valid: alice", 0);
        for options in [
            format!("--ca-file {other} --server-name {NAME}"),
            format!("--ca-file {trusted} --server-name other.example.test"),
            format!("--ca-file {trusted}"),
        ] {
            language.ask_with(&address, &token, &options).await.is("cannot tell: UNAVAILABLE", 3);
        }
    }
}

#[tokio::test]
async fn a_client_told_to_use_tls_never_asks_in_the_clear() {
    let setup = Setup::start().await;
    let trusted = Authority::new().file();
    let options = format!("--ca-file {} --server-name {NAME}", trusted.path().display());
    for language in LANGUAGES {
        let said = language.ask_with(&setup.address(), &setup.good(), &options).await;
        said.is("cannot tell: UNAVAILABLE", 3);
    }
}

/// An empty word is what a variable that is not set leaves of `--ca-file "$CA_FILE"`.
#[tokio::test]
async fn a_client_without_a_usable_authority_asks_nobody_and_blames_no_token() {
    let setup = Setup::start().await;
    let (empty, other) = (NamedTempFile::new().unwrap(), NamedTempFile::new().unwrap());
    std::fs::write(other.path(), "not a certificate").unwrap();
    let (empty, other) = (empty.path().display().to_string(), other.path().display().to_string());
    for language in LANGUAGES {
        for file in ["''", "/nonexistent", &empty, &other] {
            let options = format!("--ca-file {file}");
            language.ask_with(&setup.address(), &setup.good(), &options).await.is_no_answer();
        }
    }
}
