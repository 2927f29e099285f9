//! Comparing what is here with the store's copy, without reading it: hour by hour, by how many there are and their digests (R12).

use std::{
    collections::{BTreeMap, HashMap},
    sync::PoisonError,
    time::Duration,
};

use tokio::task::yield_now;

use super::{Follower, TO_ANSWER, Trouble, within};
use crate::{
    domain::{
        revocation::{Revocation, Target},
        time::UnixTime,
    },
    ops::metrics::Compared,
    state::revocations::Revocations,
    store::{Hour, Tally},
};

/// What was made within this time, here or elsewhere, may be on its way: the two sides are not looked at in one moment.
const ON_ITS_WAY: Duration = Duration::from_secs(10);
/// How long an hour's entries may take to come: there may be a million of them.
const TO_READ_AN_HOUR: Duration = Duration::from_secs(30);

impl Follower {
    /// Beside following: an hour of a million takes its time, in which orders go on arriving.
    pub(super) async fn compare_when_asked(&self) {
        loop {
            self.compare_now.notified().await;
            self.compare().await;
        }
    }

    /// What is to be given to the store again.
    pub(super) fn take_gone(&self) -> Vec<Revocation> {
        std::mem::take(&mut *self.gone.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Compares the hours that are wholly ahead, reads those that differ, and makes good what is missing on either side.
    async fn compare(&self) {
        let compared = match self.try_compare().await {
            Ok(false) => Compared::Same,
            Ok(true) => Compared::Differed,
            Err(trouble) => {
                self.report.trouble(&trouble);
                Compared::Failed
            }
        };
        self.around.metrics.compared(compared);
    }

    async fn try_compare(&self) -> Result<bool, Trouble> {
        let now = self.bounded.now();
        let from = Hour(Hour::of(now).0.saturating_add(1));
        let theirs = within(TO_ANSWER, self.around.feed.tallies(from)).await?;
        let ours = self.tallies(from).await;
        // What a cut-off spares may have its end in a later hour.
        let (mut differed, mut cut_offs) = (false, Vec::new());
        for hour in differing(&ours, &theirs) {
            let copy = within(TO_READ_AN_HOUR, self.around.feed.of_hour(hour)).await?;
            differed |= self.mend(hour, &copy, now, &mut cut_offs).await;
        }
        if !cut_offs.is_empty() {
            self.around.revocations.add(&cut_offs);
        }
        Ok(differed)
    }

    async fn tallies(&self, from: Hour) -> BTreeMap<Hour, Tally> {
        let mut tallies = BTreeMap::new();
        for part in Revocations::parts() {
            for revocation in self.around.revocations.part(part) {
                let hour = Hour::of(revocation.until);
                if hour >= from {
                    tallies.entry(hour).or_insert_with(|| Tally::empty(hour)).add(&revocation);
                }
            }
            // A million digests take a while.
            yield_now().await;
        }
        tallies
    }

    /// Whether there was something to mend in an hour of which this is the store's copy. What is missing here is added, but for
    /// `cut_offs`.
    async fn mend(
        &self,
        hour: Hour,
        copy: &[Revocation],
        now: UnixTime,
        cut_offs: &mut Vec<Revocation>,
    ) -> bool {
        let set = &self.around.revocations;
        let lacks = |it: &&Revocation| {
            it.made_at.plus(ON_ITS_WAY) <= now
                && set.get(&it.target).is_none_or(|ours| ours.merge(**it) != ours)
        };
        let mut lacking_here: Vec<_> = copy.iter().filter(lacks).copied().collect();
        let copy: HashMap<Target, Revocation> = copy.iter().map(|it| (it.target, *it)).collect();
        let mut gone_there = Vec::new();
        for part in Revocations::parts() {
            let of_hour = set.part(part).into_iter().filter(|it| Hour::of(it.until) == hour);
            gone_there.extend(of_hour.filter(|ours| {
                let theirs = copy.get(&ours.target);
                ours.made_at.plus(ON_ITS_WAY) <= now && theirs.is_none_or(|it| it.merge(*ours) != *it)
            }));
            yield_now().await;
        }
        let mended = !lacking_here.is_empty() || !gone_there.is_empty();
        if mended {
            tracing::warn!(
                revocations.missing_here = lacking_here.len(),
                revocations.missing_there = gone_there.len(),
                "what is revoked here and in the store differed, and is put right"
            );
        }
        cut_offs.extend(lacking_here.extract_if(.., |it| it.target.kind().may_have_exceptions()));
        if !lacking_here.is_empty() {
            set.add(&lacking_here);
        }
        // They are not what the copy was found to hold, whatever it held when it was read.
        set.unsee(&gone_there);
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).extend(gone_there);
        mended
    }
}

fn differing(ours: &BTreeMap<Hour, Tally>, theirs: &[Tally]) -> Vec<Hour> {
    let theirs: BTreeMap<_, _> = theirs.iter().filter(|it| it.count > 0).map(|it| (it.hour, *it)).collect();
    let mut hours: Vec<_> = ours.keys().chain(theirs.keys()).copied().collect();
    hours.sort();
    hours.dedup();
    hours.retain(|hour| ours.get(hour) != theirs.get(hour));
    hours
}
