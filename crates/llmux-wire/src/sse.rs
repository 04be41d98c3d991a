//! Server-sent events, as the WHATWG HTML standard defines the stream format.

use bytes::{BufMut, Bytes, BytesMut};
use llmux_core::{Error, ErrorKind, Result};
use serde::Serialize;

/// Longest event that is held while it is incomplete, in bytes.
pub const MAX_EVENT: usize = 16 << 20;

/// One event: its name, empty if it has none, and its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SseEvent {
    /// The `event` field.
    pub name: String,
    /// The `data` fields, joined by line feeds.
    pub data: Bytes,
}

/// Splits a byte stream into events, however it is cut.
///
/// Lines may end in LF, CRLF or CR. Comments and fields without a meaning here are skipped; an event
/// without data is not reported.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: BytesMut,
    /// How much of the buffer is known to hold no line end.
    scanned: usize,
    name: String,
    data: BytesMut,
    has_data: bool,
    /// The last line ended in CR: a LF that follows belongs to it.
    after_cr: bool,
    started: bool,
}

impl Decoder {
    /// A decoder at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes more bytes and gives the events that they complete to `sink`.
    ///
    /// # Errors
    /// When one event grows past [`MAX_EVENT`], or when `sink` fails.
    pub fn push(&mut self, bytes: &[u8], mut sink: impl FnMut(SseEvent) -> Result<()>) -> Result<()> {
        self.buffer.extend_from_slice(bytes);
        while let Some(line) = self.next_line() {
            self.line(&line, &mut sink)?;
        }
        if self.buffer.len().saturating_add(self.data.len()) > MAX_EVENT {
            return Err(Error::upstream(ErrorKind::BadReply, "the provider sent an event that is too long"));
        }
        Ok(())
    }

    /// The stream ended: an event without its closing blank line is given too, as long as its last line was
    /// complete or plainly is.
    ///
    /// # Errors
    /// When `sink` fails.
    pub fn finish(&mut self, mut sink: impl FnMut(SseEvent) -> Result<()>) -> Result<()> {
        if !self.buffer.is_empty() {
            let rest = self.buffer.split().freeze();
            self.line(&rest, &mut sink)?;
        }
        self.dispatch(&mut sink)
    }

    /// Whether bytes of an unfinished event are waiting.
    #[must_use]
    pub fn is_mid_event(&self) -> bool {
        self.has_data || !self.buffer.is_empty()
    }

    fn next_line(&mut self) -> Option<Bytes> {
        if let Some(first) = self.buffer.first().copied()
            && std::mem::take(&mut self.after_cr)
            && first == b'\n'
        {
            let _ = self.buffer.split_to(1);
        }
        let fresh = self.buffer.get(self.scanned..)?;
        let Some(at) = memchr::memchr2(b'\n', b'\r', fresh) else {
            self.scanned = self.buffer.len();
            return None;
        };
        let end = self.scanned.saturating_add(at);
        self.scanned = 0;
        let mut line = self.buffer.split_to(end.saturating_add(1));
        self.after_cr = line.last() == Some(&b'\r');
        line.truncate(end);
        Some(line.freeze())
    }

    fn line(&mut self, line: &Bytes, sink: &mut impl FnMut(SseEvent) -> Result<()>) -> Result<()> {
        let line = if self.started { &line[..] } else { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) };
        self.started = true;
        if line.is_empty() {
            return self.dispatch(sink);
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(0) => return Ok(()),
            Some(at) => {
                let value = line.get(at.saturating_add(1)..).unwrap_or_default();
                (line.get(..at).unwrap_or_default(), value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &b""[..]),
        };
        match field {
            b"data" => {
                if self.has_data {
                    self.data.put_u8(b'\n');
                }
                self.has_data = true;
                self.data.put_slice(value);
            }
            b"event" => self.name = String::from_utf8_lossy(value).into_owned(),
            _ => {}
        }
        Ok(())
    }

    fn dispatch(&mut self, sink: &mut impl FnMut(SseEvent) -> Result<()>) -> Result<()> {
        let name = std::mem::take(&mut self.name);
        if !std::mem::take(&mut self.has_data) {
            return Ok(());
        }
        sink(SseEvent { name, data: self.data.split().freeze() })
    }
}

/// Appends one event. `name` is left out when empty; `data` must hold no line break.
pub fn write(out: &mut BytesMut, name: &str, data: &[u8]) {
    if !name.is_empty() {
        out.put_slice(b"event: ");
        out.put_slice(name.as_bytes());
        out.put_u8(b'\n');
    }
    out.put_slice(b"data: ");
    out.put_slice(data);
    out.put_slice(b"\n\n");
}

/// Appends one event with a value as its data, without a detour over a tree or a text.
pub fn write_json(out: &mut BytesMut, name: &str, data: &impl Serialize) {
    let begun = out.len();
    if !name.is_empty() {
        out.put_slice(b"event: ");
        out.put_slice(name.as_bytes());
        out.put_u8(b'\n');
    }
    out.put_slice(b"data: ");
    if serde_json::to_writer((&mut *out).writer(), data).is_err() {
        // Only a value that is no JSON could be the reason.
        out.truncate(begun);
        return;
    }
    out.put_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<(String, String)> {
        let (mut decoder, mut out) = (Decoder::new(), Vec::new());
        let mut sink = |event: SseEvent| {
            out.push((event.name, String::from_utf8_lossy(&event.data).into_owned()));
            Ok(())
        };
        for piece in pieces {
            decoder.push(piece, &mut sink).unwrap();
        }
        decoder.finish(&mut sink).unwrap();
        out
    }

    fn pair(name: &str, data: &str) -> (String, String) {
        (name.to_owned(), data.to_owned())
    }

    #[test]
    fn names_comments_and_several_data_lines_are_read() {
        let stream = b"\xef\xbb\xbf: hello\nevent: a\ndata: 1\ndata:2\nid: 7\n\n\n\ndata: [DONE]\n\n";
        assert_eq!(decode([&stream[..]]), [pair("a", "1\n2"), pair("", "[DONE]")]);
    }

    #[test]
    fn every_line_end_is_understood() {
        for end in ["\n", "\r\n", "\r"] {
            let stream = format!("data: 1{end}{end}event: b{end}data: 2{end}{end}");
            assert_eq!(decode([stream.as_bytes()]), [pair("", "1"), pair("b", "2")], "{end:?}");
        }
    }

    #[test]
    fn a_blank_line_after_a_split_line_end_still_ends_the_event() {
        let pieces = [&b"data: 1\r"[..], b"\n", b"\n", b"data: 2\n\n"];
        assert_eq!(decode(pieces), [pair("", "1"), pair("", "2")]);
    }

    #[test]
    fn a_last_event_without_its_blank_line_is_given_at_the_end() {
        assert_eq!(decode([&b"data: 1\n\ndata: 2"[..]]), [pair("", "1"), pair("", "2")]);
    }

    #[test]
    fn an_event_that_never_ends_is_refused() {
        let mut decoder = Decoder::new();
        let piece = vec![b'x'; 1 << 20];
        let failed = (0..20).any(|_| decoder.push(&piece, |_| Ok(())).is_err());
        assert!(failed);
    }

    proptest! {
        #[test]
        fn the_split_of_the_bytes_changes_nothing(
            text in "((data|event|id|):? ?[a-c]{0,3}(\n|\r\n|\r)){0,12}",
            cuts in prop::collection::vec(0_usize..200, 0..8),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
            prop_assert_eq!(decode(pieces), decode([bytes]));
            prop_assert_eq!(decode(bytes.chunks(1)), decode([bytes]));
        }
    }
}
