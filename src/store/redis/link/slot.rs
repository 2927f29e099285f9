//! Which of a cluster's slots a key is in.

/// How many slots there are.
pub(super) const SLOTS: u16 = 16_384;

/// The slot: of the part in the first braces, if there is something in them, else of the whole key (Redis cluster
/// specification, "Hash tags").
pub(super) fn slot(key: &[u8]) -> u16 {
    crc16(tag(key).unwrap_or(key)) % SLOTS
}

fn tag(key: &[u8]) -> Option<&[u8]> {
    let from = key.iter().position(|byte| *byte == b'{')? + 1;
    let rest = key.get(from..)?;
    let to = rest.iter().position(|byte| *byte == b'}')?;
    rest.get(..to).filter(|tag| !tag.is_empty())
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first is the check value of the specification; the others are what `CLUSTER KEYSLOT` says.
    #[test]
    fn slots_are_those_of_redis() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        for (key, expected) in
            [("somekey", 11_058), ("foo{hash_tag}", 2_515), ("bar{hash_tag}", 2_515), ("{}", 15_257), ("", 0)]
        {
            assert_eq!(slot(key.as_bytes()), expected, "{key}");
        }
        assert_eq!(slot(b"{cs}:meta"), slot(b"cs"));
        assert_eq!(slot(b"a{cs}b{other}"), slot(b"cs"), "the first braces");
        assert_ne!(slot(b"{}cs"), slot(b"cs"), "empty braces are none");
    }
}
