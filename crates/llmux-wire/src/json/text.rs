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
#[inline(never)]
fn crowded(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    // Set when the first byte of a block belongs to an escape of the one before.
    let mut carried = 0;
    for block in rest.as_chunks::<64>().0 {
        let (quote, escape) = (bits(block, QUOTE), bits(block, ESCAPE));
        let (escaped, carry) = escaped(escape, carried);
        carried = carry;
        let end = quote & !escaped;
        let before = end.wrapping_sub(1) & !end;
        if has_control(block) && control(block) & before != 0 {
            return None;
        }
        let mut left = escaped & before;
        while left != 0 {
            let place = at + left.trailing_zeros() as usize;
            if !rest.get(place).is_some_and(|byte| is_simple(*byte)) {
                is_escape(rest, place)?;
            }
            left &= left - 1;
        }
        if end != 0 {
            return Some(at + end.trailing_zeros() as usize);
        }
        at += 64;
    }
    if carried > 0 {
        is_escape(rest, at)?;
        at += 1;
    }
    slowly(rest, at)
}

/// The bytes of a block that a backslash before them takes the meaning from, and the same for the first byte of the
/// next block. A backslash does so unless another one does it to it: in a row of them every second one counts, which
/// an addition finds for all rows at once.
fn escaped(backslash: u64, carried: u64) -> (u64, u64) {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    if backslash == 0 {
        return (carried, 0);
    }
    let backslash = backslash & !carried;
    let follows = backslash << 1 | carried;
    let odd_starts = backslash & !EVEN & !follows;
    let (even_rows, carry) = odd_starts.overflowing_add(backslash);
    ((EVEN ^ even_rows << 1) & follows, u64::from(carry))
}

/// Byte for byte, where no block is left.
#[inline(never)]
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
    match *rest.get(at)? {
        b'u' => rest.get(at + 1..at + 5)?.iter().all(u8::is_ascii_hexdigit).then_some(()),
        byte => is_simple(byte).then_some(()),
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

/// Which bytes of a block are this one.
fn bits(block: &[u8; 64], byte: u8x16) -> u64 {
    mask(block, |bytes| bytes.simd_eq(byte))
}

/// Which bytes of a block are control characters.
#[cold]
fn control(block: &[u8; 64]) -> u64 {
    mask(block, |bytes| bytes.min(CONTROL).simd_eq(bytes))
}

fn has_control(block: &[u8; 64]) -> bool {
    let parts = block.as_chunks::<16>().0.iter().map(|part| u8x16::new(*part));
    let found = parts.fold(u8x16::ZERO, |found, bytes| found | bytes.min(CONTROL).simd_eq(bytes));
    found.to_bitmask() != 0
}

fn mask(block: &[u8; 64], is: impl Fn(u8x16) -> u8x16) -> u64 {
    let parts = block.as_chunks::<16>().0.iter().enumerate();
    parts.fold(0, |mask, (place, part)| mask | u64::from(is(u8x16::new(*part)).to_bitmask()) << (place * 16))
}

/// Whether this character makes an escape on its own.
fn is_simple(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't')
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
