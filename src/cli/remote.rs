//! What the commands that ask a running service share.

use std::{
    error::Error,
    io::{self, Read as _},
    time::Duration,
};

use anyhow::{Context as _, bail};
use tonic::transport::{Channel, Endpoint};

/// Far above any `limits.max_token_bytes` that makes sense.
const MAX_TOKEN_BYTES: u64 = 1024 * 1024;

/// Longer waits make no sense for one answer, and some would overflow the clock.
const MAX_TIMEOUT: Duration = Duration::from_hours(1);

/// Checks an address on the command line. https would silently go out in the clear: this build's client has no TLS.
pub(super) fn address(text: &str) -> Result<String, String> {
    let path = text.strip_prefix("unix:");
    let url = match path {
        _ if text.starts_with("http://") => text.to_owned(),
        Some(path) if path.starts_with('/') => text.to_owned(),
        None if !text.contains("://") && text.contains(':') => format!("http://{text}"),
        Some(_) | None => return Err("must be HOST:PORT, http://HOST:PORT or unix:/PATH".to_owned()),
    };
    Endpoint::from_shared(url.clone()).map_err(|error| chain(&error))?;
    Ok(url)
}

pub(super) async fn connect(address: &str) -> Result<Channel, tonic::transport::Error> {
    Endpoint::from_shared(address.to_owned())?.connect().await
}

pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// One token; the newline that `echo` and files put behind it is not part of it.
pub(super) fn read_token(input: impl io::Read) -> anyhow::Result<String> {
    let mut token = String::new();
    let read = input.take(MAX_TOKEN_BYTES + 1).read_to_string(&mut token).context("cannot read the token")?;
    if u64::try_from(read).unwrap_or(u64::MAX) > MAX_TOKEN_BYTES {
        bail!("standard input is too long to be a token");
    }
    let without = token.strip_suffix('\n').unwrap_or(&token);
    Ok(without.strip_suffix('\r').unwrap_or(without).to_owned())
}

/// `500ms`, `5s`, `1m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u64 = digits.parse().map_err(|_not_a_number| "not a duration like 5s".to_owned())?;
    let duration = match text.strip_prefix(digits) {
        Some("ms") => Duration::from_millis(number),
        Some("s") => Duration::from_secs(number),
        Some("m") => Duration::from_secs(number.saturating_mul(60)),
        Some(_) | None => return Err("not a duration like 500ms, 5s or 1m".to_owned()),
    };
    if duration > MAX_TIMEOUT { Err("at most 60m".to_owned()) } else { Ok(duration) }
}

/// The value's name without its enum's; a value that this build does not know, by number.
pub(super) fn name(value: i32, known: Option<&str>, prefix: &str) -> String {
    known.map_or_else(
        || format!("UNRECOGNIZED({value})"),
        |name| name.strip_prefix(prefix).unwrap_or(name).to_owned(),
    )
}

pub(super) fn code_name(code: tonic::Code) -> &'static str {
    use tonic::Code;
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Somebody else chose these characters; none of them gets to steer the terminal.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}
