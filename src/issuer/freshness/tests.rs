use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn rules() -> KeyFreshness {
    KeyFreshness::new(30 * SECOND, 300 * SECOND, 3600 * SECOND).unwrap()
}

/// A fetch that has not ended by then has timed out.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What can happen to an issuer.
#[derive(Clone, Debug)]
enum Event {
    /// Time passes; a running fetch may time out meanwhile, a due one begins.
    Pass(Duration),
    /// A token arrives that the held keys cannot explain.
    Missing,
    /// The running fetch, if any, ends.
    End { well: bool, lifetime: Option<Duration> },
}

fn event() -> impl Strategy<Value = Event> {
    let seconds = prop_oneof![0..10_u64, 0..400_u64, 0..5000_u64];
    let lifetime = proptest::option::of(seconds_stated().prop_map(Duration::from_secs));
    prop_oneof![
        2 => seconds.prop_map(|seconds| Event::Pass(Duration::from_millis(seconds * 1000 + 17))),
        3 => Just(Event::Missing),
        3 => (any::<bool>(), lifetime).prop_map(|(well, lifetime)| Event::End { well, lifetime }),
    ]
}

/// Below, between and above the configured bounds.
fn seconds_stated() -> impl Strategy<Value = u64> {
    prop_oneof![0..30_u64, 30..300_u64, 300..100_000_u64]
}

fn events() -> impl Strategy<Value = (Vec<Event>, u32)> {
    (proptest::collection::vec(event(), 0..120), any::<u32>())
}

/// An attempt as the issuer sees it.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    trigger: Trigger,
    started: Tick,
    ended: Option<(Tick, bool)>,
}

/// A keeper that does what [`Fetching`] says, and remembers what happened.
struct World {
    fetching: Fetching,
    now: Tick,
    jitter: Jitter,
    attempts: Vec<Attempt>,
}

impl World {
    fn new(jitter: u32) -> Self {
        let mut world = Self {
            fetching: Fetching::new(rules()),
            now: Tick::START,
            jitter: Jitter::new(jitter),
            attempts: Vec::new(),
        };
        world.poll();
        world
    }

    fn running(&mut self) -> Option<&mut Attempt> {
        self.attempts.last_mut().filter(|attempt| attempt.ended.is_none())
    }

    /// The keeper looks what to do; when idle, until when.
    fn poll(&mut self) -> Option<Tick> {
        if self.running().is_some() {
            return None;
        }
        match self.fetching.begin(self.now) {
            Next::Wait { until } => Some(until),
            Next::Fetch(trigger) => {
                self.attempts.push(Attempt { trigger, started: self.now, ended: None });
                None
            }
        }
    }

    fn end(&mut self, well: bool, lifetime: Option<Duration>) {
        let (now, jitter) = (self.now, self.jitter);
        let Some(attempt) = self.running() else { return };
        attempt.ended = Some((now, well));
        let started = attempt.started;
        if well {
            self.fetching.succeeded(started, now, lifetime, jitter);
        } else {
            self.fetching.failed(now, jitter);
        }
        self.poll();
    }

    fn pass(&mut self, by: Duration) {
        let target = self.now.plus(by);
        loop {
            let idle_until = self.poll();
            let next = match (self.running(), idle_until) {
                (Some(attempt), _) => attempt.started.plus(TIMEOUT),
                (None, Some(until)) => until,
                (None, None) => unreachable!("neither running nor waiting"),
            };
            if next > target {
                self.now = target;
                return;
            }
            self.now = self.now.max(next);
            if self.running().is_some() {
                self.end(false, None);
            }
        }
    }

    fn apply(&mut self, event: &Event) -> Option<Demand> {
        match event {
            Event::Pass(by) => self.pass(*by),
            Event::End { well, lifetime } => self.end(*well, *lifetime),
            Event::Missing => {
                let demand = self.fetching.demand(self.now);
                self.poll();
                return Some(demand);
            }
        }
        None
    }

    fn last_ended(&self) -> Option<Attempt> {
        self.attempts.iter().rev().find(|attempt| attempt.ended.is_some()).copied()
    }

