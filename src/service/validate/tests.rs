use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    testing::{Setup, setup, unloaded, unloaded_with},
    *,
};
use crate::{
    domain::{
        kind::TokenKind,
        reason::Reason,
        revocation::{Reach, Revocation, Target},
        testing::{ISSUER, at, claims_with, compact},
    },
    state::{contact::Contact, revocations::Revocations},
};

mod stale;

fn question(token: &str) -> Question<'_> {
    Question {
        token: token.as_bytes(),
        requirements: Requirements::of_kind(TokenKind::Access),
        min_revision: None,
        max_staleness: None,
    }
}

/// What came of it.
#[derive(Debug, PartialEq)]
enum Said {
    Good,
    Refused(Reason),
    Fault(&'static str),
}

const REVOKED: Said = Said::Refused(Reason::Revoked);

fn said<T>(answer: Result<Verdict<T>, Fault>) -> Said {
    of_outcome(answer.map(|verdict| verdict.outcome))
}

fn of_outcome<T>(outcome: Result<Result<T, Refusal>, Fault>) -> Said {
    match outcome {
        Ok(Ok(_)) => Said::Good,
        Ok(Err(refusal)) => Said::Refused(refusal.reason()),
        Err(fault) => Said::Fault(fault.reason()),
    }
}

impl Setup {
    async fn ask(&self, token: &str) -> Said {
        said(self.validator.validate(&question(token), |_| ()).await)
    }

    /// Without waiting.
    fn ask_at_once(&self, token: &str) -> Option<Said> {
        self.validator
            .validate_at_once(&question(token), &mut self.validator.moment(), |_, _| ())
            .map(of_outcome)
    }

    fn revoke(&self, target: Target, reach: Reach) {
        let until = at(86_400);
        let revocation = Revocation { target, reach, made_at: at(0), until, kept_until: until };
        self.revocations.insert(&[revocation]).unwrap();
    }

    /// Only in the store: its first life is over.
    fn kept(&self, target: Target, reach: Reach) {
        let kept_until = at(86_400);
        let revocation = Revocation { target, reach, made_at: at(-86_400), until: at(-60), kept_until };
        self.store.keep(&[revocation]);
    }

