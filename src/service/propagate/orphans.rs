//! Deliveries in a store that replicas share. Each is one replica's, which moves `due_at` on for as long as it lives; one that
//! has been due for a minute is nobody's, and whoever finds it may take it over.
//!
//! To take one over is to write a time into it that nobody else writes, and to look a moment later whether it is still there: of
//! replicas that find one together, the last has it. Should two write the same all the same, a provider is told twice.
//!
//! While the store is away, nobody can move anything on. So after that nothing is taken over before whoever lives must have
//! heard from the store again.

use std::{collections::HashMap, future::ready, sync::Arc, time::Duration};

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
/// So long after the store was away everybody who lives has moved its own on: nobody asks for it less often than that.
const COMEBACK: Duration = SEARCH.saturating_add(CLAIM);
/// Between the claim and the look whether it counts: longer than a write takes.
const CLAIM: Duration = Duration::from_secs(2);
/// Writes at once.
const AT_ONCE: usize = 32;

/// What a search found.
pub(super) struct Found {
    /// These are this replica's from now on.
    pub(super) deliveries: Vec<Delivery>,
    /// The store was away, so that nothing was taken over.
    pub(super) store_was_away: bool,
}

/// Finds what nobody delivers.
#[derive(Clone)]
pub(super) struct Orphans {
    pub(super) notes: Notes,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) draws: Arc<Draws>,
}

impl Orphans {
    /// Searches after a pause.
    pub(super) async fn later(self, store_was_away: bool) -> Found {
        let pause = if store_was_away { COMEBACK } else { SEARCH.mul_f64(1.0 - self.draws.jitter().0 / 2.0) };
        sleep(pause).await;
        self.now().await
    }

    /// Searches at once.
    pub(super) async fn now(self) -> Found {
        let (all, store_was_away) = self.notes.all_soon(SEARCH).await;
        let deliveries = if store_was_away { Vec::new() } else { self.take_over(all).await };
        Found { deliveries, store_was_away }
    }

    async fn take_over(self, all: Vec<Delivery>) -> Vec<Delivery> {
        let wall = self.clock.now();
        let is_orphan = |delivery: &Delivery| delivery.due_at.plus(ABANDONED) < wall;
        let mut found: Vec<_> = all.into_iter().filter(is_orphan).collect();
        if found.is_empty() {
            return found;
        }
        for delivery in &mut found {
            delivery.due_at = wall.plus(CLAIM.mul_f64(self.draws.jitter().0));
        }
        drop(self.notes.postpone_all(found.clone()).await);
        sleep(CLAIM).await;
        let kept: HashMap<Id, UnixTime> =
            self.notes.all().await.into_iter().map(|delivery| (delivery.id, delivery.due_at)).collect();
        found.retain(|delivery| kept.get(&delivery.id) == Some(&delivery.due_at));
        found
    }
}

impl Notes {
    /// Says when each of these will be tried, or that somebody is still there to try them. Returns those of which the store took no
    /// note.
    pub(super) async fn postpone_all(&self, deliveries: Vec<Delivery>) -> Vec<Id> {
        let noted = stream::iter(deliveries).map(|delivery| async {
            let id = delivery.id;
            (!self.postpone(delivery).await).then_some(id)
        });
        noted.buffer_unordered(AT_ONCE).filter_map(ready).collect().await
    }
}
