//! `countersign check`: is this configuration good, and what does it say with every default written out?

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::exit;
use crate::config::{Config, Environment};

/// What `check` needs to know.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration (docs/configuration.md).
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Does what the command line says.
pub fn execute(args: &Args) -> ExitCode {
    run(&args.config, &Environment::of_process(), &mut io::stdout(), &mut io::stderr())
}

/// Prints the effective configuration to `out`, and every problem and warning to `err`.
pub fn run(path: &Path, env: &Environment, out: &mut dyn Write, err: &mut dyn Write) -> ExitCode {
    // Nobody is left to tell when printing fails: a closed pipe, a full disk.
    print(path, env, out, err).unwrap_or(ExitCode::FAILURE)
}

fn print(path: &Path, env: &Environment, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<ExitCode> {
    match Config::load(path, env) {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                writeln!(err, "warning: {warning}")?;
            }
            out.write_all(loaded.effective.as_bytes())?;
            out.flush()?;
            Ok(ExitCode::SUCCESS)
        }
        Err(problems) => {
            writeln!(err, "{problems}")?;
            Ok(ExitCode::from(exit::CONFIGURATION))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, env: &Environment) -> (ExitCode, String, String) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = run(&path, env, &mut out, &mut err);
        (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn a_good_configuration_is_printed_with_its_defaults() {
        let (code, out, err) = check("examples/scalekit.yaml", &Environment::default());
        assert_eq!((code, err.as_str()), (ExitCode::SUCCESS, ""));
        assert!(out.contains("    max_token_lifetime: 24h\n"), "{out}");
    }

    #[test]
    fn problems_go_to_stderr_and_the_exit_code_says_configuration() {
        let env = Environment::from_iter([("COUNTERSIGN__CACHE__MAX_AGE", "5")]);
        let (code, out, err) = check("examples/scalekit.yaml", &env);
        assert_eq!((code, out.as_str()), (ExitCode::from(78), ""));
        assert!(err.starts_with("COUNTERSIGN__CACHE__MAX_AGE: cache.max_age: "), "{err}");
        let (code, _, err) = check("examples/missing.yaml", &Environment::default());
        assert_eq!(code, ExitCode::from(78));
        assert!(err.contains("missing.yaml: cannot be read: "), "{err}");
    }

    #[test]
    fn warnings_do_not_fail_a_check() {
        let env = Environment::from_iter([
            ("COUNTERSIGN__LISTEN", "0.0.0.0:50051"),
            ("COUNTERSIGN__INSECURE_ALLOW_ANY_CALLER", "true"),
        ]);
        let (code, _, err) = check("examples/scalekit.yaml", &env);
        assert_eq!(code, ExitCode::SUCCESS);
        assert!(err.starts_with("warning: COUNTERSIGN__INSECURE_ALLOW_ANY_CALLER: "), "{err}");
    }
}
