//! The form of a record: `mark, length, checksum, payload`, numbers with the lowest byte first.

/// What each record begins with, so that the next one is found behind damage.
pub const MARK: [u8; 4] = [0xA7, b'L', b'J', 0x01];
/// Bytes before the payload.
pub const HEAD: usize = 12;
/// The longest payload, in bytes.
pub const LONGEST: usize = 16 * 1024 * 1024;

/// What is at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// A record, whole and undamaged.
    Record {
        /// What it holds.
        payload: &'a [u8],
        /// The bytes that it takes, its head included.
        size: usize,
    },
    /// The beginning of a record, or nothing; it takes more bytes to say.
    Cut {
        /// How many bytes there must be at least.
        wanted: usize,
    },
    /// So many bytes belong to no record. What follows them may be one.
    Damage {
        /// How many.
        size: usize,
    },
}

/// Appends a record to `out`. `salt` is the segment's own: a payload that contains the form of a record is none.
///
/// Gives whether the payload is short enough; if not, nothing is appended.
pub fn write(payload: &[u8], salt: u64, out: &mut Vec<u8>) -> bool {
    let Some(length) = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= LONGEST) else {
        return false;
    };
    out.extend_from_slice(&MARK);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&checksum(payload, length, salt).to_le_bytes());
    out.extend_from_slice(payload);
    true
}

/// Reads what is at the beginning of `bytes`, of a segment with this salt.
#[must_use]
pub fn read(bytes: &[u8], salt: u64) -> Found<'_> {
    if bytes.is_empty() {
        return Found::Cut { wanted: HEAD };
    }
    let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else {
        let begins = MARK.iter().zip(bytes).all(|(mark, byte)| mark == byte);
        return if begins { Found::Cut { wanted: HEAD } } else { damage(bytes) };
    };
    let [a, b, c, d, l0, l1, l2, l3, c0, c1, c2, c3] = *head;
    let (length, sum) = (u32::from_le_bytes([l0, l1, l2, l3]), u32::from_le_bytes([c0, c1, c2, c3]));
    let Some(wanted) = usize::try_from(length).ok().filter(|length| *length <= LONGEST) else {
        return damage(bytes);
    };
    if [a, b, c, d] != MARK {
        return damage(bytes);
    }
    match rest.get(..wanted) {
        None => Found::Cut { wanted: HEAD.saturating_add(wanted) },
        Some(payload) if checksum(payload, length, salt) == sum => {
            Found::Record { payload, size: HEAD.saturating_add(wanted) }
        }
        Some(_) => damage(bytes),
    }
}

/// How far the next mark is, at least one byte away.
fn damage(bytes: &[u8]) -> Found<'_> {
    let later = bytes.get(1..).unwrap_or_default();
    let next = later.windows(MARK.len()).position(|window| window == MARK);
    // The last bytes may be the beginning of a mark that goes on.
    let partly = || {
        let tails = (1..MARK.len()).rev().filter_map(|count| MARK.get(..count));
        let tail = tails.into_iter().find(|tail| later.ends_with(tail));
        later.len().saturating_sub(tail.map_or(0, <[u8]>::len))
    };
    Found::Damage { size: next.unwrap_or_else(partly).saturating_add(1) }
}

fn checksum(payload: &[u8], length: u32, salt: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&salt.to_le_bytes());
    hasher.update(&length.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All payloads of some bytes, and how many bytes were damaged or cut off.
    fn all(mut bytes: &[u8], salt: u64) -> (Vec<Vec<u8>>, usize) {
        let (mut payloads, mut lost) = (Vec::new(), 0);
        loop {
            match read(bytes, salt) {
                Found::Record { payload, size } => {
                    payloads.push(payload.to_vec());
                    bytes = &bytes[size..];
                }
                Found::Damage { size } => {
                    lost += size;
                    bytes = &bytes[size..];
                }
                // Cut off for good: what looks like a head may be damage itself.
                Found::Cut { .. } if bytes.is_empty() => return (payloads, lost),
                Found::Cut { .. } => {
                    lost += 1;
                    bytes = &bytes[1..];
                }
            }
        }
    }

    fn records() -> impl Strategy<Value = Vec<Vec<u8>>> {
        proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..20)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(payloads in records(), salt: u64) {
            let mut bytes = Vec::new();
            for payload in &payloads {
                prop_assert!(write(payload, salt, &mut bytes));
            }
            prop_assert_eq!(all(&bytes, salt), (payloads, 0));
        }

        #[test]
        fn a_damaged_byte_costs_one_record_and_no_other(payloads in records(), salt: u64, at: prop::sample::Index, by in 1_u8..) {
            let mut bytes = Vec::new();
            let mut ends = Vec::new();
            for payload in &payloads {
                write(payload, salt, &mut bytes);
                ends.push(bytes.len());
            }
            let at = at.index(bytes.len());
            bytes[at] ^= by;
            let hit = ends.iter().position(|end| at < *end).unwrap();
            let mut expected = payloads;
            expected.remove(hit);
            prop_assert_eq!(all(&bytes, salt).0, expected);
        }

        #[test]
        fn any_bytes_are_gone_through_to_the_end(bytes: Vec<u8>, salt: u64) {
            all(&bytes, salt);
        }
    }

    #[test]
    fn a_payload_that_looks_like_a_record_is_none() {
        let (mut inner, mut bytes) = (Vec::new(), Vec::new());
        write(b"forged", 1, &mut inner);
        write(&inner, 2, &mut bytes);
        *bytes.last_mut().unwrap() ^= 1;
        assert_eq!(all(&bytes, 2).0, Vec::<Vec<u8>>::new());
    }

    #[test]
    fn a_payload_beyond_the_longest_is_refused() {
        let mut bytes = Vec::new();
        assert!(!write(&vec![0; LONGEST + 1], 0, &mut bytes));
        assert!(bytes.is_empty());
    }
}
