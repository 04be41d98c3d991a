//! Where a JSON string ends, and whether it may be what it is (RFC 8259, section 7): many bytes in one step.

use wide::u8x16;

/// The bytes between the opening quote, which `rest` comes after, and the closing one. `None` if there is none, or
/// if an escape is not one of JSON's or a control character stands unescaped.
pub(super) fn length(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    for block in rest.as_chunks::<16>().0 {
        let special = special(block);
        if special != 0 {
            at += special.trailing_zeros() as usize;
            return match rest.get(at)? {
                b'"' => Some(at),
                b'\\' => Some(at + crowded(rest.get(at..)?)?),
                _ => None,
            };
        }
        at += 16;
    }
    slowly(rest, at)
}

/// The same for what is written with escapes. Where one is, others are near: blocks are looked at whole.
fn crowded(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    // Whether the first byte of a block belongs to an escape of the one before.
    let mut carried = 0;
    for block in rest.as_chunks::<64>().0 {
        let Special { quote, escape, control } = Special::of_block(block);
        let (escaped, carry) = escaped(rest, at, (quote, escape), carried)?;
        carried = carry;
        let end = quote & !escaped;
        let before = end.wrapping_sub(1) & !end;
        if control & before != 0 {
            return None;
        }
        if end != 0 {
            return Some(at + end.trailing_zeros() as usize);
        }
        at += 64;
    }
    slowly(rest, at + usize::from(carried > 0))
}

/// The bytes of a block that an escape before them takes the meaning from, as far as the string goes, and the same
/// for the first byte of the next block.
fn escaped(rest: &[u8], at: usize, (quote, escape): (u64, u64), carried: u64) -> Option<(u64, u64)> {
    let mut escaped = carried;
    let mut left = escape & !carried;
    while left != 0 {
        let place = left.trailing_zeros();
        let first = left & left.wrapping_neg();
        if quote & !escaped & (first - 1) != 0 {
            break;
        }
        is_escape(rest, at + place as usize + 1)?;
        if place == 63 {
            return Some((escaped, 1));
        }
        escaped |= first << 1;
        left &= !(first | first << 1);
    }
    Some((escaped, 0))
}

/// Byte for byte, where no block is left.
fn slowly(rest: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        match rest.get(at)? {
            b'"' => return Some(at),
            b'\\' => {
                is_escape(rest, at + 1)?;
                at += 2;
            }
            ..=0x1f => return None,
            _ => at += 1,
        }
    }
}

/// Whether what follows a backslash at this place makes an escape.
fn is_escape(rest: &[u8], at: usize) -> Option<()> {
    match rest.get(at)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
        b'u' => rest.get(at + 1..at + 5)?.iter().all(u8::is_ascii_hexdigit).then_some(()),
        _ => None,
    }
}

const QUOTE: u8x16 = u8x16::new([b'"'; 16]);
const ESCAPE: u8x16 = u8x16::new([b'\\'; 16]);
const CONTROL: u8x16 = u8x16::new([0x1f; 16]);

/// Which bytes end a plain piece of a string: a bit for each, the first byte's the lowest.
fn special(bytes: &[u8; 16]) -> u32 {
    let bytes = u8x16::new(*bytes);
    let control = bytes.min(CONTROL).simd_eq(bytes);
    (bytes.simd_eq(QUOTE) | bytes.simd_eq(ESCAPE) | control).to_bitmask()
}

/// Which bytes of a block mean what: a bit for each, the first byte's the lowest.
struct Special {
    quote: u64,
    escape: u64,
    control: u64,
}

impl Special {
    fn of_block(block: &[u8; 64]) -> Self {
        let (parts, _) = block.as_chunks::<16>();
        let none = Self { quote: 0, escape: 0, control: 0 };
        parts.iter().enumerate().fold(none, |so_far, (place, part)| {
            let (bytes, shift) = (u8x16::new(*part), place * 16);
            let control = bytes.min(CONTROL).simd_eq(bytes);
            Self {
                quote: so_far.quote | u64::from(bytes.simd_eq(QUOTE).to_bitmask()) << shift,
                escape: so_far.escape | u64::from(bytes.simd_eq(ESCAPE).to_bitmask()) << shift,
                control: so_far.control | u64::from(control.to_bitmask()) << shift,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Texts in which escapes stand close together, across the borders of blocks.
    fn crowded() -> impl Strategy<Value = String> {
        let token = prop::sample::select(vec![
            "a",
            "é",
            "\\\\",
            "\\\"",
            "\\n",
            "\\u00e9",
            "\"",
            "\\",
            "\\x",
            "\\u00e",
            "\u{1f}",
            "0123456789abcdef",
        ]);
        prop::collection::vec(token, 0..80).prop_map(|tokens| tokens.concat())
    }

    proptest! {
        #[test]
        fn blocks_find_what_bytes_find(text in crowded(), indent in 0..80_usize) {
            let text = format!("{}{text}\"", " ".repeat(indent));
            prop_assert_eq!(length(text.as_bytes()), slowly(text.as_bytes(), 0));
        }
    }

    #[test]
    fn a_quote_after_an_escape_across_the_border_of_blocks_ends_nothing() {
        for before in [62, 63, 64, 126, 127] {
            let text = format!("{}\\\"x\" and more", "a".repeat(before));
            assert_eq!(length(text.as_bytes()), Some(before + 3));
        }
    }
}
