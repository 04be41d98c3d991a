//! Finding the top-level fields of a JSON object at the speed of a byte search.
//!
//! Prompts are long strings, and all that matters about a string here is where it ends. The scanner follows
//! JSON's grammar to the letter (RFC 8259): what it accepts is valid. What it does not accept, or is nested too
//! deeply for it, is left to a parser that can also say what is wrong.

use llmux_core::Field;
use wide::u8x16;

/// Deepest nesting that is followed.
const MAX_DEPTH: u32 = 127;

/// The fields of the object that `text` is, at most `limit` of them; `None` if it is not plainly an object.
pub(super) fn fields(text: &str, limit: usize) -> Option<Vec<Field>> {
    let mut scan = Scan { bytes: text.as_bytes(), at: 0 };
    let mut fields = Vec::with_capacity(16);
    scan.white();
    scan.expect(b'{')?;
    scan.white();
    if scan.peek()? == b'}' {
        scan.at += 1;
    } else {
        loop {
            scan.white();
            let key = scan.at;
            scan.string()?;
            let key = key..scan.at;
            scan.white();
            scan.expect(b':')?;
            scan.white();
            let value = scan.at;
            scan.value()?;
            fields.push(Field { key, value: value..scan.at });
            scan.white();
            match scan.next()? {
                b',' if fields.len() < limit => {}
                b'}' => break,
                _ => return None,
            }
        }
    }
    scan.white();
    (scan.at == scan.bytes.len()).then_some(fields)
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    fn white(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// One value, whatever is nested in it. Which brackets are open stands in the bits of a number.
    fn value(&mut self) -> Option<()> {
        let mut open = Open::default();
        loop {
            self.white();
            match self.peek()? {
                b'"' => self.string()?,
                b'{' => {
                    self.at += 1;
                    self.white();
                    if self.peek()? != b'}' {
                        open.push(true)?;
                        self.key()?;
                        continue;
                    }
                    self.at += 1;
                }
                b'[' => {
                    self.at += 1;
                    self.white();
                    if self.peek()? != b']' {
                        open.push(false)?;
                        continue;
                    }
                    self.at += 1;
                }
                b't' => self.word(b"true")?,
                b'f' => self.word(b"false")?,
                b'n' => self.word(b"null")?,
                _ => self.number()?,
            }
            if self.close(&mut open)? {
                return Some(());
            }
        }
    }

    /// What follows a value: closing brackets, then a comma. `true` when no bracket is left open.
    fn close(&mut self, open: &mut Open) -> Option<bool> {
        while open.depth > 0 {
            self.white();
            match (self.next()?, open.in_object()) {
                (b',', true) => {
                    self.white();
                    self.key()?;
                    return Some(false);
                }
                (b',', false) => return Some(false),
                (b'}', true) | (b']', false) => open.pop(),
                _ => return None,
            }
        }
        Some(true)
    }

    fn key(&mut self) -> Option<()> {
        self.string()?;
        self.white();
        self.expect(b':')
    }

    fn string(&mut self) -> Option<()> {
        self.expect(b'"')?;
        loop {
            self.at += plain(self.bytes.get(self.at..)?)?;
            if self.next()? == b'"' {
                return Some(());
            }
            match self.next()? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                b'u' => {
                    let digits = self.bytes.get(self.at..self.at + 4)?;
                    if !digits.iter().all(u8::is_ascii_hexdigit) {
                        return None;
                    }
                    self.at += 4;
                }
                _ => return None,
            }
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.bytes.get(self.at..)?.starts_with(word).then(|| self.at += word.len())
    }

    fn number(&mut self) -> Option<()> {
        if self.peek()? == b'-' {
            self.at += 1;
        }
        if self.peek()? == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let count = self.bytes.get(self.at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        (count > 0).then_some(())
    }
}

/// How many bytes of a string come before its end or its next escape; `None` if a control character does, which
/// must be escaped. Sixteen bytes are looked at in one step.
fn plain(rest: &[u8]) -> Option<usize> {
    const QUOTE: u8x16 = u8x16::new([b'"'; 16]);
    const BACKSLASH: u8x16 = u8x16::new([b'\\'; 16]);
    const CONTROL: u8x16 = u8x16::new([0x1f; 16]);
    let (blocks, end) = rest.as_chunks::<16>();
    let mut length = 0;
    for block in blocks {
        let block = u8x16::new(*block);
        let control = block.min(CONTROL).simd_eq(block);
        let special = (block.simd_eq(QUOTE) | block.simd_eq(BACKSLASH) | control).to_bitmask();
        if special != 0 {
            length += special.trailing_zeros() as usize;
            return rest.get(length).filter(|byte| **byte >= 0x20).map(|_| length);
        }
        length += 16;
    }
    let found = end.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..=0x1f))?;
    end.get(found).filter(|byte| **byte >= 0x20).map(|_| length + found)
}

/// The brackets that are open: a bit for each, set for objects.
#[derive(Default)]
struct Open {
    kinds: u128,
    depth: u32,
}

impl Open {
    fn push(&mut self, object: bool) -> Option<()> {
        if self.depth >= MAX_DEPTH {
            return None;
        }
        self.kinds = self.kinds << 1 | u128::from(object);
        self.depth += 1;
        Some(())
    }

    fn pop(&mut self) {
        self.kinds >>= 1;
        self.depth = self.depth.saturating_sub(1);
    }

    fn in_object(&self) -> bool {
        self.kinds & 1 == 1
    }
}
