//! `countersign validate`: one question to a running service.

mod ask;
mod outcome;
mod print;

use std::{
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use anyhow::bail;

use self::outcome::Outcome;
use super::{
    exit,
    remote::{self, duration, read_token},
};

/// What to ask, and whom.
#[derive(clap::Args)]
pub struct Args {
    /// The token, or `-` to read it from standard input, where other users of the machine cannot see it.
    // Any number, because clap would quote one too many in its complaint: `Bearer eyJ...`.
    #[arg(value_name = "TOKEN|-", required = true, num_args = 1..)]
    token: Vec<String>,
    /// Where the service listens: `HOST:PORT`, `http://HOST:PORT` or `unix:/PATH`.
    #[arg(long, default_value = "http://127.0.0.1:50051", value_parser = remote::address)]
    address: String,
    /// The token must be for one of these, besides what the configuration asks for.
    #[arg(long = "audience", value_name = "A")]
    audiences: Vec<String>,
    /// The token must have all of these.
    #[arg(long = "scope", value_name = "S")]
    scopes: Vec<String>,
    /// The token must have all of these.
    #[arg(long = "role", value_name = "R")]
    roles: Vec<String>,
    /// The token must have all of these.
    #[arg(long = "permission", value_name = "P")]
    permissions: Vec<String>,
    /// The token must be from this issuer.
    #[arg(long, value_name = "I", default_value = "", hide_default_value = true)]
    issuer: String,
    /// What the token is meant as.
    #[arg(long, value_enum, default_value_t = Kind::Access)]
    kind: Kind,
    /// How long to wait for the answer, connecting included; 60m at most.
    #[arg(long, default_value = "5s", value_parser = duration)]
    timeout: Duration,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Without the token.
impl std::fmt::Debug for Args {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Args").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A kind of token.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Kind {
    Access,
    Id,
}

/// Asks, prints the answer, and says it again as exit code.
pub async fn run(mut args: Args) -> ExitCode {
    let token = match token(std::mem::take(&mut args.token)) {
        Ok(token) => token,
        Err(problem) => return exit::misused(&problem),
    };
    let outcome = ask::ask(&args, token).await;
    let text = if args.json { print::json(&outcome) } else { print::text(&outcome) };
    // Who closes standard output early still gets the exit code.
    drop(writeln!(io::stdout(), "{text}"));
    ExitCode::from(match outcome {
        Outcome::Token { .. } => exit::VALID,
        Outcome::Rejection { .. } => exit::REFUSED,
        Outcome::Fault { .. } => exit::CANNOT_TELL,
    })
}

fn token(arguments: Vec<String>) -> anyhow::Result<String> {
    let Ok([argument]) = <[String; 1]>::try_from(arguments) else {
        bail!("give one token, without `Bearer` in front");
    };
    if argument == "-" { read_token(io::stdin().lock()) } else { Ok(argument) }
}

#[cfg(test)]
mod tests;
