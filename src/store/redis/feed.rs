//! What replicas follow: the stream of recorded orders, the copy in parts, and what is counted by hour.

use std::time::Duration;

use redis::Value;

use super::{
    super::{
        error::StoreError,
        feed::{Beat, End, Entry, Feed, Hour, Page, Place, Position, Tally},
        records::Revision,
    },
    Found, RedisStore, copy,
    core::{Core, Task},
    keys::Home,
    record::epoch_of,
    reply::{bytes, count, good, list, maybe, number, pairs, text, these, unexpected},
    scan,
    scripts::{BEAT, Where},
};
use crate::{domain::revocation::Revocation, store::Answer};

/// The most entries of one answer: some megabytes, if all of them are as big as can be.
const MOST: usize = 256;
/// So many entries of an hour are read at a time.
const AN_HOURS_PART: usize = 5000;
const HOUR_MILLIS: i64 = 3_600_000;

impl Feed for RedisStore {
    fn beat(&self) -> Answer<'_, Beat> {
        Box::pin(async { Ok(self.core.beat(Where::HomeDurably).await?.0) })
    }

    fn found(&self) -> Found {
        self.core.link.found()
    }

    fn end(&self) -> Answer<'_, End> {
        Box::pin(self.core.end())
    }

    fn page(&self, place: Option<Place>) -> Answer<'_, Page> {
        Box::pin(async move {
            let part =
                scan::part(&self.core, Home::Copy, place.as_ref().map(|place| place.0.as_str())).await?;
            let read = |(key, record): &scan::Field| copy::decode(self.core.prefix(), key, record);
            let revocations = part.fields.iter().map(read).collect::<Result<_, _>>()?;
            Ok(Page { revocations, next: part.next.map(Place) })
        })
    }

    fn follow<'f>(&'f self, position: &'f Position, wait: Duration) -> Answer<'f, Vec<Entry>> {
        Box::pin(self.core.follow(position, wait))
    }

    fn tallies(&self, from: Hour) -> Answer<'_, Vec<Tally>> {
        Box::pin(self.core.tallies(from))
    }

    fn of_hour(&self, hour: Hour) -> Answer<'_, Vec<Revocation>> {
        Box::pin(self.core.of_hour(hour))
    }
}

impl Core {
    pub(super) async fn end(&self) -> Result<End, StoreError> {
        let (beat, id) = self.beat(Where::Home).await?;
        let Beat { revision, predecessors } = beat;
        Ok(End { position: Position { id, revision }, predecessors })
    }

    /// Contact, and where the feed ended at that moment.
    pub(super) async fn beat(&self, to: Where<'_>) -> Result<(Beat, String), StoreError> {
        let keys = self.keys.homes([Home::Beat, Home::Feed]);
        let task = Task { script: &BEAT, keys, args: Vec::new() };
        let answer = self.run(to, &[task]).await?.pop().unwrap_or_else(|| Err(unexpected()))?;
        let [epoch, sequence, last, was] = these(answer)?;
        let revision = Revision { epoch: epoch_of(&text(epoch)?)?, sequence: count(sequence)? };
        let mut predecessors = Vec::new();
        for (epoch, sequence) in pairs(was)? {
            predecessors.push(Revision { epoch: epoch_of(&text(epoch)?)?, sequence: count(sequence)? });
        }
        predecessors.sort_by_key(|before| std::cmp::Reverse((before.sequence, before.epoch)));
        Ok((Beat { revision, predecessors }, text(last)?))
    }

    async fn follow(&self, position: &Position, wait: Duration) -> Result<Vec<Entry>, StoreError> {
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(MOST);
        // To Redis, no time is for ever.
        if let Ok(millis @ 1..) = u64::try_from(wait.as_millis()) {
            command.arg("BLOCK").arg(millis);
        }
        command.arg("STREAMS").arg(self.keys.home(Home::Feed)).arg(&position.id);
        let answer = good(self.prefix(), self.link.blocking(&command, wait).await?)?;
        let Some(streams) = maybe(answer) else { return Ok(Vec::new()) };
        // A map by stream in RESP3, a list of pairs in RESP2.
        let entries = if let Value::Map(streams) = streams {
            streams.into_iter().next().map(|(_name, entries)| entries)
        } else {
            list(streams)?.into_iter().next().map(these).transpose()?.map(|[_name, entries]| entries)
        };
        list(entries.ok_or_else(unexpected)?)?.into_iter().map(|entry| self.entry(entry)).collect()
    }

    fn entry(&self, entry: Value) -> Result<Entry, StoreError> {
        let [id, fields] = these(entry)?;
        let (mut epoch, mut sequence, mut revocations) = (None, None, None);
        for (field, value) in pairs(fields)? {
            match bytes(field)?.as_slice() {
                b"e" => epoch = Some(epoch_of(&text(value)?)?),
                b"s" => sequence = Some(count(value)?),
                b"r" => revocations = Some(copy::split(self.prefix(), &bytes(value)?)?),
                // What a later release adds beside it.
                _unknown => {}
            }
        }
        let (Some(epoch), Some(sequence), Some(revocations)) = (epoch, sequence, revocations) else {
            return Err(self.damaged("an entry of the feed"));
        };
        let revision = Revision { epoch, sequence };
        Ok(Entry { position: Position { id: text(id)?, revision }, revocations })
    }

    async fn tallies(&self, from: Hour) -> Result<Vec<Tally>, StoreError> {
        let mut command = redis::cmd("HGETALL");
        command.arg(self.keys.home(Home::Tallies));
        let mut tallies = Vec::new();
        for (hour, tally) in pairs(self.ask(command).await?)? {
            let hour = Hour(number(hour)?);
            let tally = text(tally)?;
            let tally = read_tally(hour, &tally).ok_or_else(|| self.damaged("a count of revocations"))?;
            if hour >= from {
                tallies.push(tally);
            }
        }
        tallies.sort_by_key(|tally| tally.hour);
        Ok(tallies)
    }

    /// A part at a time, so that nobody waits long behind it. What comes or goes meanwhile may be left out.
    async fn of_hour(&self, hour: Hour) -> Result<Vec<Revocation>, StoreError> {
        // Not by when the next one begins: there is none behind the last hour that a time can lie in.
        let begin = hour.begin().as_millis();
        let end = begin.saturating_add(HOUR_MILLIS);
        let mut revocations = Vec::new();
        for part in 0_usize.. {
            let mut command = redis::cmd("ZRANGEBYSCORE");
            command.arg(self.keys.home(Home::Until)).arg(begin).arg(format!("({end}"));
            command.arg("LIMIT").arg(part.saturating_mul(AN_HOURS_PART)).arg(AN_HOURS_PART);
            let keys =
                list(self.ask(command).await?)?.into_iter().map(bytes).collect::<Result<Vec<_>, _>>()?;
            for (key, record) in keys.iter().zip(self.records_of(&keys).await?) {
                // What is not there any more was swept meanwhile; what has a longer life now is of another hour.
                let Some(record) = record else { continue };
                let one = copy::decode(self.prefix(), key, &record)?;
                revocations.extend((Hour::of(one.until) == hour).then_some(one));
            }
            if keys.len() < AN_HOURS_PART {
                break;
            }
        }
        Ok(revocations)
    }
}

/// `count:16 hexadecimal digits`.
fn read_tally(hour: Hour, text: &str) -> Option<Tally> {
    let (count, digest) = text.split_once(':')?;
    Some(Tally { hour, count: count.parse().ok()?, digest: u64::from_str_radix(digest, 16).ok()? })
}
