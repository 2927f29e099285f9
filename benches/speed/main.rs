//! `make bench`: the speed budget as ratios within one run.
//!
//! Server processes are measured from outside, in CPU time that the operating system accounts to them, because a noisy
//! machine moves that least. What is compared runs in turn (A, B, A, B, ...), and medians are reported. The other side of
//! the comparison is a no-op tonic server: same messages, same bytes in and out, same server settings, nothing done.
#![allow(
    missing_docs,
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a measuring program, not the service: it may stop at the first surprise, and it reads clocks"
)]

mod check;
mod envoy;
mod latency;
mod load;
mod machine;
mod noop;
mod process;
mod refresh;
mod replicas;
mod report;
mod revocations;
mod rounds;
mod scenes;
mod tokens;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    rustls::crypto::aws_lc_rs::default_provider().install_default().expect("the first and only provider");
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("noop-server") => {
            let key = arguments.get(4).map(|algorithm| (algorithm.as_str(), arguments[5].as_str()));
            noop::serve(&arguments[2], &arguments[3], key);
        }
        Some("noop-check") => check::noop::serve(&arguments[2], &arguments[3], &arguments[4]),
        Some("noop-threads") => noop::serve_in_threads(&arguments[2], &arguments[3]),
        // `cargo test --benches` runs bench programs without `--bench`; measuring is not testing.
        _ if !arguments.iter().any(|argument| argument == "--bench") => {}
        _ => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            let scenes: Vec<String> =
                arguments.iter().skip(1).filter(|argument| !argument.starts_with('-')).cloned().collect();
            runtime.block_on(scenes::run(&scenes));
        }
    }
}
