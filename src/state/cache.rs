//! The verified-token cache.

/// The `cache` section of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// Bytes that the cached tokens may take together, refusals not counted.
    pub max_bytes: u64,
    /// How long a verified token is remembered at most.
    pub max_age: std::time::Duration,
}
