//! How often something may happen, counted for all who use the store.

use std::time::Duration;

use futures_util::future::join_all;

use super::{Subject, at};
use crate::{domain::limit::Limit, store::Rotations};

/// An hour for each: nothing comes back while a rule is checked.
fn limit(name: &str, burst: u32) -> (String, Limit) {
    (name.to_owned(), Limit { burst, per: Duration::from_hours(1).saturating_mul(burst) })
}

/// How many of so many at once are admitted.
async fn admitted(store: &dyn Rotations, limits: &[(String, Limit)], tries: usize) -> usize {
    let tries = join_all((0..tries).map(|_try| store.admit(limits.to_vec(), at(0)))).await;
    tries.into_iter().flat_map(Result::unwrap).count()
}

pub(in crate::store) async fn a_limit_admits_its_burst_and_no_more(subject: &dyn Subject) {
    let store = subject.open().await;
    let limits = [limit("a", 3)];
    assert_eq!(admitted(&*store, &limits, 20).await, 3);
    let refused = store.admit(limits.to_vec(), at(0)).await.unwrap().unwrap_err();
    let (hour, nearly) = (Duration::from_hours(1), Duration::from_mins(50));
    assert!((nearly..=hour).contains(&refused.retry_after), "{:?}", refused.retry_after);
    assert_eq!(store.admit(Vec::new(), at(0)).await.unwrap(), Ok(()), "nothing limits nothing");
}

pub(in crate::store) async fn one_limit_that_is_reached_takes_nothing_from_the_others(subject: &dyn Subject) {
    let store = subject.open().await;
    let [wide, wider, narrow] = [limit("wide", 5), limit("wider", 6), limit("narrow", 2)];
    let all = [wide.clone(), wider.clone(), narrow.clone()];
    for _two in 0..2 {
        assert_eq!(store.admit(all.to_vec(), at(0)).await.unwrap(), Ok(()));
    }
    for order in [[&wide, &wider, &narrow], [&narrow, &wide, &wider], [&wider, &narrow, &wide]] {
        let refused = store.admit(order.map(Clone::clone).to_vec(), at(0)).await.unwrap().unwrap_err();
        assert!(refused.retry_after > Duration::ZERO);
    }
    assert_eq!(admitted(&*store, &[wide], 20).await, 3, "of five, two were taken");
    assert_eq!(admitted(&*store, &[wider], 20).await, 4, "of six, two were taken");
    assert_eq!(admitted(&*store, &[narrow], 20).await, 0);
}

pub(in crate::store) async fn limits_of_other_names_are_others(subject: &dyn Subject) {
    let store = subject.open().await;
    for name in ["a", "b", "", "a b {x} \u{7f}\u{20ac}", &"long".repeat(200)] {
        assert_eq!(admitted(&*store, &[limit(name, 1)], 2).await, 1, "{name}");
    }
}
