//! The code that build.rs generates from `proto/`: the one place with an exemption from the lints.

mod written;

pub use written::WrittenBatch;

/// As clients see the API.
#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    clippy::nursery,
    missing_docs,
    missing_debug_implementations,
    unused_qualifications,
    unreachable_pub,
    reason = "generated"
)]
pub mod client {
    include!(concat!(env!("OUT_DIR"), "/client/countersign.v1.rs"));
}

/// As the server sees the API: the same messages on the wire, but `ValidateRequest.token` is bytes that may not be UTF-8,
/// `ValidateResponse.token` a `TokenInfo` that was encoded before, and `BatchValidateResponse` written whole (build.rs says how).
#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    clippy::nursery,
    missing_docs,
    missing_debug_implementations,
    unused_qualifications,
    unreachable_pub,
    reason = "generated"
)]
pub mod server {
    include!(concat!(env!("OUT_DIR"), "/server/countersign.v1.rs"));
}

/// Everything in `proto/countersign/v1`, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
