//! Finding the top-level fields of a JSON object at the speed of a byte search.
//!
//! Prompts are long strings, and all that matters about a string here is where it ends. The scanner follows
//! JSON's grammar to the letter (RFC 8259): what it accepts is valid. What it does not accept, or is nested too
//! deeply for it, is left to a parser that can also say what is wrong.

use llmux_core::Field;

use super::text::length;

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

/// A place in a JSON text.
pub(super) struct Scan<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl Scan<'_> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    pub(super) fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    pub(super) fn white(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// One value, whatever is nested in it. Which brackets are open stands in the bits of a number.
    pub(super) fn value(&mut self) -> Option<()> {
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

    pub(super) fn string(&mut self) -> Option<()> {
        let text = self.bytes.get(self.at..)?.strip_prefix(b"\"")?;
        self.at += length(text)? + 2;
        Some(())
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