    fn set_clock(&self, seconds: i64) {
        *self.clock.0.lock().unwrap() = at(seconds);
    }
}

fn revision(sequence: u64) -> Revision {
    Revision { epoch: 7, sequence }
}

fn token(others: &Value) -> String {
    compact(&claims_with(others))
}

fn session() -> Target {
    Target::session(ISSUER, "s1")
}

fn alice() -> Target {
    Target::subject(ISSUER, "alice")
}

#[tokio::test(start_paused = true)]
async fn r1_a_cached_token_is_refused_by_the_next_call_after_its_revocation() {
    for target in [
        Target::token_id(ISSUER, "t1"),
        session(),
        alice(),
        Target::client(ISSUER, "web"),
        Target::issuer(ISSUER),
    ] {
        let (setup, token, once) = (setup(), token(&json!({})), token(&json!({"nbf": 0})));
        assert_eq!(setup.ask(&token).await, Said::Good);
        assert_eq!(setup.ask(&once).await, Said::Good);
        assert_eq!(setup.ask_at_once(&token), Some(Said::Good), "from the cache");
        setup.revoke(Target::subject(ISSUER, "bob"), Reach::All);
        assert_eq!(setup.ask_at_once(&token), Some(Said::Good), "somebody else");
        setup.revoke(target, Reach::All);
        assert_eq!(setup.ask_at_once(&token), Some(REVOKED), "{target:?}");
        assert_eq!(setup.ask_at_once(&once), Some(REVOKED), "{target:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn r5_a_token_without_an_id_is_revoked_by_its_signing_input() {
    let (setup, token) = (setup(), token(&json!({"jti": null})));
    assert_eq!(setup.ask(&token).await, Said::Good);
    let (input, _) = token.rsplit_once('.').unwrap();
    setup.revoke(Target::signing_input(ISSUER, input.as_bytes()), Reach::All);
    assert_eq!(setup.ask(&token).await, REVOKED);
}

#[tokio::test(start_paused = true)]
async fn r6_before_the_revocations_are_read_nobody_can_tell() {
    let (setup, token) = (unloaded(), token(&json!({})));
    assert_eq!(setup.ask(&token).await, Said::Fault("REVOCATIONS_STALE"));
    setup.load();
    assert_eq!(setup.ask(&token).await, Said::Good);
}

#[tokio::test(start_paused = true)]
async fn r4_a_login_after_the_cut_off_works_and_a_refreshed_token_of_before_does_not() {
    let setup = setup();
    let begun = |session: &str, iat: i64| token(&json!({"sid": session, "iat": at(iat).as_secs()}));
    assert_eq!(setup.ask(&begun("old", -100)).await, Said::Good);
    setup.revoke(alice(), Reach::UpTo(at(-90)));
    assert_eq!(setup.ask(&begun("old", -100)).await, REVOKED);
    assert_eq!(setup.ask(&begun("old", -5)).await, REVOKED, "refreshed");
    assert_eq!(setup.ask(&begun("new", -5)).await, Said::Good);
}

/// A late token of a session is found good and cached; then an earlier one shows when the session really began.
#[tokio::test(start_paused = true)]
async fn r4_an_earlier_token_ends_what_was_taken_for_a_later_login() {
    let setup = setup();
    let (late, early) = (token(&json!({"jti": "late"})), token(&json!({"auth_time": at(-500).as_secs()})));
    assert_eq!(setup.ask(&late).await, Said::Good);
    assert_eq!(setup.ask(&early).await, Said::Good);
    setup.revoke(alice(), Reach::UpTo(at(-90)));
    assert_eq!(setup.ask(&late).await, REVOKED);

    // The other way round: an earlier beginning is found after the cut-off, while the late one is cached as active.
    let setup = self::setup();
    setup.revoke(Target::client(ISSUER, "app"), Reach::UpTo(at(-90)));
    let others = token(&json!({"client_id": "app", "jti": "late"}));
    assert_eq!(setup.ask(&others).await, Said::Good);
    assert_eq!(setup.ask(&early).await, Said::Good, "of another client, and shows what the session is");
    assert_eq!(setup.ask(&others).await, REVOKED);
}

#[tokio::test(start_paused = true)]
async fn r3_a_token_that_was_refreshed_after_the_first_life_is_refused_at_its_first_sight() {
    for (target, reach) in [(session(), Reach::All), (alice(), Reach::UpTo(at(-3600)))] {
        let setup = setup();
        setup.kept(target, reach);
        let refreshed = token(&json!({"auth_time": at(-7200).as_secs()}));
        for _ in 0..2 {
            assert_eq!(setup.ask(&refreshed).await, REVOKED, "{target:?}");
        }
        assert_eq!(setup.ask(&token(&json!({"jti": "t2", "auth_time": at(-7200).as_secs()}))).await, REVOKED);
        assert_eq!(setup.store.sights(), 1, "and is known as revoked from then on");
    }
}

#[tokio::test(start_paused = true)]
async fn s4_an_exception_is_kept_with_its_cut_off_and_both_are_found_together() {
    let setup = setup();
    for target in [alice(), Target::exception(ISSUER, "alice", "s1")] {
        setup.kept(target, Reach::UpTo(at(-3600)));
    }
    assert_eq!(setup.ask(&token(&json!({"auth_time": at(-7200).as_secs()}))).await, Said::Good);
    let other = token(&json!({"sid": "s2", "auth_time": at(-7200).as_secs()}));
    assert_eq!(setup.ask(&other).await, REVOKED);
}

#[tokio::test(start_paused = true)]
async fn s5_a_first_sight_goes_the_waiting_way_and_a_second_one_does_not() {
    let setup = setup();
    assert_eq!(setup.ask_at_once(&token(&json!({}))), None);
    assert_eq!(setup.ask(&token(&json!({}))).await, Said::Good);
    assert_eq!(setup.ask_at_once(&token(&json!({"jti": "t2"}))), Some(Said::Good));
    assert_eq!(setup.store.sights(), 1);
}

#[tokio::test(start_paused = true)]
async fn s5_an_old_login_without_a_session_is_looked_up_once_for_each_token() {
    let (setup, token) = (setup(), token(&json!({"sid": null, "auth_time": at(-200_000).as_secs()})));
    setup.validator.replace_on_stale(OnStale::Refuse);
    assert_eq!(setup.ask(&token).await, Said::Good);
    setup.store.hang(true);
    for _ in 0..2 {
        assert_eq!(setup.ask(&token).await, Said::Good);
    }
    assert_eq!(setup.store.sights(), 1);
}

#[tokio::test(start_paused = true)]
async fn s5_a_session_is_looked_up_again_after_half_of_the_longest_token() {
    let setup = setup();
    let long = token(&json!({"exp": at(86_000).as_secs()}));
    assert_eq!(setup.ask(&long).await, Said::Good);
    setup.kept(session(), Reach::All);
    for (seconds, expected) in [(200, Said::Good), (12 * 3600 - 1, Said::Good), (12 * 3600, REVOKED)] {
        setup.set_clock(seconds);
        assert_eq!(setup.ask(&long).await, expected, "{seconds}");
    }
    assert_eq!(setup.store.sights(), 2);
}

#[tokio::test(start_paused = true)]
async fn s5_when_the_store_is_silent_on_stale_decides() {
    let (setup, token) = (setup(), token(&json!({})));
    setup.store.hang(true);
    setup.validator.replace_on_stale(OnStale::Refuse);
    assert_eq!(setup.ask(&token).await, Said::Fault("STORE_UNAVAILABLE"));
    setup.validator.replace_on_stale(OnStale::Serve);
    assert_eq!(setup.ask(&token).await, Said::Good);
    // What was let pass is looked up once the store answers again.
    setup.store.hang(false);
    setup.kept(session(), Reach::All);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(setup.ask(&token).await, REVOKED);
}

#[tokio::test(start_paused = true)]
async fn s5_what_was_seen_of_a_session_counts_while_the_store_is_silent() {
    let setup = setup();
    let long = |others: Value| {
        let mut claims = json!({"exp": at(86_000).as_secs()});
        claims.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
        token(&claims)
    };
    assert_eq!(setup.ask(&long(json!({"iat": at(-100).as_secs()}))).await, Said::Good);
    setup.store.hang(true);
    setup.set_clock(12 * 3600);
    setup.revoke(alice(), Reach::UpTo(at(-90)));
    let refreshed = long(json!({"jti": "t2", "iat": at(12 * 3600).as_secs()}));
    assert_eq!(setup.ask(&refreshed).await, REVOKED);
    let other = long(json!({"jti": "t3", "sid": "s2", "iat": at(12 * 3600).as_secs()}));
    assert_eq!(setup.ask(&other).await, Said::Good);
}

#[tokio::test(start_paused = true)]
async fn s5_nobody_is_asked_about_a_token_that_will_not_pass() {
    let setup = setup();
    let expired = token(&json!({"iat": at(-7200).as_secs(), "exp": at(-3600).as_secs()}));
    assert_eq!(setup.ask(&expired).await, Said::Refused(Reason::Expired));
    assert_eq!(setup.ask(&token(&json!({"aud": "other"}))).await, Said::Refused(Reason::AudienceMismatch));
    setup.revoke(alice(), Reach::All);
    assert_eq!(setup.ask(&token(&json!({}))).await, REVOKED);
    assert_eq!(setup.store.sights(), 0);
}

#[tokio::test(start_paused = true)]
async fn r8_a_revision_is_waited_for_and_an_answer_names_the_one_it_knows() {
    let (setup, token) = (setup(), token(&json!({"sid": null})));
    let asked = |sequence| Question { min_revision: Some(revision(sequence)), ..question(&token) };
    let knowledge =
        |sequence| Knowledge { revision: revision(sequence).to_string().into(), as_of: setup.clock.now() };
    let known = setup.validator.validate(&asked(0), |_| ()).await.unwrap();
    assert_eq!(known.knowledge, knowledge(0));

    let next = asked(1);
    assert!(setup.validator.validate_at_once(&next, &mut setup.validator.moment(), |_, _| ()).is_none());
    let mut waiting = std::pin::pin!(setup.validator.validate(&next, |_| ()));
    assert!(futures_util::poll!(waiting.as_mut()).is_pending());
    setup.set_clock(1);
    setup.revocations.recorded(revision(1));
    assert_eq!(waiting.await.unwrap().knowledge, knowledge(1));
}

/// Of several that are asked about one after another, none is judged by a time that is long gone.
#[tokio::test]
async fn one_moment_is_for_so_many_tokens_and_no_more() {
    let (setup, token) = (setup(), token(&json!({"sid": null, "exp": 1_800_000_100, "iat": 1_799_999_000})));
    assert_eq!(setup.ask(&token).await, Said::Good);
    let mut moment = setup.validator.moment();
    let mut ask = || {
        let outcome = setup.validator.validate_at_once(&question(&token), &mut moment, |_, _| ());
        outcome.map(of_outcome)
    };
    let good: Vec<_> = (0..Moment::QUESTIONS - 1).map(|_| ask()).collect();
    assert!(good.iter().all(|said| *said == Some(Said::Good)));
    setup.set_clock(86_400);
    assert_eq!(ask(), Some(Said::Good));
    assert_eq!(ask(), Some(Said::Refused(Reason::Expired)));
    setup.set_clock(0);
    moment.end();
    let outcome = setup.validator.validate_at_once(&question(&token), &mut moment, |_, _| ());
    assert_eq!(outcome.map(of_outcome), Some(Said::Good));
}

#[tokio::test]
async fn r7_r8_what_a_question_wants_to_be_known_is_in_what_its_answer_says() {
    let (setup, token) = (setup(), token(&json!({"sid": null})));
    let mut moment = setup.validator.moment();
    setup.set_clock(1);
    setup.revocations.recorded(revision(1));
    let plain = question(&token);
    let asked = Question { min_revision: Some(revision(1)), ..plain };
    let fresh = Question { max_staleness: Some(Duration::ZERO), ..plain };
    for (question, sequence, seconds) in [(plain, 0, 0), (asked, 1, 1), (plain, 1, 1)] {
        let said = |_: Pass<'_>, knowledge: &Knowledge| knowledge.clone();
        let known = setup.validator.validate_at_once(&question, &mut moment, said).unwrap().unwrap().unwrap();
        let expected = Knowledge { revision: revision(sequence).to_string().into(), as_of: at(seconds) };
        assert_eq!(known, expected);
    }
    setup.set_clock(2);
    let known = setup.validator.validate_at_once(&fresh, &mut moment, |_, known| known.as_of);
    assert_eq!(known.unwrap().unwrap().unwrap(), at(2));
}

#[tokio::test(start_paused = true)]
async fn r8_what_does_not_come_within_two_seconds_is_stale() {
    let (setup, token) = (setup(), token(&json!({"sid": null})));
    let ask = async |wanted| {
        let start = Instant::now();
        let question = Question { min_revision: Some(wanted), ..question(&token) };
        (said(setup.validator.validate(&question, |_| ()).await), start.elapsed())
    };
    let stale = |after| (Said::Fault("REVOCATIONS_STALE"), after);
    assert_eq!(ask(Revision { epoch: 8, sequence: 0 }).await, stale(Duration::ZERO));
    assert_eq!(ask(revision(1)).await, stale(Duration::from_secs(2)));
}

#[tokio::test(start_paused = true)]
async fn r7_what_is_known_here_is_never_too_old_for_a_caller() {
    let (setup, token) = (setup(), token(&json!({})));
    let fresh = Question { max_staleness: Some(Duration::ZERO), ..question(&token) };
    assert_eq!(said(setup.validator.validate(&fresh, |_| ()).await), Said::Good);
}

/// One thread revokes; others ask all the time, and no answer that began after a revocation lets its token pass.
#[tokio::test]
async fn r1_no_call_that_begins_after_a_revocation_lets_the_token_pass() {
    let setup = setup();
    let tokens: Vec<_> = (0..200).map(|id| token(&json!({"jti": id.to_string()}))).collect();
    for token in &tokens {
        assert_eq!(setup.ask(token).await, Said::Good);
    }
    let revoked: Vec<_> = tokens.iter().map(|_| AtomicBool::new(false)).collect();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !revoked.last().unwrap().load(Ordering::Acquire) {
                    for (token, revoked) in tokens.iter().zip(&revoked) {
                        let was_revoked = revoked.load(Ordering::Acquire);
                        let said = setup.ask_at_once(token);
                        assert!(!was_revoked || said != Some(Said::Good), "it passed after its revocation");
                    }
                }
            });
        }
        for (id, revoked) in revoked.iter().enumerate() {
            setup.revoke(Target::token_id(ISSUER, &id.to_string()), Reach::All);
            revoked.store(true, Ordering::Release);
        }
    });
    for token in &tokens {
        assert_eq!(setup.ask(token).await, REVOKED);
    }
}
