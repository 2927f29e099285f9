//! `countersign`: see `countersign --help`.

use std::process::ExitCode;

use clap::Parser as _;
use countersign::cli::{Cli, exit};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // First of all: whoever speaks TLS later finds one provider, aws-lc. A second install is refused and changes nothing.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::start_failed(&anyhow::Error::new(error)),
    };
    let code = runtime.block_on(cli.run());
    // Whatever is still at work was given its time; its end is the process's end.
    runtime.shutdown_background();
    code
}
