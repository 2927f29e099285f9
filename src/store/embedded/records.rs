//! Revocations and sessions as records of their tables.

use redb::ReadableTable;

use super::failure::Failure;
use crate::{
    domain::{
        revocation::{Reach, Revocation, Target, TargetKind},
        time::UnixTime,
    },
    store::{
        codec::{Decoder, Encoder, Problem},
        records::SessionRecord,
    },
};

const UP_TO: u8 = 1;
const ALL: u8 = 2;

/// A revocation's key: its kind first, so that those of a kind lie together.
pub(super) fn revocation_key(target: &Target) -> [u8; 17] {
    let mut key = [target.kind().number(); 17];
    key.iter_mut().skip(1).zip(target.key()).for_each(|(to, from)| *to = *from);
    key
}

/// Always of one length, so that a million of them are read in one go.
pub(super) fn encode_revocation(key: &[u8; 17], revocation: &Revocation) -> Result<[u8; 38], Failure> {
    let (reach, cut_off) = match revocation.reach {
        Reach::UpTo(cut_off) => (UP_TO, cut_off.as_millis()),
        Reach::All => (ALL, 0),
    };
    let record = Encoder::new()
        .byte(reach)
        .number(cut_off)
        .number(revocation.made_at.as_millis())
        .number(revocation.until.as_millis())
        .number(revocation.kept_until.as_millis())
        .end(key);
    record.as_slice().try_into().map_err(|_length| damaged_revocation(Problem::Damaged))
}

pub(super) fn decode_revocation(key: &[u8; 17], record: &[u8]) -> Result<Revocation, Failure> {
    read_revocation(key, record).map_err(damaged_revocation)
}

fn damaged_revocation(problem: Problem) -> Failure {
    Failure::Record { what: "a revocation", problem }
}

fn read_revocation(key: &[u8; 17], record: &[u8]) -> Result<Revocation, Problem> {
    let mut decoder = Decoder::new(key, record)?;
    let (kind, target) = key.split_first().ok_or(Problem::Damaged)?;
    let kind = TargetKind::from_number(*kind).ok_or(Problem::Damaged)?;
    let target = Target::from_stored(kind, target.try_into().map_err(|_length| Problem::Damaged)?);
    let (reach, cut_off) = (decoder.byte()?, decoder.time()?);
    let reach = match reach {
        UP_TO => Reach::UpTo(cut_off),
        ALL => Reach::All,
        _unknown => return Err(Problem::Damaged),
    };
    let (made_at, until, kept_until) = (decoder.time()?, decoder.time()?, decoder.time()?);
    decoder.end(Revocation { target, reach, made_at, until, kept_until })
}

pub(super) fn encode_session(key: &[u8; 16], session: &SessionRecord) -> Vec<u8> {
    Encoder::new()
        .bytes(session.issuer.as_bytes())
        .bytes(session.session_id.as_bytes())
        .bytes(session.subject.as_bytes())
        .bytes(session.client_id.as_bytes())
        .number(session.began_at.as_millis())
        .byte(u8::from(session.ended_at.is_some()))
        .number(session.ended_at.map_or(0, UnixTime::as_millis))
        .number(session.kept_until.as_millis())
        .end(key)
}

pub(super) fn decode_session(key: &[u8; 16], record: &[u8]) -> Result<SessionRecord, Failure> {
    read_session(key, record).map_err(|problem| Failure::Record { what: "a session's record", problem })
}

fn read_session(key: &[u8; 16], record: &[u8]) -> Result<SessionRecord, Problem> {
    let mut decoder = Decoder::new(key, record)?;
    let (issuer, session_id) = (decoder.text()?, decoder.text()?);
    let (subject, client_id) = (decoder.text()?, decoder.text()?);
    let began_at = decoder.time()?;
    let (has_ended, ended_at) = (decoder.byte()? != 0, decoder.time()?);
    let ended_at = has_ended.then_some(ended_at);
    let kept_until = decoder.time()?;
    decoder.end(SessionRecord { issuer, session_id, subject, client_id, began_at, ended_at, kept_until })
}

/// The key of a session in its subject's list.
pub(super) fn session_of_key(subject: &Target, session: &[u8; 16]) -> [u8; 32] {
    let mut key = [0; 32];
    key.iter_mut().zip(subject.key().iter().chain(session)).for_each(|(to, from)| *to = *from);
    key
}

/// What is kept of a target.
pub(super) fn find_revocation(
    table: &impl ReadableTable<&'static [u8; 17], &'static [u8; 38]>,
    target: &Target,
) -> Result<Option<Revocation>, Failure> {
    let key = revocation_key(target);
    table.get(&key)?.map(|record| decode_revocation(&key, record.value())).transpose()
}

/// What is kept of a session.
pub(super) fn find_session(
    table: &impl ReadableTable<&'static [u8; 16], &'static [u8]>,
    key: &[u8; 16],
) -> Result<Option<SessionRecord>, Failure> {
    table.get(key)?.map(|record| decode_session(key, record.value())).transpose()
}
