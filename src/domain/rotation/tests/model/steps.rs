//! What can happen.

use proptest::prelude::*;

use super::provider::Whim;
use crate::domain::rotation::Rotation;

#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    /// The client presents the newest refresh token that it was handed.
    Present { replica: usize },
    /// Somebody else presents one that was handed out once.
    Steal { replica: usize, which: usize },
    /// One of the errands under way takes its next step; those that take none are paused.
    Go { which: usize, mishap: Mishap },
    /// The provider processes a request that has arrived.
    Process { which: usize, whim: Whim },
    /// A replica dies, with all that it has in memory.
    Crash { replica: usize },
    /// Time passes.
    Tick { millis: i64 },
    /// The session is revoked; its family is told, or not yet.
    Revoke { is_told: bool },
}

/// What goes wrong in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mishap {
    None,
    /// The store cannot be reached.
    NoStore,
    /// It does what it is asked to, but cannot say so.
    StoreMute,
    /// The provider cannot be reached.
    NoProvider,
    /// The connection to the provider breaks before it processed the request.
    CutBefore,
    /// It breaks after that.
    CutAfter,
    /// The client has gone, and does not get its answer.
    ClientGone,
}

pub(super) fn act() -> impl Strategy<Value = Act> {
    let replica = 0..3_usize;
    let which = 0..8_usize;
    prop_oneof![
        6 => replica.clone().prop_map(|replica| Act::Present { replica }),
        1 => (replica.clone(), which.clone()).prop_map(|(replica, which)| Act::Steal { replica, which }),
        24 => (which.clone(), mishap()).prop_map(|(which, mishap)| Act::Go { which, mishap }),
        3 => (which, whim()).prop_map(|(which, whim)| Act::Process { which, whim }),
        1 => replica.prop_map(|replica| Act::Crash { replica }),
        6 => prop_oneof![Just(50), Just(1_000), Just(5_000), Just(9_000), Just(13_000), Just(31_000),
            Just(301_000), Just(601_000)].prop_map(|millis| Act::Tick { millis }),
        1 => proptest::option::weighted(0.1, any::<bool>()).prop_map(|told| told.map_or(
            Act::Tick { millis: 1 }, |is_told| Act::Revoke { is_told })),
    ]
}

fn mishap() -> impl Strategy<Value = Mishap> {
    prop_oneof![
        20 => Just(Mishap::None),
        1 => Just(Mishap::NoStore),
        1 => Just(Mishap::StoreMute),
        1 => Just(Mishap::NoProvider),
        1 => Just(Mishap::CutBefore),
        1 => Just(Mishap::CutAfter),
        1 => Just(Mishap::ClientGone),
    ]
}

fn whim() -> impl Strategy<Value = Whim> {
    prop_oneof![16 => Just(Whim::Usual), 2 => Just(Whim::KeepsToken), 1 => Just(Whim::OtherSubject)]
}

pub(super) fn rotation() -> impl Strategy<Value = Rotation> {
    prop_oneof![3 => Just(Rotation::Strict), 2 => Just(super::super::GRACEFUL), 1 => Just(Rotation::None)]
}
