//! A family as bytes.

use crate::{
    domain::{
        revocation::{Target, TargetKind},
        rotation::{
            Answered, Attempt, Ended, Family, FamilyId, Owner, Phase, RefreshDigest, Spent, Unknown, Whose,
        },
        time::UnixTime,
    },
    store::codec::{Decoder, Encoder, Problem},
};

/// What a record of it is called in errors.
pub(in crate::store) const WHAT: &str = "a token family";

/// What a record of where it is found is called.
pub(in crate::store) const POINTER: &str = "a pointer to a token family";

const IDLE: u8 = 0;
const BEGUN: u8 = 1;
const SENT: u8 = 2;
const UNKNOWN: u8 = 3;
const ENDED: u8 = 4;

const ENDS: [Ended; 4] = [Ended::Refused, Ended::Reused, Ended::OutcomeLost, Ended::Revoked];

pub(in crate::store) fn encode(id: &FamilyId, family: &Family) -> Vec<u8> {
    let generation = i64::try_from(family.generation).unwrap_or(i64::MAX);
    let record = Encoder::new()
        .bytes(family.issuer.as_bytes())
        .bytes(family.client_id.as_bytes())
        .maybe(family.whose.as_ref(), put_whose)
        .number(generation)
        .fixed(&family.current.0)
        .list(family.spent.iter(), put_spent)
        .maybe(family.answered.as_ref(), put_answered)
        .maybe(family.access_expires_at, time)
        .maybe(family.access, |record, target| record.byte(target.kind().number()).fixed(target.key()));
    let record = put_phase(record, &family.phase);
    time(time(record, family.attempts_until), family.kept_until).end(&id.0)
}

fn put_whose(record: Encoder, whose: &Whose) -> Encoder {
    time(record.bytes(whose.subject.as_bytes()).bytes(whose.session_id.as_bytes()), whose.began_at)
}

fn put_spent(record: Encoder, spent: &Spent) -> Encoder {
    time(record.fixed(&spent.digest.0), spent.at)
        .maybe(spent.successor_seen_at, time)
        .maybe(spent.binding, |record, binding| record.fixed(&binding))
}

fn put_answered(record: Encoder, answered: &Answered) -> Encoder {
    time(record.fixed(&answered.to.0), answered.at)
        .maybe(answered.binding, |record, binding| record.fixed(&binding))
}

fn put_phase(record: Encoder, phase: &Phase) -> Encoder {
    match phase {
        Phase::Idle => record.byte(IDLE),
        Phase::Begun(attempt) => put_attempt(record.byte(BEGUN), attempt),
        Phase::Sent(attempt) => put_attempt(record.byte(SENT), attempt),
        Phase::Unknown(unknown) => put_unknown(record.byte(UNKNOWN), *unknown),
        Phase::Ended { why, at } => time(record.byte(ENDED).byte(number_of(*why)), *at),
    }
}

fn put_attempt(record: Encoder, attempt: &Attempt) -> Encoder {
    time(record.fixed(&attempt.owner.0), attempt.lease_until).maybe(attempt.after, put_unknown)
}

fn put_unknown(record: Encoder, unknown: Unknown) -> Encoder {
    let record = time(time(record, unknown.first_at), unknown.since).number(i64::from(unknown.times));
    time(record, unknown.not_before)
}

fn time(record: Encoder, time: UnixTime) -> Encoder {
    record.number(time.as_millis())
}

/// Stored: none is ever used for another.
fn number_of(why: Ended) -> u8 {
    match why {
        Ended::Refused => 1,
        Ended::Reused => 2,
        Ended::OutcomeLost => 3,
        Ended::Revoked => 4,
    }
}

pub(in crate::store) fn decode(id: &FamilyId, record: &[u8]) -> Result<Family, Problem> {
    let mut decoder = Decoder::new(&id.0, record)?;
    let family = Family {
        issuer: decoder.text()?,
        client_id: decoder.text()?,
        whose: decoder.maybe(whose)?,
        generation: u64::try_from(decoder.number()?).map_err(|_negative| Problem::Damaged)?,
        current: RefreshDigest(decoder.fixed()?),
        spent: decoder.list(spent)?,
        answered: decoder.maybe(answered)?,
        access_expires_at: decoder.maybe(Decoder::time)?,
        access: decoder.maybe(target)?,
        phase: phase(&mut decoder)?,
        attempts_until: decoder.time()?,
        kept_until: decoder.time()?,
    };
    decoder.end(family)
}

fn whose(decoder: &mut Decoder<'_>) -> Result<Whose, Problem> {
    Ok(Whose { subject: decoder.text()?, session_id: decoder.text()?, began_at: decoder.time()? })
}

fn spent(decoder: &mut Decoder<'_>) -> Result<Spent, Problem> {
    Ok(Spent {
        digest: RefreshDigest(decoder.fixed()?),
        at: decoder.time()?,
        successor_seen_at: decoder.maybe(Decoder::time)?,
        binding: decoder.maybe(Decoder::fixed)?,
    })
}

fn answered(decoder: &mut Decoder<'_>) -> Result<Answered, Problem> {
    Ok(Answered {
        to: RefreshDigest(decoder.fixed()?),
        at: decoder.time()?,
        binding: decoder.maybe(Decoder::fixed)?,
    })
}

fn target(decoder: &mut Decoder<'_>) -> Result<Target, Problem> {
    let kind = TargetKind::from_number(decoder.byte()?).ok_or(Problem::Damaged)?;
    Ok(Target::from_stored(kind, decoder.fixed()?))
}

fn phase(decoder: &mut Decoder<'_>) -> Result<Phase, Problem> {
    match decoder.byte()? {
        IDLE => Ok(Phase::Idle),
        BEGUN => attempt(decoder).map(Phase::Begun),
        SENT => attempt(decoder).map(Phase::Sent),
        UNKNOWN => unknown(decoder).map(Phase::Unknown),
        ENDED => {
            let number = decoder.byte()?;
            let why = ENDS.into_iter().find(|why| number_of(*why) == number).ok_or(Problem::Damaged)?;
            Ok(Phase::Ended { why, at: decoder.time()? })
        }
        _none_of_them => Err(Problem::Damaged),
    }
}

fn attempt(decoder: &mut Decoder<'_>) -> Result<Attempt, Problem> {
    Ok(Attempt {
        owner: Owner(decoder.fixed()?),
        lease_until: decoder.time()?,
        after: decoder.maybe(unknown)?,
    })
}

fn unknown(decoder: &mut Decoder<'_>) -> Result<Unknown, Problem> {
    Ok(Unknown {
        first_at: decoder.time()?,
        since: decoder.time()?,
        times: u32::try_from(decoder.number()?).map_err(|_range| Problem::Damaged)?,
        not_before: decoder.time()?,
    })
}

#[cfg(test)]
mod tests;
