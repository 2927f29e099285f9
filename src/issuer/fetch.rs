//! The seam between the keeper and the world: one attempt to get a key set, over HTTP or from a file.

use std::{error::Error, fmt, future::Future, io, path::PathBuf, time::Duration};

use tokio::{fs::File, io::AsyncReadExt};
use url::Url;

use super::{
    discovery::{Discovery, DiscoveryError},
    freshness::Trigger,
    http::{Answer, Bounds, HttpClient, HttpError, Validators},
    jwks::DocumentError,
};

/// Where key sets come from.
pub(super) trait KeyFetch: Send + 'static {
    /// Makes one attempt, for this reason. `known` describes the document that the last good attempt brought, if it can be asked whether
    /// that one has changed.
    fn fetch(
        &mut self,
        trigger: Trigger,
        known: Option<&Validators>,
    ) -> impl Future<Output = Result<Answer, FetchError>> + Send;
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("the address of the key set could not be discovered")]
    Discovery(#[from] DiscoveryError),
    #[error("the key set could not be fetched")]
    Http(#[from] HttpError),
    #[error("the key set's file could not be read")]
    File(#[from] FileError),
    #[error("what was fetched is no usable key set")]
    Document(#[from] DocumentError),
    #[error("the answer says that nothing has changed, but nothing was there before")]
    NothingBefore,
    #[error("this program has a bug: the attempt panicked")]
    Panicked,
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error("reading failed")]
    Io(#[from] io::Error),
    #[error("it is not a regular file")]
    NotAFile,
    #[error("it is longer than `max_bytes`")]
    TooLong,
    #[error("not read within `timeout`")]
    Timeout,
}

/// Over HTTP, from a fixed address or a discovered one.
#[derive(Debug)]
pub(super) struct HttpKeys {
    http: HttpClient,
    bounds: Bounds,
    address: Address,
}

#[derive(Debug)]
enum Address {
    Fixed(Url),
    Discovered(Box<Discovery>),
}

impl HttpKeys {
    /// From this address.
    pub(super) fn at(http: HttpClient, bounds: Bounds, address: Url) -> Self {
        Self { http, bounds, address: Address::Fixed(address) }
    }

    /// From wherever the issuer says.
    pub(super) fn discovered(
        http: HttpClient,
        bounds: Bounds,
        issuer: String,
        refresh_after: Duration,
    ) -> Self {
        let discovery = Discovery::new(http.clone(), bounds, issuer, refresh_after);
        Self { http, bounds, address: Address::Discovered(Box::new(discovery)) }
    }
}

impl KeyFetch for HttpKeys {
    async fn fetch(&mut self, trigger: Trigger, known: Option<&Validators>) -> Result<Answer, FetchError> {
        // Discovery and the key set together (K6).
        let timeout = self.bounds.timeout;
        let whole = tokio::time::timeout(timeout, self.both(trigger, known)).await;
        let answer = whole.unwrap_or_else(|_elapsed| Err(HttpError::Timeout.into()));
        if let (Err(_), Address::Discovered(discovery)) = (&answer, &mut self.address) {
            discovery.doubt();
        }
        answer
    }
}

impl HttpKeys {
    async fn both(&mut self, trigger: Trigger, known: Option<&Validators>) -> Result<Answer, FetchError> {
        let (address, good_for) = match &mut self.address {
            Address::Fixed(address) => (address.clone(), None),
            Address::Discovered(discovery) => {
                let located = discovery.jwks_uri(trigger).await?;
                (located.jwks_uri, located.good_for)
            }
        };
        let answer = self.http.get(&address, self.bounds, known).await?;
        // Keys from a remembered address are as good as that address: a demand fetch must not put off the discovery.
        Ok(match good_for {
            Some(at_most) => answer.good_for(at_most),
            None => answer,
        })
    }
}

/// From a file, read whole each time.
#[derive(Debug)]
pub(super) struct FileKeys {
    pub(super) path: PathBuf,
    pub(super) bounds: Bounds,
}

impl KeyFetch for FileKeys {
    async fn fetch(&mut self, _trigger: Trigger, _known: Option<&Validators>) -> Result<Answer, FetchError> {
        let read = tokio::time::timeout(self.bounds.timeout, self.read());
        let bytes = read.await.unwrap_or(Err(FileError::Timeout))?;
        Ok(Answer::Document { bytes, validators: None, lifetime: None })
    }
}

impl FileKeys {
    async fn read(&self) -> Result<Vec<u8>, FileError> {
        // Before opening it: a FIFO would block a thread until somebody writes.
        if !tokio::fs::metadata(&self.path).await?.is_file() {
            return Err(FileError::NotAFile);
        }
        let limit = u64::try_from(self.bounds.max_bytes).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        File::open(&self.path).await?.take(limit.saturating_add(1)).read_to_end(&mut bytes).await?;
        if bytes.len() > self.bounds.max_bytes {
            return Err(FileError::TooLong);
        }
        Ok(bytes)
    }
}

impl FetchError {
    /// For `error.type`.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Discovery(error) => error.kind(),
            Self::Http(error) => error.kind(),
            Self::File(FileError::Io(_)) => "file",
            Self::File(FileError::NotAFile) => "not_a_file",
            Self::File(FileError::TooLong) => "too_long",
            Self::File(FileError::Timeout) => "timeout",
            Self::Document(DocumentError::NotAKeySet) => "not_a_key_set",
            Self::Document(DocumentError::TooManyKeys) => "too_many_keys",
            Self::NothingBefore => "nothing_before",
            Self::Panicked => "panicked",
        }
    }
}

/// An error with everything behind it, for one log line.
pub(super) struct Chain<'e>(pub(super) &'e (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(error) = next {
            write!(f, ": {error}")?;
            next = error.source();
        }
        Ok(())
    }
}
