//! Orders that the store did not take: refused here all the same, and tried again until they are stored (R9).
//!
//! Those about the same are one order, merged as the store would merge them (R11): whoever repeats what could not be stored, as the
//! answer tells him to, must not fill the memory of a replica whose store is away.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use crate::{
    domain::revocation::Target,
    ops::{backoff::Backoff, metrics::RevokeMetrics},
    store::{Ending, Order},
};

/// The pause before the first repetition; each further one is twice as long...
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// ...up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How many are tried at once: a store commits as one what comes together.
const BATCH: usize = 256;

/// What is told of one order. Further ones are about the same: the latest takes the place of the one before it.
const MOST_DELIVERIES: usize = 16;

/// An order by a number that is its own. One that has changed has another.
pub(super) type Numbered = (u64, Order);

/// What an order is about: its targets, and whose sessions end, but for which one.
type About = (Vec<Target>, Option<(Target, Option<Target>)>);

/// The orders, each about something else.
#[derive(Debug)]
pub(super) struct Pending {
    queue: Mutex<Queue>,
    came: Notify,
    metrics: RevokeMetrics,
}

#[derive(Debug, Default)]
struct Queue {
    /// The oldest first.
    orders: BTreeMap<u64, Order>,
    /// Which is about what.
    numbers: HashMap<About, u64>,
    numbered: u64,
}

impl Pending {
    pub(super) fn new(metrics: RevokeMetrics) -> Self {
        Self { queue: Mutex::default(), came: Notify::new(), metrics }
    }

    /// Keeps an order. Whether it is the first one.
    pub(super) fn keep(&self, order: Order) -> bool {
        let first = self.change(|queue| {
            let first = queue.orders.is_empty();
            queue.put(order);
            first
        });
        self.came.notify_one();
        first
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.change(|queue| queue.orders.len())
    }

    /// The oldest, as many as are tried at once. They stay until they are `stored`.
    pub(super) fn oldest(&self) -> Vec<Numbered> {
        self.change(|queue| {
            queue.orders.iter().take(BATCH).map(|(number, order)| (*number, order.clone())).collect()
        })
    }

    /// Lets go of the stored ones of a batch, and puts the others behind all that wait: one that can never be stored must not
    /// hold up those that can. One that more has come to since has another number, and stays. Whether none is left.
    pub(super) fn stored(&self, batch: &[Numbered], stored: &HashSet<u64>) -> bool {
        self.change(|queue| {
            for (number, _) in batch {
                let Some(order) = queue.take(*number) else { continue };
                if !stored.contains(number) {
                    queue.put(order);
                }
            }
            queue.orders.is_empty()
        })
    }

    /// Returns once there is something.
    pub(super) async fn wait(&self) {
        while self.len() == 0 {
            self.came.notified().await;
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Queue) -> T) -> T {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut queue);
        self.metrics.unstored(queue.orders.len());
        result
    }
}

impl Queue {
    /// Behind all others, together with the one that is about the same.
    fn put(&mut self, order: Order) {
        let about = about(&order);
        let known = self.numbers.get(&about).copied().and_then(|number| self.take(number));
        let order = match known {
            Some(known) => merged(known, order),
            None => order,
        };
        self.numbered += 1;
        self.numbers.insert(about, self.numbered);
        self.orders.insert(self.numbered, order);
    }

    fn take(&mut self, number: u64) -> Option<Order> {
        let order = self.orders.remove(&number)?;
        self.numbers.remove(&about(&order));
        Some(order)
    }
}

fn about(order: &Order) -> About {
    let mut targets: Vec<_> = order.revocations.iter().map(|revocation| revocation.target).collect();
    targets.sort_unstable();
    targets.dedup();
    (targets, order.ending.as_ref().map(|ending| (ending.of, ending.except)))
}

/// As if both had been stored, one after the other.
fn merged(earlier: Order, later: Order) -> Order {
    let Order { mut revocations, ending, mut deliveries } = earlier;
    for revocation in later.revocations {
        match revocations.iter_mut().find(|known| known.target == revocation.target) {
            Some(known) => *known = known.merge(revocation),
            None => revocations.push(revocation),
        }
    }
    for delivery in later.deliveries {
        if deliveries.len() >= MOST_DELIVERIES {
            deliveries.pop();
        }
        deliveries.push(delivery);
    }
    let ending = match (ending, later.ending) {
        (Some(earlier), Some(later)) => Some(Ending {
            begun_up_to: earlier.begun_up_to.max(later.begun_up_to),
            // No session ends before it began.
            at: earlier.at.max(later.at),
            until: earlier.until.max(later.until),
            kept_until: earlier.kept_until.max(later.kept_until),
            ..earlier
        }),
        (one, another) => one.or(another),
    };
    Order { revocations, ending, deliveries }
}

/// How long to wait before each repetition.
pub(super) fn backoff() -> Backoff {
    Backoff::new(FIRST_PAUSE, LONGEST_PAUSE)
}

#[cfg(test)]
mod tests;
