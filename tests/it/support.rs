//! What the tests share.
#![expect(dead_code, reason = "a kit: some of it waits for the tests that need it")]

pub(crate) mod collector;
pub(crate) mod http;
pub(crate) mod idp;
pub(crate) mod inprocess;
pub(crate) mod load;
pub(crate) mod operations;
pub(crate) mod peer;
pub(crate) mod ports;
pub(crate) mod process;
// One kit for both kinds of tests.
#[path = "../../src/store/testing/redis.rs"]
pub(crate) mod redis;
pub(crate) mod service;
pub(crate) mod tokens;
pub(crate) mod wait;
