//! R7, R8: what a replica answers that follows a store which others write to, too.

use tokio::time::{advance, sleep};

use super::*;
use crate::state::contact::Sent;

struct Following {
    setup: Setup,
    contact: Arc<Contact>,
}

impl Following {
    fn start() -> Self {
        let contact = Arc::new(Contact::new(Duration::from_mins(1)));
        let setup = unloaded_with(Revocations::followed(1000), Some(Arc::clone(&contact)));
        setup.revocations.end_reading(revision(5), &[]);
        let following = Self { setup, contact };
        following.beat();
        following
    }

    fn beat(&self) {
        let sent = Sent { as_of: self.setup.clock.now(), at: Instant::now() };
        let reached = self.setup.revocations.reached().unwrap();
        self.contact.acknowledged(reached.revision(), sent);
        self.contact.reached(&reached);
    }

    async fn ask(&self, min_revision: Option<Revision>, max_staleness: Option<Duration>) -> Said {
        let token = token(&json!({"sid": null}));
        let question = Question { min_revision, max_staleness, ..question(&token) };
        said(self.setup.validator.validate(&question, |_| ()).await)
    }
}

const STALE: Said = Said::Fault("REVOCATIONS_STALE");

#[tokio::test(start_paused = true)]
async fn r7_on_stale_decides_what_is_answered_from_old_knowledge_and_every_answer_says_how_old() {
    let following = Following::start();
    let validator = &following.setup.validator;
    following.setup.set_clock(50);
    let token = token(&json!({"sid": null}));
    let verdict = validator.validate(&question(&token), |_| ()).await.unwrap();
    assert_eq!(verdict.knowledge.as_of, at(0));
    validator.replace_on_stale(OnStale::Refuse);
    advance(Duration::from_mins(1)).await;
    assert_eq!(following.ask(None, None).await, Said::Good, "as old as it may be");
    advance(Duration::from_millis(1)).await;
    assert_eq!(following.ask(None, None).await, STALE);
    validator.replace_on_stale(OnStale::Serve);
    assert_eq!(following.ask(None, None).await, Said::Good);
    validator.replace_on_stale(OnStale::Refuse);
    following.beat();
    assert_eq!(following.ask(None, None).await, Said::Good);
    advance(Duration::from_secs(3)).await;
    following.contact.set_max_staleness(Duration::from_secs(2));
    assert_eq!(following.ask(None, None).await, STALE);
}

#[tokio::test(start_paused = true)]
async fn r7_a_request_that_wants_less_than_two_seconds_waits_half_a_second_for_contact() {
    let following = Following::start();
    advance(Duration::from_millis(1500)).await;
    let start = Instant::now();
    let within = |millis| Some(Duration::from_millis(millis));
    assert_eq!(following.ask(None, within(1500)).await, Said::Good);
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(following.ask(None, within(1000)).await, STALE, "nobody beats");
    assert_eq!(start.elapsed(), Duration::from_millis(500));
    assert_eq!(following.ask(None, within(0)).await, STALE);

    let beating = async {
        following.contact.asked().await;
        sleep(Duration::from_millis(3)).await;
        following.beat();
    };
    let start = Instant::now();
    let (said, ()) = tokio::join!(following.ask(None, within(0)), beating);
    assert_eq!((said, start.elapsed()), (Said::Good, Duration::from_millis(3)));

    // A write that was under way already when the request came is new enough for one that allows so much.
    advance(Duration::from_millis(1400)).await;
    let under_way = Sent { as_of: at(0), at: Instant::now() };
    advance(Duration::from_millis(500)).await;
    let arriving = async {
        following.contact.asked().await;
        let reached = following.setup.revocations.reached().unwrap();
        following.contact.acknowledged(reached.revision(), under_way);
        following.contact.reached(&reached);
    };
    let (said, ()) = tokio::join!(following.ask(None, within(1000)), arriving);
    assert_eq!(said, Said::Good);

    advance(Duration::from_secs(5)).await;
    let start = Instant::now();
    assert_eq!(following.ask(None, within(2000)).await, STALE, "contact comes each second by itself");
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn r8_only_the_feed_says_that_a_revision_is_reached_and_another_epoch_is_waited_for() {
    let following = Following::start();
    let set = &following.setup.revocations;
    let next = Revision { epoch: 8, sequence: 7 };
    set.recorded(revision(6));
    let start = Instant::now();
    assert_eq!(following.ask(Some(revision(6)), None).await, STALE, "an order of our own is no feed");
    assert_eq!(start.elapsed(), Duration::from_secs(2));
    let coming = async {
        sleep(Duration::from_millis(300)).await;
        set.end_reading(next, &[revision(6)]);
    };
    let (said, ()) = tokio::join!(following.ask(Some(next), None), coming);
    assert_eq!(said, Said::Good);
    assert_eq!(following.ask(Some(revision(6)), None).await, Said::Good, "the new epoch goes on from it");
    let start = Instant::now();
    assert_eq!(following.ask(Some(revision(7)), None).await, STALE);
    assert_eq!(start.elapsed(), Duration::ZERO, "it was lost, and nobody waits for it");
}
