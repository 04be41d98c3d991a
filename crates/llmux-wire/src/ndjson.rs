//! Streams of JSON values, one on each line (`application/x-ndjson`).

use bytes::{BufMut, BytesMut};
use llmux_core::{Error, ErrorKind, Result};

use crate::sse::MAX_EVENT;

/// Splits a byte stream into lines, however it is cut. Blank lines are skipped.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: BytesMut,
    /// How much of the buffer is known to hold no line end.
    scanned: usize,
}

impl Decoder {
    /// A decoder at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes more bytes and gives the lines that they complete to `sink`.
    ///
    /// # Errors
    /// When one line grows past [`MAX_EVENT`], or when `sink` fails.
    pub fn push(&mut self, bytes: &[u8], mut sink: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.buffer.extend_from_slice(bytes);
        while let Some(at) = memchr::memchr(b'\n', self.buffer.get(self.scanned..).unwrap_or_default()) {
            let line = self.buffer.split_to(self.scanned + at + 1);
            self.scanned = 0;
            give(&line, &mut sink)?;
        }
        self.scanned = self.buffer.len();
        if self.scanned > MAX_EVENT {
            return Err(Error::upstream(ErrorKind::BadReply, "the provider sent a line that is too long"));
        }
        Ok(())
    }

    /// The stream ended: a last line without its end is given too.
    ///
    /// # Errors
    /// When `sink` fails.
    pub fn finish(&mut self, mut sink: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.scanned = 0;
        give(&self.buffer.split(), &mut sink)
    }
}

fn give(line: &[u8], sink: &mut impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let line = line.trim_ascii();
    if line.is_empty() { Ok(()) } else { sink(line) }
}

/// Appends one line; `json` must hold no line break.
pub fn write(out: &mut BytesMut, json: &[u8]) {
    out.put_slice(json);
    out.put_u8(b'\n');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
        let (mut decoder, mut lines) = (Decoder::new(), Vec::new());
        let mut keep = |line: &[u8]| {
            lines.push(line.to_vec());
            Ok(())
        };
        for piece in pieces {
            decoder.push(piece, &mut keep).unwrap();
        }
        decoder.finish(&mut keep).unwrap();
        lines
    }

    proptest! {
        #[test]
        fn the_split_of_the_bytes_changes_nothing(
            stream in "([a-z{}\"]{0,5}(\n|\r\n)?){0,12}",
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let stream = stream.as_bytes();
            let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            places.extend([0, stream.len()]);
            places.sort_unstable();
            let pieces: Vec<_> = places.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
            prop_assert_eq!(lines(pieces), lines([stream]));
        }
    }

    #[test]
    fn lines_end_in_either_way_and_the_last_needs_no_end() {
        assert_eq!(lines([&b"{1}\r\n\n{2}\n{3}"[..]]), [b"{1}", b"{2}", b"{3}"]);
    }

    #[test]
    fn a_line_that_never_ends_is_refused() {
        let mut decoder = Decoder::new();
        let piece = vec![b'x'; MAX_EVENT];
        decoder.push(&piece, |_| Ok(())).unwrap();
        assert_eq!(decoder.push(b"x", |_| Ok(())).unwrap_err().kind(), ErrorKind::BadReply);
    }
}
