//! Orders that the store did not take: refused here all the same, and tried again until they are stored (R9).

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use crate::{ops::metrics::RevokeMetrics, store::Order};

/// The pause before the first repetition; each further one is twice as long...
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// ...up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How many are tried at once: a store commits as one what comes together.
const BATCH: usize = 256;

/// An order by a number that is its own, since two can be alike.
pub(super) type Numbered = (u64, Order);

/// The orders, the oldest first.
#[derive(Debug)]
pub(super) struct Pending {
    queue: Mutex<Queue>,
    came: Notify,
    metrics: RevokeMetrics,
}

#[derive(Debug, Default)]
struct Queue {
    orders: VecDeque<Numbered>,
    numbered: u64,
}

impl Pending {
    pub(super) fn new(metrics: RevokeMetrics) -> Self {
        Self { queue: Mutex::default(), came: Notify::new(), metrics }
    }

    /// Keeps an order. Whether it is the first one.
    pub(super) fn keep(&self, order: Order) -> bool {
        let first = self.change(|queue| {
            queue.numbered += 1;
            queue.orders.push_back((queue.numbered, order));
            queue.orders.len() == 1
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
        self.change(|queue| queue.orders.iter().take(BATCH).cloned().collect())
    }

    /// Lets go of the stored ones of a batch, and puts the others behind all that wait: one that can never be stored must not
    /// hold up those that can. Whether none is left.
    pub(super) fn stored(&self, batch: &[Numbered], stored: &HashSet<u64>) -> bool {
        self.change(|queue| {
            // Nobody else takes from the front.
            for _ in 0..batch.len() {
                let Some(order) = queue.orders.pop_front() else { break };
                if !stored.contains(&order.0) {
                    queue.orders.push_back(order);
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

/// How long to wait before each repetition.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Backoff {
    pub(super) fn new() -> Self {
        Self(FIRST_PAUSE)
    }

    /// The next pause.
    pub(super) fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(LONGEST_PAUSE);
        pause
    }
}
