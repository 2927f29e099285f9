use super::*;
use crate::{
    domain::{
        revocation::{Reach, Revocation, Target},
        time::UnixTime,
    },
    ops::metrics::{Registry, exposition, registry},
};

struct Setup {
    watch: CapacityWatch,
    revocations: Arc<Revocations>,
    registry: Registry,
}

fn setup(max_entries: u64) -> Setup {
    let revocations = Arc::new(Revocations::new(max_entries));
    let mut registry = registry();
    let metrics = RevocationMetrics::register(&mut registry);
    Setup { watch: CapacityWatch::new(Arc::clone(&revocations), metrics), revocations, registry }
}

impl Setup {
    fn holds(&self, targets: impl IntoIterator<Item = Target>) {
        let now = UnixTime::from_secs(0);
        let until = UnixTime::from_secs(100);
        for target in targets {
            let revocation = Revocation { target, reach: Reach::All, made_at: now, until, kept_until: until };
            self.revocations.add(&[revocation]);
        }
    }

    fn has(&self, sample: &str) -> bool {
        exposition(&self.registry).lines().any(|line| line == sample)
    }

    /// What is said after a look.
    fn is_nearly_full(&self) -> bool {
        self.watch.update();
        self.has("countersign_revocation_nearly_full 1")
    }
}

fn sessions(count: std::ops::Range<u32>) -> impl Iterator<Item = Target> {
    count.map(|id| Target::session("i", &id.to_string()))
}

#[test]
fn r2_what_is_held_is_counted_by_kind_beside_what_may_be() {
    let setup = setup(1000);
    setup.holds(sessions(0..3));
    setup.holds([Target::subject("i", "alice"), Target::issuer("i")]);
    setup.watch.update();
    for sample in [
        r#"countersign_revocation_entries{kind="session"} 3"#,
        r#"countersign_revocation_entries{kind="subject"} 1"#,
        r#"countersign_revocation_entries{kind="issuer"} 1"#,
        r#"countersign_revocation_entries{kind="token_id"} 0"#,
        "countersign_revocation_capacity 1000",
    ] {
        assert!(setup.has(sample), "{sample}");
    }
}

#[test]
fn r2_the_alarm_is_raised_at_80_percent_and_taken_back_below_75() {
    let setup = setup(100);
    setup.holds(sessions(0..79));
    assert!(!setup.is_nearly_full());
    setup.holds(sessions(79..80));
    assert!(setup.is_nearly_full());
    setup.revocations.set_max_entries(106);
    assert!(setup.is_nearly_full(), "75.5 percent");
    setup.revocations.set_max_entries(107);
    assert!(!setup.is_nearly_full(), "74.8 percent");
    setup.revocations.set_max_entries(101);
    assert!(!setup.is_nearly_full(), "79.2 percent");
    setup.revocations.set_max_entries(100);
    assert!(setup.is_nearly_full());
}
