//! What the store is asked to remember of deliveries. Whoever tells a provider does not wait for it, and where it fails, the worst
//! is that something is told twice.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{Id, pause};
use crate::service::draws::Draws;
use crate::store::{Answer, Delivery, Store, StoreError};

/// Asks again until the store has done it. Clones are one.
#[derive(Clone, Debug)]
pub(super) struct Notes {
    store: Arc<dyn Store>,
    draws: Arc<Draws>,
    failing: Arc<AtomicBool>,
}

impl Notes {
    pub(super) fn new(store: Arc<dyn Store>, draws: Arc<Draws>) -> Self {
        Self { store, draws, failing: Arc::default() }
    }

    /// What is still to be delivered.
    pub(super) async fn all(&self) -> Vec<Delivery> {
        self.insist(pause::longest(), |store| store.deliveries()).await.0
    }

    /// The same, asked for again after so long at most, and whether the store was away in between.
    pub(super) async fn all_soon(&self, longest_pause: Duration) -> (Vec<Delivery>, bool) {
        self.insist(longest_pause, |store| store.deliveries()).await
    }

    /// Forgets one.
    pub(super) async fn settle(&self, id: Id) {
        self.insist(pause::longest(), |store| store.settle(id)).await;
    }

    /// When to try one again; whether the store took note. It is asked once: the worst is that it is tried sooner.
    pub(super) async fn postpone(&self, delivery: Delivery) -> bool {
        let asked = self.store.postpone(delivery).await;
        self.note(&asked);
        asked.is_ok()
    }

    async fn insist<T>(
        &self,
        longest_pause: Duration,
        ask: impl for<'s> Fn(&'s dyn Store) -> Answer<'s, T>,
    ) -> (T, bool) {
        let mut attempts = 0;
        loop {
            let answer = ask(&*self.store).await;
            self.note(&answer);
            if let Ok(answer) = answer {
                return (answer, attempts > 0);
            }
            attempts += 1;
            tokio::time::sleep(pause::backoff(attempts, self.draws.jitter()).min(longest_pause)).await;
        }
    }

    fn note<T>(&self, answer: &Result<T, StoreError>) {
        match answer {
            Ok(_) if self.failing.swap(false, Ordering::Relaxed) => {
                tracing::info!("the store takes notes again of what identity providers are told");
            }
            Err(error) if !self.failing.swap(true, Ordering::Relaxed) => {
                tracing::warn!(
                    error.message = %error,
                    "the store takes no notes of what identity providers are told; they may be told twice"
                );
            }
            Ok(_) | Err(_) => {}
        }
    }
}
