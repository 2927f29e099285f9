//! How much an issuer is asked: so many questions at once, so many in a time, and none while it asks to be left alone.
//! Anybody can make up tokens, and each is a question.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

use super::IntrospectionSettings;
use crate::domain::{
    limit::{Limit, TooOften},
    time::UnixTime,
};

/// However long an issuer asks to be left alone, it is asked again after this.
const LONGEST_REST: Duration = Duration::from_mins(1);
/// When to come again where all places are taken.
const PLACE_AGAIN: Duration = Duration::from_secs(1);

/// What bounds the questions to one issuer.
#[derive(Debug)]
pub(super) struct Caps {
    places: Semaphore,
    limit: Limit,
    started: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// See [`Limit::take`]; counted from `started`, so that no change of the wall clock matters.
    taken_until: UnixTime,
    rests_until: Instant,
}

/// It is not to be asked before then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotNow(pub(super) Duration);

impl Caps {
    pub(super) fn new(settings: &IntrospectionSettings) -> Self {
        let started = Instant::now();
        let state = State { taken_until: UnixTime::from_millis(0), rests_until: started };
        Self {
            places: Semaphore::new(settings.max_concurrent),
            limit: settings.limit,
            started,
            state: Mutex::new(state),
        }
    }

    /// Room for one question, for as long as it is open.
    pub(super) fn admit(&self) -> Result<SemaphorePermit<'_>, NotNow> {
        let place = self.places.try_acquire().map_err(|_taken| NotNow(PLACE_AGAIN))?;
        let now = Instant::now();
        let mut state = self.state();
        let rest = state.rests_until.saturating_duration_since(now);
        if !rest.is_zero() {
            return Err(NotNow(rest));
        }
        let since = i64::try_from(now.duration_since(self.started).as_millis()).unwrap_or(i64::MAX);
        let taken = self.limit.take(state.taken_until, UnixTime::from_millis(since));
        state.taken_until = taken.map_err(|TooOften { retry_after }| NotNow(retry_after))?;
        drop(state);
        Ok(place)
    }

    /// It asks to be left alone for so long.
    pub(super) fn rest(&self, rest: Duration) {
        let until = Instant::now() + rest.min(LONGEST_REST);
        let mut state = self.state();
        state.rests_until = state.rests_until.max(until);
    }

    /// Never held across an await.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::secret::Secret,
        issuer::client::{ClientAuthentication, OAuthClient},
    };

    fn caps(max_concurrent: usize, burst: u32) -> Caps {
        Caps::new(&IntrospectionSettings {
            prefixes: vec![],
            cache: Duration::from_secs(30),
            client: OAuthClient {
                id: "us".to_owned(),
                authentication: ClientAuthentication::SecretPost(Secret::new(b"x".to_vec())),
            },
            max_concurrent,
            limit: Limit { burst, per: Duration::from_secs(1) },
        })
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_at_once_and_a_place_comes_free_with_its_question() {
        let caps = caps(2, 100);
        let (one, _other) = (caps.admit().unwrap(), caps.admit().unwrap());
        assert_eq!(caps.admit().map(|_| ()), Err(NotNow(PLACE_AGAIN)));
        drop(one);
        assert!(caps.admit().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_in_a_second_and_what_is_not_admitted_takes_no_place() {
        let caps = caps(1, 2);
        drop((caps.admit().unwrap(), ()));
        drop(caps.admit().unwrap());
        for _ in 0..3 {
            assert_eq!(caps.admit().map(|_| ()), Err(NotNow(Duration::from_millis(500))));
        }
        tokio::time::advance(Duration::from_millis(500)).await;
        drop(caps.admit().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_is_kept_and_no_longer_than_a_minute() {
        let caps = caps(9, 9);
        caps.rest(Duration::from_secs(7));
        caps.rest(Duration::from_secs(3));
        assert_eq!(caps.admit().map(|_| ()), Err(NotNow(Duration::from_secs(7))));
        tokio::time::advance(Duration::from_secs(7)).await;
        assert!(caps.admit().is_ok());
        caps.rest(Duration::from_hours(7));
        tokio::time::advance(Duration::from_mins(1)).await;
        assert!(caps.admit().is_ok());
    }
}
