//! What is limited, counted in Redis for all replicas, by Redis' clock.

use std::time::Duration;

use super::{
    super::error::StoreError,
    core::Core,
    reply::count,
    scripts::{Call, GIVE_BACK, Script, TAKE, Where, run_one},
};
use crate::domain::limit::{Limit, TooOften};

impl Core {
    /// Takes one after the other, for each is in a slot of its own; if one of them has none left, or does not answer, those that
    /// were taken are given back.
    pub(super) async fn admit(&self, limits: &[(String, Limit)]) -> Result<Result<(), TooOften>, StoreError> {
        let mut taken = Vec::with_capacity(limits.len());
        for (name, limit) in limits {
            let key = self.keys.limit(name);
            let none_for = run_one(&self.link, Where::At(&key), call(&TAKE, &key, *limit)).await;
            let refused = match none_for.and_then(count) {
                Ok(0) => {
                    taken.push((key, *limit));
                    continue;
                }
                Ok(micros) => Ok(Err(TooOften { retry_after: Duration::from_micros(micros) })),
                Err(error) => Err(error),
            };
            self.give_back(&taken).await;
            return refused;
        }
        Ok(Ok(()))
    }

    /// What is not given back comes back with time.
    async fn give_back(&self, taken: &[(Vec<u8>, Limit)]) {
        for (key, limit) in taken {
            drop(run_one(&self.link, Where::At(key), call(&GIVE_BACK, key, *limit)).await);
        }
    }
}

fn call(script: &'static Script, key: &[u8], limit: Limit) -> Call {
    let numbers = [limit.burst.max(1).to_string(), limit.per.as_micros().to_string()];
    script.call(vec![key.to_vec()], numbers.map(String::into_bytes).to_vec())
}
