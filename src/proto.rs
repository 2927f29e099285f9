//! The code that build.rs generates from `proto/`: the one place with an exemption from the lints.

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

/// As the server writes the API: the same messages on the wire, but `ValidateResponse.token` is a `TokenInfo` that was
/// encoded before (build.rs says how).
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
