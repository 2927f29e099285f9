//! What the store is asked to remember of deliveries. Whoever tells a provider does not wait for it, and where it fails, the worst
//! is that something is told twice.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
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
        self.insist(|store| store.deliveries()).await
    }

    /// Forgets one.
    pub(super) async fn settle(&self, id: Id) {
        self.insist(|store| store.settle(id)).await;
    }

    /// When to try one again. Once is enough: the worst is that it is tried sooner.
    pub(super) async fn postpone(&self, delivery: Delivery) {
        let asked = self.store.postpone(delivery).await;
        self.note(&asked);
    }

    async fn insist<T>(&self, ask: impl for<'s> Fn(&'s dyn Store) -> Answer<'s, T>) -> T {
        let mut attempts = 0;
        loop {
            let answer = ask(&*self.store).await;
            self.note(&answer);
            if let Ok(answer) = answer {
                return answer;
            }
            attempts += 1;
            tokio::time::sleep(pause::backoff(attempts, self.draws.jitter())).await;
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
