//! Callers that give up.

use std::time::Duration;

use tokio::time::timeout;

use super::scene::{LATER, with_both};
use crate::revocation::random::Random;

/// So many moments.
const ROUNDS: u64 = 8;
/// A refresh takes less than this, and the moments are drawn from it, in milliseconds.
const LONGEST: u64 = 150;

#[tokio::test]
pub(super) async fn f3_callers_that_give_up() {
    with_both("callers give up, whenever", LATER, async |scene| {
        let mut random = Random::seeded(3);
        for _round in 0..ROUNDS {
            let patience = Duration::from_millis(random.below(LONGEST));
            let call = scene.call().await;
            drop(timeout(patience, call.came()).await);
            scene.check().await;
        }
    })
    .await;
}
