//! The contract of every store, on one server: a test for each rule.

use super::{super::super::testing::contract::check_contract, Place};

check_contract!(Place::new().await);
