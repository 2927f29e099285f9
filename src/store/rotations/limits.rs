//! What is limited, counted in memory: for a store that has one user.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::domain::{
    limit::{Limit, TooOften},
    time::UnixTime,
};

/// How many names there may be before those that count nothing any more are looked for.
const FEW: usize = 1024;

/// When all that happened under a name will be forgotten.
#[derive(Debug, Default)]
pub(in crate::store) struct Limits(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    until: HashMap<String, UnixTime>,
    /// Twice what was left when it was last cleared up, so that this costs each call little.
    clear_at: usize,
}

impl Limits {
    /// Takes one of each, or none and says when there will be one of each.
    pub(in crate::store) fn admit(&self, limits: &[(String, Limit)], now: UnixTime) -> Result<(), TooOften> {
        let never = UnixTime::from_millis(0);
        let mut counted = self.counted();
        let mut taken: HashMap<&String, UnixTime> = HashMap::new();
        let mut refused: Option<TooOften> = None;
        for (name, limit) in limits {
            let until = taken.get(name).or_else(|| counted.until.get(name)).copied();
            match limit.take(until.unwrap_or(never), now) {
                Ok(until) => drop(taken.insert(name, until)),
                Err(too_often) => {
                    let longest = refused
                        .map_or(too_often.retry_after, |other| other.retry_after.max(too_often.retry_after));
                    refused = Some(TooOften { retry_after: longest });
                }
            }
        }
        if let Some(refused) = refused {
            return Err(refused);
        }
        counted.until.extend(taken.into_iter().map(|(name, until)| (name.clone(), until)));
        counted.clear_up(now);
        Ok(())
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    fn clear_up(&mut self, now: UnixTime) {
        if self.until.len() > self.clear_at.max(FEW) {
            self.until.retain(|_name, until| *until > now);
            self.clear_at = self.until.len().saturating_mul(2);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn names_that_count_nothing_any_more_take_no_room() {
        let limits = Limits::default();
        let limit = Limit { burst: 1, per: Duration::from_secs(10) };
        for nth in 0..10_000 {
            let now = UnixTime::from_secs(1000 + nth);
            limits.admit(&[(nth.to_string(), limit)], now).unwrap();
        }
        assert!(limits.counted().until.len() <= FEW + 1, "{}", limits.counted().until.len());
    }
}
