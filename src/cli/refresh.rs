//! `countersign refresh`: one exchange, by a running service.

mod print;

use std::{
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use tokio::time::timeout;
use tonic::Request;

use super::{
    exit,
    fault::Fault,
    remote::{self, chain, connect, read_token},
};
use crate::proto::client::{
    RefreshRequest, Rejection, TokenSet, refresh_request::Credential as Wanted, refresh_response,
    token_service_client::TokenServiceClient,
};

/// What to refresh.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    credential: Credential,
    /// The issuer; not needed where only one is configured.
    #[arg(long, value_name = "ISS", default_value = "", hide_default_value = true)]
    issuer: String,
    /// The client that the refresh token was issued to; not needed where the issuer has only one.
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    client_id: String,
    /// Ask for this scope only; may be given several times.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Rotate although the tokens that are held for the session are still fresh.
    #[arg(long)]
    force: bool,
    /// Where the service listens: `HOST:PORT`, `http://HOST:PORT` or `unix:/PATH`.
    #[arg(long, default_value = "http://127.0.0.1:50051", value_parser = remote::address)]
    address: String,
    /// How long to wait for the answer, connecting included; 60m at most. Giving up cancels nothing: ask again with the same
    /// refresh token.
    #[arg(long, default_value = "20s", value_parser = remote::duration)]
    timeout: Duration,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Exactly one.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Credential {
    /// The refresh token, or `-` to read it from standard input, where other users of the machine cannot see it.
    #[arg(value_name = "REFRESH_TOKEN|-")]
    refresh_token: Option<String>,
    /// A session whose tokens the service holds.
    #[arg(long, value_name = "ID")]
    session: Option<String>,
}

/// Without the credential.
impl std::fmt::Debug for Args {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Args").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What came of it. Without `Debug`: there are tokens in it.
enum Outcome {
    Refreshed(TokenSet),
    Refused(Rejection),
    Fault(Fault),
}

impl Credential {
    fn wanted(self) -> anyhow::Result<Option<Wanted>> {
        Ok(match (self.refresh_token, self.session) {
            (Some(token), _) if token == "-" => Some(Wanted::RefreshToken(read_token(io::stdin().lock())?)),
            (Some(token), _) => Some(Wanted::RefreshToken(token)),
            (None, session) => session.map(Wanted::SessionId),
        })
    }
}

/// Asks, prints what came of it, and says it again as exit code.
pub async fn run(args: Args) -> ExitCode {
    let Args { credential, issuer, client_id, scopes, force, address, timeout, json } = args;
    let credential = match credential.wanted() {
        Ok(credential) => credential,
        Err(problem) => return exit::misused(&problem),
    };
    let request = RefreshRequest { issuer, client_id, scopes, force, credential, context: None };
    let outcome = ask(&address, timeout, request).await;
    let text = if json { print::json(&outcome) } else { print::text(&outcome) };
    // Who closes standard output early still gets the exit code.
    drop(writeln!(io::stdout(), "{text}"));
    ExitCode::from(match outcome {
        Outcome::Refreshed(_) => exit::REFRESHED,
        Outcome::Refused(_) => exit::REFUSED,
        Outcome::Fault(_) => exit::CANNOT_TELL,
    })
}

async fn ask(address: &str, within: Duration, request: RefreshRequest) -> Outcome {
    match timeout(within, call(address, within, request)).await {
        Ok(Ok(outcome)) => outcome,
        // What tonic's client says at the deadline; the service never does.
        Ok(Err(fault)) if fault.code == "CANCELLED" => Outcome::Fault(Fault::too_late(within)),
        Ok(Err(fault)) => Outcome::Fault(fault),
        Err(_elapsed) => Outcome::Fault(Fault::too_late(within)),
    }
}

async fn call(address: &str, within: Duration, request: RefreshRequest) -> Result<Outcome, Fault> {
    let channel = connect(address).await.map_err(|error| {
        Fault::local("UNAVAILABLE", format!("cannot connect to {address}: {}", chain(&error)))
    })?;
    let mut request = Request::new(request);
    request.set_timeout(within);
    let answer = TokenServiceClient::new(channel).refresh(request).await;
    match answer.map_err(|status| Fault::of_status(&status))?.into_inner().outcome {
        Some(refresh_response::Outcome::Tokens(tokens)) => Ok(Outcome::Refreshed(tokens)),
        Some(refresh_response::Outcome::Rejection(rejection)) => Ok(Outcome::Refused(rejection)),
        None => Err(Fault::local(
            "UNKNOWN",
            "the service's answer has no outcome that this client knows".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests;
