//! The fields of a protobuf message, one after the other, where they lie.
//!
//! A generated message copies every header of a request into a map of strings, most of which nobody looks at; that costs more
//! than the whole check of a cached token.

/// What is no protobuf message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A field's content, as far as it is looked at here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content<'b> {
    /// A string, bytes or a message.
    Bytes(&'b [u8]),
    /// A number.
    Number,
}

/// The fields of a message.
#[derive(Debug)]
pub(super) struct Fields<'b> {
    rest: &'b [u8],
}

impl<'b> Fields<'b> {
    pub(super) fn of(message: &'b [u8]) -> Self {
        Self { rest: message }
    }

    fn read(&mut self) -> Result<(u64, Content<'b>), Malformed> {
        let tag = self.varint()?;
        let number = tag >> 3;
        if number == 0 || number >= 1 << 29 {
            return Err(Malformed);
        }
        let content = match tag & 7 {
            0 => {
                self.varint()?;
                Content::Number
            }
            1 => {
                self.take(8)?;
                Content::Number
            }
            2 => {
                let length = self.varint()?;
                Content::Bytes(self.take(usize::try_from(length).map_err(|_too_long| Malformed)?)?)
            }
            5 => {
                self.take(4)?;
                Content::Number
            }
            // Groups: proto3 has none.
            _ => return Err(Malformed),
        };
        Ok((number, content))
    }

    fn take(&mut self, length: usize) -> Result<&'b [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        // As most are.
        if let [byte @ 0..0x80, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(u64::from(*byte));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for place in 0..10 {
            let (byte, rest) = self.rest.split_first().ok_or(Malformed)?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f).checked_shl(7 * place).unwrap_or_default();
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }
}

/// Ends with the first that cannot be read.
impl<'b> Iterator for Fields<'b> {
    type Item = Result<(u64, Content<'b>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let read = self.read();
        if read.is_err() {
            self.rest = &[];
        }
        Some(read)
    }
}

/// The content of the only field with this number; decoders merge several, which nobody sends.
pub(super) fn set<'b>(place: &mut Option<&'b [u8]>, content: Content<'b>) -> Result<(), Malformed> {
    match (place.is_none(), content) {
        (true, Content::Bytes(bytes)) => {
            *place = Some(bytes);
            Ok(())
        }
        (false, _) | (_, Content::Number) => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &[u8]) -> Result<Vec<(u64, Content<'_>)>, Malformed> {
        Fields::of(message).collect()
    }

    #[test]
    fn fields_of_every_kind_are_passed_over() {
        let message = [
            &[0x0a, 2, b'h', b'i'][..],
            &[0x10, 0x96, 0x01],
            &[0x19, 1, 2, 3, 4, 5, 6, 7, 8],
            &[0x25, 1, 2, 3, 4],
        ]
        .concat();
        let expected = vec![
            (1, Content::Bytes(b"hi")),
            (2, Content::Number),
            (3, Content::Number),
            (4, Content::Number),
        ];
        assert_eq!(read(&message), Ok(expected));
        assert_eq!(read(&[]), Ok(vec![]));
    }

    #[test]
    fn what_is_cut_or_no_field_is_malformed() {
        let bad: [&[u8]; 9] = [
            &[0x0a],
            &[0x0a, 2, 1],
            &[0x10],
            &[0x80; 11],
            &[0x19, 1],
            &[0x25, 1],
            &[0x0b, 0x0c],
            &[0x02, 0],
            &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        ];
        for message in bad {
            assert_eq!(read(message), Err(Malformed), "{message:?}");
        }
    }
}
