//! Exit codes. They are API: scripts and service managers branch on them.

use std::{io::Write as _, process::ExitCode};

use crate::{app::Exit, config::Problems};

/// For `--help`.
pub const HELP: &str = "\
Exit codes:
   0  valid (validate); refreshed (refresh); revoked (revoke); ended with every call answered (serve, dev); healthy, perhaps with warnings (doctor);
      it serves (healthcheck)
   1  the token is refused (validate, refresh); nothing is revoked (revoke); calls were cut at the end (serve, dev); the key ring was not made (keygen);
      nothing was exported or imported (store); the schema was not printed (schema); something is wrong (doctor);
      it does not serve, or could not be asked (healthcheck)
   2  the command line is wrong
   3  nobody can tell: the service could not be asked, or had no answer (validate, refresh, revoke); a provider could not be asked,
      and nothing else is wrong (doctor)
  69  the process could not start: an address is taken, a file cannot be opened
  78  the configuration is wrong (serve, check, doctor, store)";

/// The token is good.
pub const VALID: u8 = 0;
/// The token is refused.
pub const REFUSED: u8 = 1;
/// The command line is wrong; clap uses the same.
pub const USAGE: u8 = 2;
/// There are new tokens.
pub const REFRESHED: u8 = 0;
/// It is revoked, durably.
pub const REVOKED: u8 = 0;
/// Nothing was revoked, and asking again in the same way changes nothing.
pub const NOT_REVOKED: u8 = 1;
/// Neither good nor refused.
pub const CANNOT_TELL: u8 = 3;
/// Nothing is wrong with any issuer (`doctor`); it serves (`healthcheck`).
pub const HEALTHY: u8 = 0;
/// Something is wrong with an issuer.
pub const UNHEALTHY: u8 = 1;
const CUT: u8 = 1;
const UNAVAILABLE: u8 = 69;
/// The configuration is wrong (`EX_CONFIG` of sysexits.h).
pub const CONFIGURATION: u8 = 78;

/// How `serve` ended.
pub fn of(exit: Exit) -> ExitCode {
    match exit {
        Exit::Clean => ExitCode::SUCCESS,
        Exit::Cut(_) => ExitCode::from(CUT),
    }
}

/// The configuration cannot be used: a line for each problem.
pub fn misconfigured(problems: &Problems) -> ExitCode {
    drop(writeln!(std::io::stderr(), "{problems}"));
    ExitCode::from(CONFIGURATION)
}

/// The process could not start.
pub fn start_failed(problem: &anyhow::Error) -> ExitCode {
    say(problem);
    ExitCode::from(UNAVAILABLE)
}

/// Something else went wrong: a file could not be written.
pub fn failed(problem: &anyhow::Error) -> ExitCode {
    say(problem);
    ExitCode::FAILURE
}

/// The command line makes no sense in a way that clap cannot see.
pub fn misused(problem: &anyhow::Error) -> ExitCode {
    say(problem);
    ExitCode::from(USAGE)
}

/// One line, with every cause behind it. There may be no log yet, and a closed standard error is no reason to fail.
fn say(problem: &anyhow::Error) {
    drop(writeln!(std::io::stderr(), "countersign: {problem:#}"));
}
