//! `countersign revoke`: one order to a running service.

mod ask;
mod print;

use std::{
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use prost_types::Timestamp;

use self::ask::Outcome;
use super::{
    exit,
    remote::{self, read_token},
};
use crate::proto::client::revoke_request::Target as Wanted;

/// What to revoke, and whom to tell.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// The issuer that it is about; not needed for a token that is shown, nor where only one issuer is configured.
    #[arg(long, value_name = "ISS", default_value = "", hide_default_value = true)]
    issuer: String,
    /// Refuse what was issued, and sessions that began, up to this time (RFC 3339); by default up to now. For a subject, a
    /// client or an issuer.
    #[arg(long, value_name = "TIME", value_parser = time)]
    not_before: Option<Timestamp>,
    /// The one session of the subject that goes on.
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true,
        conflicts_with_all = ["token", "token_id", "session", "client", "all_of_issuer"])]
    except_session: String,
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// Tell the identity provider, too.
    #[arg(long)]
    propagate: bool,
    /// Where the service listens: `HOST:PORT`, `http://HOST:PORT` or `unix:/PATH`.
    #[arg(long, default_value = "http://127.0.0.1:50051", value_parser = remote::address)]
    address: String,
    /// How long to wait for the answer, connecting included; 60m at most.
    #[arg(long, default_value = "10s", value_parser = remote::duration)]
    timeout: Duration,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Exactly one.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Target {
    /// The token, or `-` to read it from standard input, where other users of the machine cannot see it.
    #[arg(long, value_name = "TOKEN|-")]
    token: Option<String>,
    /// A token by its id (`jti`).
    #[arg(long, value_name = "ID")]
    token_id: Option<String>,
    /// A session (`sid`).
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Everything of a subject (`sub`).
    #[arg(long, value_name = "SUB")]
    subject: Option<String>,
    /// Everything that was issued to a client.
    #[arg(long, value_name = "ID")]
    client: Option<String>,
    /// Everything of the issuer.
    #[arg(long)]
    all_of_issuer: bool,
}

/// Without the target, which can be a token.
impl std::fmt::Debug for Args {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Args").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Target {
    fn wanted(self) -> anyhow::Result<Option<Wanted>> {
        let token = match self.token {
            Some(token) if token == "-" => Some(read_token(io::stdin().lock())?),
            token => token,
        };
        Ok(token
            .map(Wanted::Token)
            .or_else(|| self.token_id.map(Wanted::TokenId))
            .or_else(|| self.session.map(Wanted::SessionId))
            .or_else(|| self.subject.map(Wanted::Subject))
            .or_else(|| self.client.map(Wanted::ClientId))
            .or_else(|| self.all_of_issuer.then_some(Wanted::AllOfIssuer(true))))
    }
}

/// Asks, prints what was done, and says it again as exit code.
pub async fn run(args: Args) -> ExitCode {
    let Args { target, issuer, not_before, except_session, reason, propagate, address, timeout, json } = args;
    let target = match target.wanted() {
        Ok(target) => target,
        Err(problem) => return exit::misused(&problem),
    };
    let request = crate::proto::client::RevokeRequest {
        target,
        issuer,
        not_before,
        except_session_id: except_session,
        reason,
        propagate,
    };
    let outcome = ask::ask(&address, timeout, request).await;
    let text = if json { print::json(&outcome) } else { print::text(&outcome) };
    // Who closes standard output early still gets the exit code.
    drop(writeln!(io::stdout(), "{text}"));
    ExitCode::from(match outcome {
        Outcome::Revoked(_) => exit::REVOKED,
        Outcome::Fault(fault) if fault.is_final => exit::NOT_REVOKED,
        Outcome::Fault(_) => exit::CANNOT_TELL,
    })
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_not_a_time| "not a time like 2026-11-26T10:00:00Z (RFC 3339)".to_owned())
}

#[cfg(test)]
mod tests;
