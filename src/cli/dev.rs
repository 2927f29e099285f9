//! `countersign dev`.

use std::process::ExitCode;

use super::exit;

/// What `dev` needs to know.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Args {}

// STAND-IN, to be replaced at merge: start dev::DevIssuer, make a Config that trusts it, print how to ask, and go on as
// serve::serve(config).
/// Serves with an identity provider of its own.
#[expect(clippy::unused_async, reason = "the real one starts servers")]
pub async fn run(_args: Args) -> ExitCode {
    exit::start_failed(&anyhow::anyhow!("this build has no development issuer"))
}