    fn last_good(&self) -> Option<Attempt> {
        let good = |attempt: &&Attempt| attempt.ended.is_some_and(|(_, well)| well);
        self.attempts.iter().rev().find(good).copied()
    }

    /// What "usable" means, said once more without the code under test.
    fn young_enough(&self) -> bool {
        self.last_good().is_some_and(|good| self.now.since(good.started) < rules().max_age())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn k1_keys_are_usable_until_max_age_however_many_fetches_fail((events, jitter) in events()) {
        let mut world = World::new(jitter);
        for event in &events {
            world.apply(event);
            prop_assert_eq!(world.fetching.has_usable_set(world.now), world.young_enough());
        }
    }

    #[test]
    fn k2_the_next_fetch_begins_within_refresh_after_of_the_last_good_one((events, jitter) in events()) {
        let mut world = World::new(jitter);
        for event in &events {
            world.apply(event);
        }
        world.pass(rules().max_age());
        for pair in world.attempts.windows(2) {
            if let Some((ended, true)) = pair[0].ended {
                prop_assert!(pair[1].started <= pair[0].started.plus(rules().refresh_after()).max(ended));
            }
        }
    }

    #[test]
    fn k3_at_most_one_demand_fetch_per_min_refetch((events, jitter) in events()) {
        let mut world = World::new(jitter);
        for event in &events {
            world.apply(event);
        }
        let demands = world.attempts.iter().filter(|attempt| attempt.trigger == Trigger::Demand);
        let starts: Vec<_> = demands.map(|attempt| attempt.started).collect();
        for pair in starts.windows(2) {
            prop_assert!(pair[1].since(pair[0]) >= rules().min_refetch(), "{:?}", starts);
        }
    }

    #[test]
    fn k3_scheduled_fetches_do_not_use_up_the_demand_budget((events, jitter) in events()) {
        let mut world = World::new(jitter);
        let mut last_demand: Option<Tick> = None;
        for event in &events {
            let (running, now) = (world.running().map(|attempt| attempt.trigger), world.now);
            let idle = running.is_none();
            let last_failed = world.last_ended().and_then(|it| it.ended).is_some_and(|(_, well)| !well);
            let failing = last_failed && running == Some(Trigger::Scheduled);
            let Some(demand) = world.apply(event) else { continue };
            let budget = last_demand.is_none_or(|at| now.since(at) >= rules().min_refetch());
            prop_assert_eq!(matches!(demand, Demand::Start { .. }), idle && budget);
            prop_assert_eq!(matches!(demand, Demand::Join { .. }), !idle && !failing);
            prop_assert_eq!(demand == Demand::Failing, failing);
            if matches!(demand, Demand::Start { .. }) {
                last_demand = Some(now);
            }
        }
    }

    #[test]
    fn k8_each_lookup_causes_at_most_one_fetch((events, jitter) in events()) {
        let mut world = World::new(jitter);
        let mut lookups = 0;
        for event in &events {
            lookups += usize::from(matches!(event, Event::Missing));
            world.apply(event);
            let demands = world.attempts.iter().filter(|attempt| attempt.trigger == Trigger::Demand);
            prop_assert!(demands.count() <= lookups);
        }
    }

    #[test]
    fn k12_unknown_only_after_a_good_attempt_and_with_a_young_set((events, jitter) in events()) {
        let mut world = World::new(jitter);
        for event in &events {
            world.apply(event);
            let last_was_good = world.last_ended().and_then(|it| it.ended).is_some_and(|(_, well)| well);
            let unknown = world.fetching.conclude(world.now) == Conclusion::Unknown;
            prop_assert_eq!(unknown, last_was_good && world.young_enough());
        }
    }

    #[test]
    fn k11_only_ordered_durations_exist(a in 0..5_u64, b in 0..5_u64, c in 0..5_u64) {
        let rules = KeyFreshness::new(SECOND * u32::try_from(a).unwrap(), Duration::from_secs(b), Duration::from_secs(c));
        prop_assert_eq!(rules.is_ok(), a < b && b < c);
    }

    #[test]
    fn k11_no_stated_lifetime_leaves_the_configured_bounds(
        lifetime in proptest::option::of(seconds_stated()), jitter in any::<u32>(), took in 0..5_u64,
    ) {
        let mut fetching = Fetching::new(rules());
        let now = Tick::START.plus(Duration::from_secs(took));
        fetching.succeeded(Tick::START, now, lifetime.map(Duration::from_secs), Jitter::new(jitter));
        let due = fetching.due.since(Tick::START);
        prop_assert!(due >= rules().min_refetch() && due <= rules().refresh_after(), "{due:?}");
        let stated = lifetime.map_or_else(|| rules().refresh_after(), Duration::from_secs);
        prop_assert!(due <= stated.max(rules().min_refetch()), "{due:?}");
    }

    #[test]
    fn failed_fetches_are_repeated_ever_more_slowly_whatever_min_refetch_is(
        jitter in any::<u32>(), times in 1..40_u32,
        (min_refetch, refresh_after, longest) in prop_oneof![
            Just((30_000, 300_000, 30_000)), Just((1, 300_000, 30_000)), Just((120_000, 300_000, 120_000)),
            Just((1, 10_000, 10_000)), Just((1, 200, 200)),
        ],
    ) {
        let ms = Duration::from_millis;
        let rules = KeyFreshness::new(ms(min_refetch), ms(refresh_after), Duration::from_hours(1)).unwrap();
        let mut fetching = Fetching::new(rules);
        let mut now = Tick::START;
        for nth in 1..=times {
            fetching.failed(now, Jitter::new(jitter));
            let most = SECOND.saturating_mul(2_u32.saturating_pow(nth - 1)).min(ms(longest));
            let pause = fetching.due.since(now);
            prop_assert!(pause <= most && pause >= most / 2, "{nth}: {pause:?}");
            now = fetching.due;
        }
    }
}

#[test]
fn k13_a_set_from_before_the_process_ages_on_and_is_no_attempt() {
    let mut fetching = Fetching::new(rules());
    fetching.restored(Tick::START.minus(3000 * SECOND));
    let at = |seconds: u32| Tick::START.plus(SECOND * seconds);
    assert!(fetching.has_usable_set(at(599)));
    assert!(!fetching.has_usable_set(at(600)));
    assert_eq!(fetching.conclude(at(1)), Conclusion::Unavailable);
    assert_eq!(fetching.begin(at(0)), Next::Fetch(Trigger::Scheduled));
}

#[test]
fn k12_a_set_that_grew_old_without_a_further_attempt_tells_nothing() {
    let mut fetching = Fetching::new(rules());
    fetching.succeeded(Tick::START, Tick::START, None, Jitter::new(0));
    let end = Tick::START.plus(rules().max_age());
    assert_eq!(fetching.conclude(end.minus(SECOND)), Conclusion::Unknown);
    assert_eq!(fetching.conclude(end), Conclusion::Unavailable);
}

#[test]
fn a_failed_demand_fetch_does_not_put_off_the_scheduled_one() {
    let mut fetching = Fetching::new(rules());
    fetching.succeeded(Tick::START, Tick::START, None, Jitter::new(u32::MAX));
    let almost_due = Tick::START.plus(300 * SECOND).minus(Duration::from_millis(100));
    assert_eq!(fetching.demand(almost_due), Demand::Start { finished: 1 });
    assert_eq!(fetching.begin(almost_due), Next::Fetch(Trigger::Demand));
    fetching.failed(almost_due, Jitter::new(u32::MAX));
    assert_eq!(fetching.due, Tick::START.plus(300 * SECOND));
}

#[test]
fn retry_after_is_at_least_a_second_and_at_most_min_refetch() {
    let mut fetching = Fetching::new(rules());
    assert_eq!(fetching.retry_after(Tick::START), SECOND);
    fetching.succeeded(Tick::START, Tick::START, None, Jitter::new(u32::MAX));
    assert_eq!(fetching.retry_after(Tick::START), rules().min_refetch());
    assert_eq!(fetching.retry_after(Tick::START.plus(290 * SECOND)), 10 * SECOND);
}

#[test]
fn ticks_saturate() {
    let before = Tick::START.minus(Duration::MAX);
    assert_eq!(before.since(Tick::START), Duration::ZERO);
    assert!(Tick::START.plus(Duration::MAX).since(before) >= Duration::from_hours(2_500_000));
}
