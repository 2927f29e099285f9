//! Who presents a token that is being exchanged here already waits for that (F1). The work is in a task of its own: callers
//! that give up cancel nothing (F3).

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt, future::Shared};
use tokio::sync::oneshot;

use super::outcome::{NotRefreshed, Trouble};
use crate::{domain::rotation::RefreshDigest, ops::drain::Tasks};

/// So many exchanges go on here at most. They outlive their callers, so that nothing else bounds them.
const AT_MOST: usize = 10_000;
/// When there may be room again.
const ROOM_AGAIN: Duration = Duration::from_secs(1);

/// What all who wait are told.
pub(super) type Outcome<T> = Result<T, NotRefreshed>;

type Waiting<T> = Shared<oneshot::Receiver<Outcome<T>>>;

/// The exchanges that are going on here.
#[derive(Debug)]
pub(super) struct Flights<T: Clone> {
    open: Arc<Mutex<HashMap<RefreshDigest, Waiting<T>>>>,
}

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    pub(super) fn new() -> Self {
        Self { open: Arc::default() }
    }

    /// What `work` comes to, which is begun only if nobody else has begun it for this token. Says, too, whether somebody had.
    pub(super) async fn join<W>(
        &self,
        token: RefreshDigest,
        tasks: &Tasks,
        work: impl FnOnce() -> W,
    ) -> (Outcome<T>, bool)
    where
        W: Future<Output = Outcome<T>> + Send + 'static,
    {
        let Some((waiting, joined)) = self.waiting(token, tasks, work) else {
            let full = Trouble::RateLimited { retry_after: ROOM_AGAIN, access_until: None };
            return (Err(full.into()), false);
        };
        (waiting.await.unwrap_or_else(|_panicked| Err(Trouble::Internal.into())), joined)
    }

    /// `None`: there is no room for another one.
    fn waiting<W>(
        &self,
        token: RefreshDigest,
        tasks: &Tasks,
        work: impl FnOnce() -> W,
    ) -> Option<(Waiting<T>, bool)>
    where
        W: Future<Output = Outcome<T>> + Send + 'static,
    {
        let mut open = lock(&self.open);
        if let Some(waiting) = open.get(&token) {
            return Some((waiting.clone(), true));
        }
        if open.len() >= AT_MOST {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        let waiting = receiver.shared();
        open.insert(token, waiting.clone());
        let landing = Landing { open: Arc::clone(&self.open), token };
        let work = work();
        drop(tasks.spawn(async move {
            let landing = landing;
            let outcome = work.await;
            // First it is gone from the list: whoever comes from now on finds what is stored.
            drop(landing);
            drop(sender.send(outcome));
        }));
        Some((waiting, false))
    }
}

/// Takes a flight off the list, however it ends.
struct Landing<T: Clone> {
    open: Arc<Mutex<HashMap<RefreshDigest, Waiting<T>>>>,
    token: RefreshDigest,
}

impl<T: Clone> Drop for Landing<T> {
    fn drop(&mut self) {
        lock(&self.open).remove(&self.token);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::future::join_all;

    use super::*;

    const TOKEN: RefreshDigest = RefreshDigest([7; 32]);

    #[tokio::test]
    async fn f1_a_thousand_callers_begin_one_exchange_and_all_hear_of_it() {
        let (flights, tasks, begun) = (Flights::new(), Tasks::default(), AtomicU32::new(0));
        let (open, opened) = oneshot::channel::<()>();
        let opened = opened.shared();
        let callers = (0..1000).map(|_caller| {
            let opened = opened.clone();
            flights.join(TOKEN, &tasks, || {
                begun.fetch_add(1, Ordering::Relaxed);
                async move {
                    opened.await.unwrap();
                    Ok(42)
                }
            })
        });
        let (outcomes, ()) = tokio::join!(join_all(callers), async { open.send(()).unwrap() });
        assert_eq!(begun.load(Ordering::Relaxed), 1);
        assert!(outcomes.iter().all(|(outcome, _)| *outcome == Ok(42)));
        assert_eq!(outcomes.iter().filter(|(_, joined)| !joined).count(), 1);
        let (after, joined) = flights.join(TOKEN, &tasks, || async { Ok(43) }).await;
        assert_eq!((after, joined), (Ok(43), false), "what has ended is not joined");
    }

    #[tokio::test]
    async fn f3_callers_that_give_up_cancel_nothing() {
        let (flights, tasks) = (Flights::new(), Tasks::default());
        let (open, opened) = oneshot::channel::<()>();
        let (done, was_done) = oneshot::channel();
        let caller = flights.join(TOKEN, &tasks, || async move {
            opened.await.unwrap();
            done.send(()).unwrap();
            Ok(1)
        });
        assert!(caller.now_or_never().is_none(), "it waits, and is dropped");
        open.send(()).unwrap();
        was_done.await.unwrap();
    }

    #[tokio::test]
    async fn there_is_room_for_so_many_and_who_joins_needs_none() {
        let (flights, tasks) = (Flights::<u8>::new(), Tasks::default());
        let token = |number: usize| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&number.to_be_bytes());
            RefreshDigest(digest)
        };
        for number in 0..AT_MOST {
            let waits = flights.join(token(number), &tasks, std::future::pending);
            assert!(waits.now_or_never().is_none());
        }
        let (refused, _) = flights.join(token(AT_MOST), &tasks, || async { Ok(1) }).await;
        assert!(matches!(refused, Err(NotRefreshed::Trouble(Trouble::RateLimited { .. }))), "{refused:?}");
        assert!(flights.join(token(0), &tasks, || async { Ok(1) }).now_or_never().is_none(), "it waits");
    }

    #[tokio::test]
    async fn a_panic_is_told_to_all_and_blocks_nobody_afterwards() {
        let (flights, tasks) = (Flights::<u8>::new(), Tasks::default());
        let (outcome, _) = flights.join(TOKEN, &tasks, || async { panic!("on purpose") }).await;
        assert_eq!(outcome, Err(Trouble::Internal.into()));
        assert_eq!(flights.join(TOKEN, &tasks, || async { Ok(1) }).await.0, Ok(1));
    }
}
