//! The commands.

pub mod check;
pub mod dev;
pub mod doctor;
pub mod exit;
mod fault;
pub mod healthcheck;
pub mod keygen;
pub mod refresh;
mod remote;
pub mod revoke;
pub mod schema;
pub mod serve;
pub mod store;
pub mod validate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Token validation for backends in any language and for Envoy, over gRPC.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, after_help = exit::HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve validation as the configuration says, until SIGTERM or SIGINT; a second signal ends it at once.
    Serve(serve::Args),
    /// Serve on this machine with an identity provider of its own: nothing to configure, nothing to trust.
    Dev(dev::Args),
    /// Read a configuration, report everything that is wrong with it, and print what it means with every default.
    Check(check::Args),
    /// Ask each identity provider whether it is, now, what the configuration takes it for: discovery, keys, algorithms,
    /// clocks, clients. Says what is wrong and what to change; changes nothing.
    Doctor(doctor::Args),
    /// Ask a running service about one token.
    Validate(validate::Args),
    /// Have a running service exchange a refresh token, or refresh a session whose tokens it holds, once for all who ask. What is printed are the new tokens.
    Refresh(refresh::Args),
    /// Tell a running service to refuse a token, a session, a user, a client or all of an issuer from now on.
    Revoke(revoke::Args),
    /// Ask a running service whether it serves, for images without a shell.
    Healthcheck(healthcheck::Args),
    /// Make a key ring, or rotate one.
    Keygen(keygen::Args),
    /// Back up a store, or bring one back.
    Store(store::Args),
    /// Print the configuration's JSON Schema, with which editors complete and check it, and Helm its values.
    Schema(schema::Args),
}

impl Cli {
    /// Runs the command.
    pub async fn run(self) -> ExitCode {
        match self.command {
            Command::Serve(args) => serve::run(args).await,
            Command::Dev(args) => dev::run(args).await,
            Command::Check(args) => check::execute(&args),
            Command::Doctor(args) => doctor::run(args).await,
            Command::Validate(args) => validate::run(args).await,
            Command::Refresh(args) => refresh::run(args).await,
            Command::Revoke(args) => revoke::run(args).await,
            Command::Healthcheck(args) => healthcheck::run(args).await,
            Command::Keygen(args) => keygen::execute(&args),
            Command::Store(args) => store::execute(&args).await,
            Command::Schema(args) => schema::execute(&args),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
