//! Records as bytes. Each begins with a version and ends with a check over its key and itself, so that a record that was
//! damaged, or lies where it does not belong, is noticed: a revocation that is not read is a token that passes. The check is
//! there for broken disks, not against people; who can write the file can also delete from it.

use crate::domain::time::UnixTime;

/// The version of every record that this build writes.
const VERSION: u8 = 1;

/// Bytes of the check at the end.
const CHECK_BYTES: usize = 4;

/// Why a record cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Problem {
    /// Not a version that this build knows.
    Version(u8),
    /// Not what was written there.
    Damaged,
}

/// Puts a record together.
#[derive(Debug)]
pub(in crate::store) struct Encoder(Vec<u8>);

/// Takes a record apart; its check was good.
#[derive(Debug)]
pub(in crate::store) struct Decoder<'r>(&'r [u8]);

impl Encoder {
    pub(in crate::store) fn new() -> Self {
        Self(vec![VERSION])
    }

    /// With room for so many bytes, for what no copy may be left of: a record that outgrows its memory leaves one behind.
    pub(in crate::store) fn with_room(bytes: usize) -> Self {
        let mut record = Vec::with_capacity(bytes);
        record.push(VERSION);
        Self(record)
    }

    pub(in crate::store) fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    pub(in crate::store) fn number(mut self, number: i64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Behind their length.
    pub(in crate::store) fn bytes(mut self, bytes: &[u8]) -> Self {
        self = self.number(i64::try_from(bytes.len()).unwrap_or(i64::MAX));
        self.0.extend_from_slice(bytes);
        self
    }

    /// As they are, because everybody knows how many.
    pub(in crate::store) fn fixed<const N: usize>(mut self, bytes: &[u8; N]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Whether there is something, and if so, what.
    pub(in crate::store) fn maybe<T>(self, it: Option<T>, put: impl FnOnce(Self, T) -> Self) -> Self {
        match it {
            None => self.byte(0),
            Some(it) => put(self.byte(1), it),
        }
    }

    /// How many there are, and then each.
    pub(in crate::store) fn list<T>(
        self,
        items: impl ExactSizeIterator<Item = T>,
        put: impl Fn(Self, T) -> Self,
    ) -> Self {
        let counted = self.number(i64::try_from(items.len()).unwrap_or(i64::MAX));
        items.fold(counted, put)
    }

    /// The record for this key.
    pub(in crate::store) fn end(mut self, key: &[u8]) -> Vec<u8> {
        let check = check(key, &self.0);
        self.0.extend_from_slice(&check);
        self.0
    }
}

impl<'r> Decoder<'r> {
    /// Begins with the version and the check. A later version may have another check, so the version comes first.
    pub(in crate::store) fn new(key: &[u8], record: &'r [u8]) -> Result<Self, Problem> {
        let version = *record.first().ok_or(Problem::Damaged)?;
        if version != VERSION {
            return Err(Problem::Version(version));
        }
        let (content, found) = record.split_last_chunk::<CHECK_BYTES>().ok_or(Problem::Damaged)?;
        if *found != check(key, content) {
            return Err(Problem::Damaged);
        }
        content.split_first().map(|(_version, rest)| Self(rest)).ok_or(Problem::Damaged)
    }

    pub(in crate::store) fn byte(&mut self) -> Result<u8, Problem> {
        let (byte, rest) = self.0.split_first().ok_or(Problem::Damaged)?;
        self.0 = rest;
        Ok(*byte)
    }

    pub(in crate::store) fn number(&mut self) -> Result<i64, Problem> {
        let (number, rest) = self.0.split_first_chunk().ok_or(Problem::Damaged)?;
        self.0 = rest;
        Ok(i64::from_be_bytes(*number))
    }

    pub(in crate::store) fn bytes(&mut self) -> Result<&'r [u8], Problem> {
        let length = usize::try_from(self.number()?).map_err(|_negative| Problem::Damaged)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Problem::Damaged)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(in crate::store) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(Problem::Damaged)?;
        self.0 = rest;
        Ok(*bytes)
    }

