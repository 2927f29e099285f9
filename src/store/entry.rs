//! A revocation as bytes, the same in every shared store and in what is said about it: key, record, digest.
//!
//! Scripts in Redis read and merge these, and Lua's numbers are doubles: so a time is never more than 2^53 milliseconds away
//! from 1970, which is some 285,000 years.

use aws_lc_rs::digest;

use crate::domain::{
    revocation::{Reach, Revocation, Target, TargetKind},
    time::UnixTime,
};

/// A key: the target's kind, then its key.
pub(in crate::store) const KEY_BYTES: usize = 17;
/// A record: version, reach (1 up to, 2 all), then, big-endian in milliseconds, the cut-off (zero for all), when it was made,
/// `until` and `kept_until`.
pub(in crate::store) const RECORD_BYTES: usize = 34;

const VERSION: u8 = 1;
const UP_TO: u8 = 1;
const ALL: u8 = 2;
const LAST: i64 = 1 << 53;

/// Not what this release writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::store) enum EntryError {
    #[error("it is damaged")]
    Damaged,
    #[error("it has version {0}")]
    Version(u8),
}

pub(in crate::store) fn key(target: &Target) -> [u8; KEY_BYTES] {
    let mut key = [target.kind().number(); KEY_BYTES];
    key.iter_mut().skip(1).zip(target.key()).for_each(|(to, from)| *to = *from);
    key
}

pub(in crate::store) fn record(revocation: &Revocation) -> [u8; RECORD_BYTES] {
    let (reach, cut_off) = match revocation.reach {
        Reach::UpTo(cut_off) => (UP_TO, millis(cut_off)),
        Reach::All => (ALL, 0),
    };
    let times =
        [cut_off, millis(revocation.made_at), millis(revocation.until), millis(revocation.kept_until)];
    let bytes = [VERSION, reach].into_iter().chain(times.into_iter().flat_map(i64::to_be_bytes));
    let mut record = [0; RECORD_BYTES];
    record.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    record
}

pub(in crate::store) fn read(key: &[u8], record: &[u8]) -> Result<Revocation, EntryError> {
    let (kind, key) = key.split_first().ok_or(EntryError::Damaged)?;
    let kind = TargetKind::from_number(*kind).ok_or(EntryError::Damaged)?;
    let target = Target::from_stored(kind, key.try_into().map_err(|_length| EntryError::Damaged)?);
    match record.first() {
        Some(&VERSION) => {}
        Some(version) => return Err(EntryError::Version(*version)),
        None => return Err(EntryError::Damaged),
    }
    let [_version, reach, times @ ..] =
        <&[u8; RECORD_BYTES]>::try_from(record).map_err(|_length| EntryError::Damaged)?;
    let (times, _nothing) = times.as_chunks::<8>();
    let [cut_off, made_at, until, kept_until] =
        <&[[u8; 8]; 4]>::try_from(times).map_err(|_length| EntryError::Damaged)?.map(time);
    let reach = match *reach {
        UP_TO => Reach::UpTo(cut_off),
        ALL => Reach::All,
        _unknown => return Err(EntryError::Damaged),
    };
    Ok(Revocation { target, reach, made_at, until, kept_until })
}

/// The first 64 bits of SHA-1 over key and record: what a script in Redis can compute, too. Nobody is kept out by it; it tells
/// whether two hold the same.
pub(in crate::store) fn digest(revocation: &Revocation) -> u64 {
    let mut hash = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(&key(&revocation.target));
    hash.update(&record(revocation));
    hash.finish().as_ref().first_chunk::<8>().map_or(0, |first| u64::from_be_bytes(*first))
}

fn millis(time: UnixTime) -> i64 {
    time.as_millis().clamp(-LAST, LAST)
}

fn time(bytes: [u8; 8]) -> UnixTime {
    UnixTime::from_millis(i64::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revocation_is_read_as_it_was_written() {
        let at = UnixTime::from_millis;
        for kind in TargetKind::ALL {
            for reach in [Reach::All, Reach::UpTo(at(-1)), Reach::UpTo(at(1_800_000_000_123))] {
                let target = Target::from_stored(kind, [7; 16]);
                let one = Revocation { target, reach, made_at: at(1), until: at(-2), kept_until: at(3) };
                assert_eq!(read(&key(&target), &record(&one)), Ok(one));
            }
        }
    }

    #[test]
    fn what_is_cut_or_newer_is_no_revocation() {
        let at = UnixTime::from_millis;
        let target = Target::issuer("a");
        let one = Revocation {
            target,
            reach: Reach::All,
            made_at: at(1),
            until: at(i64::MAX),
            kept_until: at(i64::MIN),
        };
        let (key, record) = (key(&target), record(&one));
        let kept = read(&key, &record).unwrap();
        assert_eq!((kept.until, kept.kept_until), (at(LAST), at(-LAST)), "Lua can count up to there");
        for cut in 0..record.len() {
            assert!(read(&key, &record[..cut]).is_err(), "{cut}");
        }
        for cut in 0..key.len() {
            assert_eq!(read(&key[..cut], &record), Err(EntryError::Damaged), "{cut}");
        }
        let newer: Vec<u8> = [2].into_iter().chain(record[1..].iter().copied()).collect();
        assert_eq!(read(&key, &newer), Err(EntryError::Version(2)));
        let odd: Vec<u8> = [1, 3].into_iter().chain(record[2..].iter().copied()).collect();
        assert_eq!(read(&key, &odd), Err(EntryError::Damaged));
    }
}
