//! Whether this replica should get traffic: named guards that start-up has to drop.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio::sync::watch;

/// What start-up still waits for. Ready once every guard is done; after that only a drain makes the process unready, so
/// that an outage of the identity provider or the store cannot take every replica away at once.
#[derive(Clone, Debug)]
pub struct Readiness {
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    pending: BTreeMap<u64, String>,
    degraded: BTreeSet<String>,
    was_ready: bool,
    draining: bool,
}

impl State {
    fn is_ready(&self) -> bool {
        self.was_ready && !self.draining
    }
}

/// What `/readyz` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadyState {
    /// Send traffic, though these things are not as they should be.
    Ready(Vec<String>),
    /// Start-up waits for these, in the order of their registration.
    Starting(Vec<String>),
    /// Shutting down.
    Draining,
}

impl Default for Readiness {
    fn default() -> Self {
        Self { state: Arc::new(watch::Sender::new(State::default())) }
    }
}

impl Readiness {
    /// One more thing to wait for. Everything has to be registered before the first guard is dropped: the process
    /// becomes ready, for good, when none is left.
    pub fn register(&self, name: impl Into<String>) -> Guard {
        let mut id = 0;
        self.state.send_modify(|state| {
            id = state.next;
            state.next = state.next.saturating_add(1);
            state.pending.insert(id, name.into());
        });
        Guard { state: Arc::clone(&self.state), id }
    }

    /// What does not work now, or works again. It makes nobody unready, only shows in detail.
    pub fn degraded(&self, what: impl Into<String>, is_degraded: bool) {
        self.state.send_if_modified(|state| {
            let what = what.into();
            if is_degraded {
                state.degraded.insert(what);
            } else {
                state.degraded.remove(&what);
            }
            // Nobody waits for this.
            false
        });
    }

    /// Shutting down: unready from now on.
    pub fn drain(&self) {
        self.state.send_modify(|state| state.draining = true);
    }

    /// Whether this replica should get traffic now.
    pub fn is_ready(&self) -> bool {
        self.state.borrow().is_ready()
    }

    /// Now.
    pub fn state(&self) -> ReadyState {
        let state = self.state.borrow();
        if state.draining {
            ReadyState::Draining
        } else if state.was_ready {
            ReadyState::Ready(state.degraded.iter().cloned().collect())
        } else {
            ReadyState::Starting(state.pending.values().cloned().collect())
        }
    }

    /// Returns once ready; never, if the process drains before.
    pub async fn ready(&self) {
        // An error means that the sender is gone, and `self` holds it.
        drop(self.state.subscribe().wait_for(State::is_ready).await);
    }
}

/// One thing that start-up waits for, until this is dropped.
#[derive(Debug)]
#[must_use = "dropping it says that the thing is done"]
pub struct Guard {
    state: Arc<watch::Sender<State>>,
    id: u64,
}

impl Guard {
    /// The same as dropping it, for guards that several tasks share.
    pub fn done(&self) {
        self.state.send_if_modified(|state| {
            let waited = state.pending.remove(&self.id).is_some();
            let ready = waited && state.pending.is_empty();
            state.was_ready |= ready;
            ready
        });
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // A task that panics has not done what it was waited for.
        if !std::thread::panicking() {
            self.done();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_when_the_last_guard_is_dropped_and_pending_ones_are_named() {
        let readiness = Readiness::default();
        assert_eq!(readiness.state(), ReadyState::Starting(vec![]), "nothing registered is not ready");
        let (first, second) = (readiness.register("z: first"), readiness.register("a: second"));
        assert_eq!(readiness.state(), ReadyState::Starting(vec!["z: first".into(), "a: second".into()]));
        drop(first);
        assert_eq!(readiness.state(), ReadyState::Starting(vec!["a: second".into()]));
        second.done();
        assert_eq!(readiness.state(), ReadyState::Ready(vec![]));
    }

    #[test]
    fn once_ready_only_a_drain_makes_it_unready() {
        let readiness = Readiness::default();
        drop(readiness.register("listeners"));
        let late = readiness.register("something that came later");
        assert_eq!(readiness.state(), ReadyState::Ready(vec![]));
        readiness.drain();
        drop(late);
        assert_eq!(readiness.state(), ReadyState::Draining);
    }

    #[test]
    fn a_task_that_panics_is_not_done() {
        let readiness = Readiness::default();
        let guard = readiness.register("keys");
        let panicked = std::thread::spawn(move || {
            let _guard = guard;
            panic!("on purpose");
        });
        assert!(panicked.join().is_err());
        assert_eq!(readiness.state(), ReadyState::Starting(vec!["keys".into()]));
    }

    #[tokio::test]
    async fn ready_waits_for_the_last_guard() {
        let readiness = Readiness::default();
        let guard = readiness.register("keys");
        let waiting = readiness.clone();
        let ((), ()) = tokio::join!(waiting.ready(), async { drop(guard) });
        assert_eq!(readiness.state(), ReadyState::Ready(vec![]));
    }
}
