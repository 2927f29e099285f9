//! What every store has to do, whichever it is: one function a rule, each of which gets a store of its own.
//!
//! A store's tests name it once: `check_contract!(Subject)`, where `Subject` makes an empty store.

mod answers;
mod deliveries;
mod endings;
mod families;
mod limits;
mod orders;
mod pointers;
mod revisions;
mod sessions;
mod sweeps;

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use futures_util::future::BoxFuture;

pub(in crate::store) use self::{
    answers::*, deliveries::*, endings::*, families::*, limits::*, orders::*, pointers::*, revisions::*,
    sessions::*, sweeps::*,
};
use crate::{
    domain::{
        revocation::{Reach, Revocation, Target},
        secret::Secret,
        time::{Clock as _, UnixTime},
    },
    ops::clock::SystemClock,
    store::{Delivery, Order, Rotations, SessionRecord, Sight, Store},
};

/// All that a store does.
pub(in crate::store) trait Everything: Store + Rotations {}

impl<S: Store + Rotations> Everything for S {}

/// A store that can be closed and opened again with all that it keeps.
pub(in crate::store) trait Subject: Sync {
    /// Opens it; whatever was opened before has been dropped.
    fn open(&self) -> BoxFuture<'_, Arc<dyn Everything>>;
}

/// Hands the names of all rules to a macro, behind what it is given.
macro_rules! for_each_rule {
    ($then:ident!($subject:expr)) => {
        $crate::store::testing::contract::$then! {
            $subject =>
            a_new_store_is_empty
            r1_what_was_recorded_survives_a_restart
            r3_what_is_past_its_first_life_is_still_known
            r8_revisions_increase_strictly_and_survive_a_restart
            r8_a_snapshot_has_all_that_its_revision_says
            r11_a_replayed_order_changes_nothing
            r11_revocations_of_one_target_merge_in_any_order
            many_orders_at_once_are_all_recorded
            a_caller_that_gives_up_changes_nothing
            a_sight_holds_what_was_asked_for_and_nothing_else
            ending_a_subject_ends_its_active_sessions_up_to_the_cut_off
            ending_a_session_ends_it_alone
            an_ended_session_does_not_end_again
            ending_an_unknown_session_is_fine
            s4_an_ended_session_never_becomes_active_again
            s4_a_session_that_was_revoked_before_it_was_seen_has_ended
            s4_a_session_ends_with_its_revocation
            what_is_known_of_a_session_merges
            sessions_with_alike_names_are_different_ones
            deliveries_survive_a_restart_with_their_content
            a_postponed_delivery_keeps_its_content
            a_settled_delivery_is_gone
            a_replayed_order_does_not_forget_attempts
            a_sweep_takes_what_is_over_and_nothing_else
            a_sweep_takes_any_number
            what_was_given_a_longer_life_is_not_swept
            a_family_that_nobody_has_seen_is_none
            what_a_family_became_is_read_and_survives_a_restart
            f5_a_family_begins_once_however_many_begin_it
            f5_a_family_is_replaced_only_where_it_is_what_it_was
            f5_one_of_many_at_once_replaces_a_family
            families_do_not_touch_each_other
            a_family_is_over_at_its_end_with_all_that_is_kept_beside_it
            f9_a_digest_is_of_an_issuer_a_client_and_a_token
            f2_a_kept_answer_is_given_to_the_bearer_of_its_token_alone
            a_transition_that_does_not_happen_keeps_and_forgets_nothing
            forgotten_answers_are_gone
            an_answer_is_over_at_its_end
            f13_what_is_held_is_given_until_it_is_replaced
            pointers_lead_to_families_and_are_replaced
            pointers_of_both_kinds_are_different_ones
            pointers_end
            a_limit_admits_its_burst_and_no_more
            one_limit_that_is_reached_takes_nothing_from_the_others
            limits_of_other_names_are_others
        }
    };
}
pub(in crate::store) use for_each_rule;

/// A test for each rule.
macro_rules! check_contract {
    ($subject:expr) => {
        $crate::store::testing::contract::for_each_rule! { check_contract!($subject) }
    };
    ($subject:expr => $($rule:ident)*) => {
        $(#[tokio::test]
        async fn $rule() {
            let subject = $subject;
            $crate::store::testing::contract::$rule(&subject).await;
        })*
    };
}
pub(in crate::store) use check_contract;

/// Every rule, one after the other, within one test: what they share ends with it. The output of one that fails ends with the
/// rule's name.
macro_rules! check_whole_contract {
    ($subject:expr) => {
        $crate::store::testing::contract::for_each_rule! { check_whole_contract!($subject) }
    };
    ($subject:expr => $($rule:ident)*) => {
        $({
            println!("{}", stringify!($rule));
            let subject = $subject;
            $crate::store::testing::contract::$rule(&subject).await;
        })*
    };
}
pub(in crate::store) use check_whole_contract;

const ISSUER: &str = "https://issuer.example";

/// The second at which the rules take place: a real one, because a store may let sessions go by a clock of its own. What has to
/// stay while a rule is checked stays for an hour.
static NOW: LazyLock<i64> = LazyLock::new(|| SystemClock.now().as_secs());

fn at(second: i64) -> UnixTime {
    UnixTime::from_secs(*NOW + second)
}

/// Made now, with a first life of a minute and a second one of an hour.
fn revoked(target: Target) -> Revocation {
    Revocation { target, reach: Reach::All, made_at: at(0), until: at(60), kept_until: at(3600) }
}

fn token(name: &str) -> Revocation {
    revoked(Target::token_id(ISSUER, name))
}

fn order(revocations: impl Into<Vec<Revocation>>) -> Order {
    Order { revocations: revocations.into(), ..Order::default() }
}

/// An active session that began now.
fn session(subject: &str, session_id: &str) -> SessionRecord {
    SessionRecord {
        issuer: ISSUER.to_owned(),
        session_id: session_id.to_owned(),
        subject: subject.to_owned(),
        client_id: "client".to_owned(),
        began_at: at(0),
        ended_at: None,
        kept_until: at(3600),
    }
}

fn delivery(number: u8) -> Delivery {
    Delivery {
        id: [number; 16],
        issuer: ISSUER.to_owned(),
        content: Secret::new(format!("content of {number}").into_bytes()),
        attempts: 0,
        due_at: at(0),
        not_after: at(60),
    }
}

async fn known(store: &dyn Store, target: Target) -> Option<Revocation> {
    store.sight(None, &[target]).await.unwrap().revocations.pop()
}

async fn record_of(store: &dyn Store, session: &SessionRecord) -> Option<SessionRecord> {
    let Sight { session, .. } = store.sight(Some(session.target()), &[]).await.unwrap();
    session
}

/// All that is kept, in an order of its own.
async fn all(store: &dyn Store) -> Vec<Revocation> {
    sorted(store.snapshot().await.unwrap().revocations)
}

fn sorted(mut revocations: Vec<Revocation>) -> Vec<Revocation> {
    revocations.sort_by_key(|revocation| revocation.target);
    revocations
}

/// Longer than anything takes that ends at all.
const DEADLINE: Duration = Duration::from_secs(20);
