//! The address of Redis: `redis://` or `rediss://`, `user:password@`, one `host:port` or several with commas between them, `/` and the
//! database's number. Read here and not by a general parser: several hosts are no URL of RFC 3986, and whatever is wrong is said
//! without a byte of what was written, because that may be a password in the wrong place.

use std::net::{IpAddr, Ipv6Addr};

use crate::domain::secret::Secret;

/// What an address says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RedisUrl {
    pub(super) is_tls: bool,
    pub(super) username: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) nodes: Vec<Host>,
    pub(super) database: u32,
}

/// A name or an address without brackets; the port that was written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) port: Option<u16>,
}

/// What is wrong with an address, and what to write instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum UrlProblem {
    #[error("is not UTF-8 text; write other bytes of a password as `%` and two digits")]
    NotText,
    #[error("expected an address that begins with `redis://`, or with `rediss://` for TLS")]
    Scheme,
    #[error("has more than one `@`; write `%40` for one in the user or the password")]
    TwoUsers,
    #[error("has a user without a password; write `user:password@`, or `:password@` for the user `default`")]
    NoPassword,
    #[error(
        "has a `%` without two hexadecimal digits in the user or the password; write `%25` for the character itself"
    )]
    Escape,
    #[error("has a user that is not text")]
    User,
    #[error(
        "expected `host:port` after the scheme or the `@`, or several with commas between them; write `%2F` for a `/` in the \
         password, and an IPv6 address in brackets"
    )]
    Host,
    #[error("names the same host and port twice")]
    SameHost,
    #[error("expected the number of a database after the `/`, and nothing behind it")]
    Database,
}

impl RedisUrl {
    /// Reads an address.
    pub(super) fn parse(written: &[u8]) -> Result<Self, UrlProblem> {
        let text = str::from_utf8(written).map_err(|_not_text| UrlProblem::NotText)?;
        let (is_tls, rest) = match (text.strip_prefix("rediss://"), text.strip_prefix("redis://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(UrlProblem::Scheme),
        };
        let (authority, database) = match rest.split_once('/') {
            Some((authority, database)) => (authority, number(database)?),
            None => (rest, 0),
        };
        let (user, hosts) = match authority.split_once('@') {
            Some((_, hosts)) if hosts.contains('@') => return Err(UrlProblem::TwoUsers),
            Some((user, hosts)) => (Some(user), hosts),
            None => (None, authority),
        };
        let (username, password) = user.map_or(Ok((None, None)), login)?;
        Ok(Self { is_tls, username, password, nodes: nodes(hosts)?, database })
    }

    /// The same out of what a file or a variable held.
    pub(super) fn of_secret(written: &Secret) -> Result<Self, UrlProblem> {
        Self::parse(written.expose())
    }

    /// Whether everything that is sent stays on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        self.nodes.iter().all(Host::is_loopback)
    }
}

impl Host {
    fn parse(written: &str) -> Option<Self> {
        if let Some(rest) = written.strip_prefix('[') {
            let (address, port) = rest.split_once(']')?;
            let address: Ipv6Addr = address.parse().ok()?;
            let port = if port.is_empty() { None } else { Some(port_number(port.strip_prefix(':')?)?) };
            return Some(Self { name: address.to_string(), port });
        }
        let (name, port) = match written.split_once(':') {
            Some((name, port)) => (name, Some(port_number(port)?)),
            None => (written, None),
        };
        let usual = |char: char| char.is_ascii_alphanumeric() || "-._".contains(char);
        (!name.is_empty() && name.chars().all(usual)).then(|| Self { name: name.to_owned(), port })
    }

    fn is_loopback(&self) -> bool {
        let address: Option<IpAddr> = self.name.parse().ok();
        address.map_or_else(|| self.name.eq_ignore_ascii_case("localhost"), |address| address.is_loopback())
    }
}

/// Digits alone: the standard parsers would take a sign, too.
fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

fn port_number(text: &str) -> Option<u16> {
    digits(text)?.parse().ok().filter(|port| *port != 0)
}

fn number(database: &str) -> Result<u32, UrlProblem> {
    match database {
        "" => Ok(0),
        written => digits(written).and_then(|digits| digits.parse().ok()).ok_or(UrlProblem::Database),
    }
}

fn nodes(hosts: &str) -> Result<Vec<Host>, UrlProblem> {
    let mut nodes: Vec<Host> = Vec::new();
    for host in hosts.split(',') {
        let host = Host::parse(host).ok_or(UrlProblem::Host)?;
        if nodes.contains(&host) {
            return Err(UrlProblem::SameHost);
        }
        nodes.push(host);
    }
    Ok(nodes)
}

fn login(written: &str) -> Result<(Option<String>, Option<Secret>), UrlProblem> {
    let (user, password) = written.split_once(':').ok_or(UrlProblem::NoPassword)?;
    let user = String::from_utf8(unescaped(user)?).map_err(|_not_text| UrlProblem::User)?;
    let password = Secret::new(unescaped(password)?);
    if password.is_empty() {
        return Err(UrlProblem::NoPassword);
    }
    Ok(((!user.is_empty()).then_some(user), Some(password)))
}

/// Strictly: a password with a `%` of its own would otherwise become another one without a word.
fn unescaped(written: &str) -> Result<Vec<u8>, UrlProblem> {
    // As long as it can get, so that no copy of a password is left behind when it grows.
    let mut bytes = Vec::with_capacity(written.len());
    let mut rest = written.bytes();
    let half = |byte: Option<u8>| {
        let digit = byte.and_then(|byte| char::from(byte).to_digit(16));
        digit.and_then(|digit| u8::try_from(digit).ok()).ok_or(UrlProblem::Escape)
    };
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' { half(rest.next())? << 4 | half(rest.next())? } else { byte });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
