//! HTTP/1.1 listeners.

pub mod admin;

use super::ListenAddress;

/// The `http` section of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// Where checks are answered; `None`: nowhere.
    pub listen: Option<ListenAddress>,
    /// Whose words about the original request count; `None`: nobody's.
    pub forwarded: Option<Forwarded>,
}

/// The headers in which a proxy says what the original request was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarded {
    /// `X-Forwarded-Method`, `-Proto`, `-Host` and `-Uri`: Traefik and Caddy.
    XForwarded,
    /// `X-Original-Method`, `-Proto`, `-Host` and `-URI`: nginx, by configuration.
    XOriginal,
}

impl Forwarded {
    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::XForwarded => "x_forwarded",
            Self::XOriginal => "x_original",
        }
    }
}