    pub(in crate::store) fn maybe<T>(
        &mut self,
        take: impl FnOnce(&mut Self) -> Result<T, Problem>,
    ) -> Result<Option<T>, Problem> {
        match self.byte()? {
            0 => Ok(None),
            1 => take(self).map(Some),
            _neither => Err(Problem::Damaged),
        }
    }

    pub(in crate::store) fn list<T>(
        &mut self,
        take: impl Fn(&mut Self) -> Result<T, Problem>,
    ) -> Result<Vec<T>, Problem> {
        // Not made room for: the number is only as good as what follows.
        (0..self.number()?).map(|_nth| take(self)).collect()
    }

    pub(in crate::store) fn time(&mut self) -> Result<UnixTime, Problem> {
        Ok(UnixTime::from_millis(self.number()?))
    }

    pub(in crate::store) fn text(&mut self) -> Result<String, Problem> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_invalid| Problem::Damaged)
    }

    /// Nothing may be left.
    pub(in crate::store) fn end<T>(self, record: T) -> Result<T, Problem> {
        if self.0.is_empty() { Ok(record) } else { Err(Problem::Damaged) }
    }
}

/// FNV-1a of 64 bits, folded to 32: a few instructions a byte, and every changed byte shows but by chance.
fn check(key: &[u8], content: &[u8]) -> [u8; CHECK_BYTES] {
    let hash = key.iter().chain(content).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let folded = hash ^ (hash >> 32);
    let mut check = [0; CHECK_BYTES];
    check.iter_mut().zip(folded.to_le_bytes()).for_each(|(to, from)| *to = from);
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Vec<u8> {
        Encoder::new()
            .byte(7)
            .number(-5)
            .bytes(b"text")
            .fixed(&[1, 2])
            .maybe(Some(8), Encoder::byte)
            .maybe(None, Encoder::byte)
            .list([1, 2, 3].into_iter(), Encoder::number)
            .end(b"key")
    }

    #[test]
    fn what_is_written_is_read() {
        let record = record();
        let mut decoder = Decoder::new(b"key", &record).unwrap();
        assert_eq!(decoder.byte(), Ok(7));
        assert_eq!(decoder.number(), Ok(-5));
        assert_eq!(decoder.bytes(), Ok(&b"text"[..]));
        assert_eq!(decoder.fixed(), Ok([1, 2]));
        assert_eq!([(); 2].map(|()| decoder.maybe(Decoder::byte)), [Ok(Some(8)), Ok(None)]);
        assert_eq!(decoder.list(Decoder::number), Ok(vec![1, 2, 3]));
        assert_eq!(decoder.end(()), Ok(()));
    }

    #[test]
    fn any_changed_byte_and_any_cut_is_noticed() {
        let good = record();
        for at in 1..good.len() {
            for change in [1, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[at] ^= change;
                assert_eq!(Decoder::new(b"key", &bad).unwrap_err(), Problem::Damaged, "{at}");
            }
            assert_eq!(Decoder::new(b"key", &good[..at]).unwrap_err(), Problem::Damaged, "{at}");
        }
        assert_eq!(Decoder::new(b"key", &[]).unwrap_err(), Problem::Damaged);
        assert_eq!(Decoder::new(b"kez", &good).unwrap_err(), Problem::Damaged, "it is another key's");
    }

    #[test]
    fn another_version_is_said_whatever_else_is_wrong() {
        assert_eq!(Decoder::new(b"key", &[9]).unwrap_err(), Problem::Version(9));
    }

    #[test]
    fn what_is_left_over_is_damage() {
        let record = record();
        let mut decoder = Decoder::new(b"key", &record).unwrap();
        assert_eq!(decoder.byte(), Ok(7));
        assert_eq!(decoder.end(()), Err(Problem::Damaged));
    }
}
