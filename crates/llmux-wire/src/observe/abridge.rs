//! JSON as it comes, cut into documents, with long members left out.

/// Longest member of a document that is kept, in bytes. What tells usage is far shorter.
const MAX_MEMBER: usize = 256 << 10;
/// Longest document that is kept, long members left out, in bytes.
pub(super) const MAX_DOCUMENT: usize = 1 << 20;

/// Finds the objects at the top of a JSON text, or in an array at its top, and abridges them: a member that is longer
/// than [`MAX_MEMBER`] is emptied. It takes what it is given for JSON; what comes out of anything else is no JSON
/// either.
#[derive(Debug, Default)]
pub(super) struct Abridger {
    document: Vec<u8>,
    depth: usize,
    /// The depth at which documents stand: one, if the text is an array.
    base: usize,
    in_string: bool,
    escaped: bool,
    /// Where the current member's value begins in the document.
    value: Option<usize>,
    /// The rest of the member is left out.
    skips: bool,
    /// The document is too long to be kept.
    lost: bool,
}

impl Abridger {
    /// Takes more bytes and gives the documents that they complete to `sink`.
    pub(super) fn push(&mut self, bytes: &[u8], mut sink: impl FnMut(&[u8])) {
        for byte in bytes {
            if self.take(*byte) {
                if !self.lost {
                    sink(&self.document);
                }
                self.document.clear();
                self.lost = false;
            }
        }
    }

    /// The bytes that are held.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.document.len()
    }

    /// Takes a byte and says whether it completes a document.
    fn take(&mut self, byte: u8) -> bool {
        if self.in_string {
            self.in_string = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            self.keep(byte);
            return false;
        }
        match byte {
            b'"' => self.in_string = true,
            b'[' if self.depth == 0 => {
                self.base = 1;
                self.depth = 1;
                return false;
            }
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => return self.close(byte),
            b',' if self.level() == 1 => self.end_member(),
            b':' if self.level() == 1 && self.value.is_none() => {
                self.keep(byte);
                self.value = Some(self.document.len());
                return false;
            }
            _ => {}
        }
        self.keep(byte);
        false
    }

    fn close(&mut self, byte: u8) -> bool {
        let ends = self.level() == 1;
        if ends {
            self.end_member();
        }
        self.keep(byte);
        self.depth = self.depth.saturating_sub(1);
        ends
    }

    fn end_member(&mut self) {
        self.value = None;
        self.skips = false;
    }

    /// How deep inside a document.
    fn level(&self) -> usize {
        self.depth.saturating_sub(self.base)
    }

    fn keep(&mut self, byte: u8) {
        if self.skips || self.lost || self.level() == 0 {
            return;
        }
        self.document.push(byte);
        if let Some(start) =
            self.value.filter(|start| self.document.len().saturating_sub(*start) > MAX_MEMBER)
        {
            let empty: &[u8] =
                match self.document.get(start..).and_then(|value| value.trim_ascii_start().first()) {
                    Some(b'[') => b"[]",
                    Some(b'{') => b"{}",
                    Some(b'"') => b"\"\"",
                    _ => b"null",
                };
            self.document.truncate(start);
            self.document.extend_from_slice(empty);
            self.skips = true;
        }
        if self.document.len() > MAX_DOCUMENT {
            self.document.clear();
            self.lost = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        Abridger::default()
            .push(text.as_bytes(), |document| found.push(String::from_utf8(document.to_vec()).unwrap()));
        found
    }

    #[test]
    fn short_documents_come_out_as_they_are() {
        for text in [r#"{}"#, r#"{"a":{"b":[1,{"c":"}\"]"}]}, "d" : ":"}"#] {
            assert_eq!(documents(text), [text]);
            assert_eq!(documents(&format!("[{text} ,\n{text}]")), [text, text]);
        }
        assert!(documents("[1,\"{}\",null]").is_empty());
    }

    #[test]
    fn long_members_are_emptied_and_their_neighbours_kept() {
        let long = "x".repeat(MAX_MEMBER);
        let text = format!(r#"{{"a":"{long}","b":["{long}",1],"c":{{"d":"{long}"}},"e":5}}"#);
        assert_eq!(documents(&text), [r#"{"a":"","b":[],"c":{},"e":5}"#]);
    }

    #[test]
    fn a_document_that_is_too_long_is_left_out_and_the_next_one_is_not() {
        let members: Vec<_> =
            (0..9).map(|at| format!(r#""{at}":"{}""#, "x".repeat(MAX_MEMBER - 9))).collect();
        assert_eq!(documents(&format!("[{{{}}},{{\"a\":1}}]", members.join(","))), [r#"{"a":1}"#]);
    }
}
