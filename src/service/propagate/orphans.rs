//! Deliveries in a store that replicas share. Each is one replica's, which moves `due_at` on for as long as it lives; one that
//! has been due for a minute is nobody's, and whoever finds it may take it over.
//!
//! To take one over is to write a time into it that nobody else writes, and to look a moment later whether it is still there: of
//! replicas that find one together, the last has it. Should two write the same all the same, a provider is told twice.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::time::sleep;

use super::{Id, notes::Notes};
use crate::service::draws::Draws;
use crate::{
    domain::time::{Clock, UnixTime},
    store::Delivery,
};

/// So long after it was due, a delivery is nobody's.
const ABANDONED: Duration = Duration::from_mins(1);
/// The longest between two searches. Whoever lives has moved its own on before they count as abandoned.
const SEARCH: Duration = Duration::from_secs(30);
/// Between the claim and the look whether it counts: longer than a write takes.
const CLAIM: Duration = Duration::from_secs(2);
/// Writes at once.
const AT_ONCE: usize = 32;

/// Finds what nobody delivers.
#[derive(Clone)]
pub(super) struct Orphans {
    pub(super) notes: Notes,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) draws: Arc<Draws>,
}

impl Orphans {
    /// Those that are this replica's from now on, after a pause.
    pub(super) async fn later(self) -> Vec<Delivery> {
        sleep(SEARCH.mul_f64(1.0 - self.draws.jitter().0 / 2.0)).await;
        self.now().await
    }

    /// The same at once.
    pub(super) async fn now(self) -> Vec<Delivery> {
        let wall = self.clock.now();
        let is_orphan = |delivery: &Delivery| delivery.due_at.plus(ABANDONED) < wall;
        let mut found: Vec<_> = self.notes.all().await.into_iter().filter(is_orphan).collect();
        if found.is_empty() {
            return found;
        }
        for delivery in &mut found {
            delivery.due_at = wall.plus(CLAIM.mul_f64(self.draws.jitter().0));
        }
        self.notes.postpone_all(found.clone()).await;
        sleep(CLAIM).await;
        let kept: HashMap<Id, UnixTime> =
            self.notes.all().await.into_iter().map(|delivery| (delivery.id, delivery.due_at)).collect();
        found.retain(|delivery| kept.get(&delivery.id) == Some(&delivery.due_at));
        found
    }
}

impl Notes {
    /// Says when each of these will be tried, or that somebody is still there to try them.
    pub(super) async fn postpone_all(&self, deliveries: Vec<Delivery>) {
        stream::iter(deliveries).for_each_concurrent(AT_ONCE, |delivery| self.postpone(delivery)).await;
    }
}
