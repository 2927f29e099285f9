//! One connection to one node.

use std::{error::Error, io, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use redis::{
    AsyncConnectionConfig, ErrorKind, ProtocolVersion, RedisConnectionInfo, RedisError,
    aio::MultiplexedConnection,
};
use rustls::pki_types::ServerName;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

use super::{address::Address, conn::Conn, tls};
use crate::{
    domain::secret::Secret,
    store::{
        redis::trouble::{RedisTrouble, Unfit, UnfitKind},
        settings::RedisTls,
    },
};

/// How long one may take, with TLS and login.
const BOUND: Duration = Duration::from_secs(2);

/// Who we are to a node.
#[derive(Clone, Debug)]
pub(super) struct Login {
    pub(super) username: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) database: u32,
}

/// How nodes are connected to.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    pub(super) tls: Option<RedisTls>,
    /// Where the user and the password stand in the configuration.
    pub(super) login_is: &'static str,
    pub(super) login: Login,
}

/// What moves a connection's bytes: whoever keeps the connection runs it, and the connection ends with it.
pub(super) type Driver = BoxFuture<'static, ()>;

impl Connector {
    /// Connects, and logs in.
    pub(super) async fn connect(&self, to: &Address) -> Result<(Conn, Driver), RedisTrouble> {
        match timeout(BOUND, self.try_connect(to)).await {
            Ok(result) => result,
            Err(elapsed) if self.tls.is_none() => Err(unreachable(to, elapsed)),
            // A server that expects no TLS waits for more of what it takes for a command.
            Err(_elapsed) => Err(unreachable(to, io::Error::other("no answer; does this port speak TLS?"))),
        }
    }

    async fn try_connect(&self, to: &Address) -> Result<(Conn, Driver), RedisTrouble> {
        let tcp = TcpStream::connect((to.host.as_str(), to.port)).await;
        let tcp = tcp.map_err(|error| unreachable(to, error))?;
        // Small requests, each of which somebody waits for.
        tcp.set_nodelay(true).map_err(|error| unreachable(to, error))?;
        let info = self.info(to)?;
        // Times are bounded where the connection is used.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let (multiplexed, driver) = match &self.tls {
            None => set_up(&info, tcp, config).await,
            Some(settings) => {
                let stream = self.encrypted(to, settings, tcp).await?;
                set_up(&info, stream, config).await
            }
        }
        .map_err(|error| self.not_connected(to, error))?;
        Ok((Conn::new(multiplexed, to.clone()), driver))
    }

    async fn encrypted(
        &self,
        to: &Address,
        settings: &RedisTls,
        tcp: TcpStream,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, RedisTrouble> {
        let unusable = |what: String| unfit_tls(to, what, "check the files in `store.tls`");
        let settings = settings.clone();
        let config = tokio::task::spawn_blocking(move || tls::config(&settings))
            .await
            .map_err(|error| unreachable(to, error))?
            .map_err(unusable)?;
        let name = ServerName::try_from(to.host.clone())
            .map_err(|_invalid| unusable(format!("{} is no name that a certificate can have", to.host)))?;
        TlsConnector::from(config)
            .connect(name, tcp)
            .await
            .map_err(|error| tls_trouble(to, &error).unwrap_or_else(|| unreachable(to, error)))
    }

    fn info(&self, to: &Address) -> Result<RedisConnectionInfo, RedisTrouble> {
        let mut info = RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP2)
            .set_db(i64::from(self.login.database))
            .set_lib_name("countersign", env!("CARGO_PKG_VERSION"));
        if let Some(username) = &self.login.username {
            info = info.set_username(username);
        }
        if let Some(password) = &self.login.password {
            let password = str::from_utf8(password.expose())
                .map_err(|_not_utf8| self.login_refused(to, "the password is not UTF-8"))?;
            info = info.set_password(password);
        }
        Ok(info)
    }

    fn not_connected(&self, to: &Address, error: RedisError) -> RedisTrouble {
        if let Some(trouble) = tls_trouble(to, &error) {
            return trouble;
        }
        match (error.kind(), error.code()) {
            (ErrorKind::AuthenticationFailed, _) | (_, Some("NOAUTH" | "WRONGPASS")) => {
                self.login_refused(to, "it does not let us in")
            }
            (_, Some("NOPERM")) => Unfit {
                node: to.to_string(),
                kind: UnfitKind::Permission,
                what: "the user may not choose a database".to_owned(),
                advice: "permit `select`, or set `store.url` to database 0".to_owned(),
            }
            .into(),
            (_, Some("ERR")) if self.login.database > 0 => Unfit {
                node: to.to_string(),
                kind: UnfitKind::Database,
                what: format!("it has no database {}", self.login.database),
                advice: "name another one in `store.url`; a cluster has 0 only".to_owned(),
            }
            .into(),
            _ => unreachable(to, error),
        }
    }

    /// The server does not take the login.
    pub(super) fn login_refused(&self, to: &Address, what: &str) -> RedisTrouble {
        Unfit {
            node: to.to_string(),
            kind: UnfitKind::Login,
            what: what.to_owned(),
            advice: format!("check {} and the server's ACL", self.login_is),
        }
        .into()
    }
}

async fn set_up<S>(
    info: &RedisConnectionInfo,
    stream: S,
    config: AsyncConnectionConfig,
) -> Result<(MultiplexedConnection, Driver), RedisError>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (multiplexed, driver) = MultiplexedConnection::new_with_config(info, stream, config).await?;
    Ok((multiplexed, Box::pin(driver)))
}

/// Nobody is there, as far as we can tell.
pub(super) fn unreachable(at: &Address, cause: impl Error + Send + Sync + 'static) -> RedisTrouble {
    RedisTrouble::Unreachable { node: at.to_string(), cause: Arc::new(cause) }
}

fn unfit_tls(node: &Address, what: String, advice: &str) -> RedisTrouble {
    Unfit { node: node.to_string(), kind: UnfitKind::Tls, what, advice: advice.to_owned() }.into()
}

/// If it is TLS that fails.
fn tls_trouble(node: &Address, error: &(dyn Error + 'static)) -> Option<RedisTrouble> {
    let tls = find_tls(error)?;
    let advice = if matches!(tls, rustls::Error::InvalidCertificate(_)) {
        "check `store.tls.ca`, and that the certificate is for the name in `store.url`"
    } else if matches!(tls, rustls::Error::AlertReceived(_)) {
        "the server does not accept our side: check our certificate in `store.tls`, and its log"
    } else {
        "check that this port speaks TLS"
    };
    Some(unfit_tls(node, format!("TLS fails ({tls})"), advice))
}

fn find_tls<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        // What an I/O error wraps is not among its sources, and redis-rs shows its own through an `Arc`.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let shared = error.downcast_ref::<Arc<dyn Error + Send + Sync>>();
        next = match (wrapped, shared) {
            (Some(inner), _) => Some(inner),
            (None, Some(inner)) => Some(&**inner),
            (None, None) => error.source(),
        };
    }
    None
}
