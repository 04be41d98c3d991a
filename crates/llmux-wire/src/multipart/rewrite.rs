//! From a form to the form that goes on.

use bytes::{BufMut, Bytes, BytesMut};
use llmux_core::{FormEdits, Frames, Result};

use super::{Boundary, Event, Scanner, malformed};

/// Writes a form anew as it passes: the fields that are set come first, those that are left out are missing, the
/// others are the bytes that they were. The boundary stays.
pub struct Rewriter {
    scanner: Scanner,
    out: Output,
    edits: FormEdits,
}

impl Rewriter {
    /// A rewriter at the start of a form, and what comes first.
    #[must_use]
    pub fn new(boundary: &Boundary, edits: FormEdits, frames: &mut Frames) -> Self {
        let mut out = Output { delimiter: boundary.delimiter(), ..Output::default() };
        for (name, value) in edits.set.iter().chain(&edits.add) {
            let head = format!("Content-Disposition: form-data; name=\"{}\"", quoted(name));
            let length = out.part(head.as_bytes(), frames);
            out.give(Bytes::copy_from_slice(value.as_bytes()), frames);
            out.added += length + value.len() as u64;
        }
        Self { scanner: Scanner::new(boundary), out, edits }
    }

    /// Takes the next bytes of the form and gives those that go on.
    ///
    /// # Errors
    /// A 400 when the bytes are no form.
    pub fn push(&mut self, piece: Bytes, frames: &mut Frames) -> Result<()> {
        let Self { scanner, out, edits } = self;
        scanner.push(piece, |event| {
            match event {
                Event::Part { name, headers, .. } => {
                    out.leaves_out = edits.replaces(&name);
                    if out.leaves_out {
                        out.left_out += out.around(&headers);
                    } else {
                        out.part(&headers, frames);
                    }
                }
                Event::Data(data) if out.leaves_out => out.left_out += data.len() as u64,
                Event::Data(data) => out.give(data, frames),
                Event::PartEnd => out.leaves_out = false,
                Event::End => out.delimiter(b"--", frames),
            }
            Ok(())
        })
    }

    /// How long the form becomes if `length` bytes come in altogether and no more fields are left out than have been
    /// so far. It never becomes longer.
    #[must_use]
    pub fn length(&self, length: u64) -> u64 {
        length.saturating_add(self.out.added).saturating_sub(self.out.left_out)
    }

    /// The form has ended. Where `promised` bytes were announced and fields have been left out since, empty lines make
    /// up for them: what follows the last boundary means nothing.
    ///
    /// # Errors
    /// A 400 when the form is not complete.
    pub fn finish(&mut self, promised: Option<u64>, frames: &mut Frames) -> Result<()> {
        if !self.scanner.is_complete() {
            return Err(malformed("it breaks off"));
        }
        let missing = promised.unwrap_or_default().saturating_sub(self.out.given);
        let filler = usize::try_from(missing).unwrap_or_default();
        self.out.give(Bytes::from(vec![b'\n'; filler]), frames);
        Ok(())
    }
}

/// What goes on, and how much of it there is.
#[derive(Default)]
struct Output {
    delimiter: Vec<u8>,
    /// The part at hand is left out.
    leaves_out: bool,
    /// Bytes that have gone on.
    given: u64,
    /// Bytes of fields that were set.
    added: u64,
    /// Bytes of fields that were left out.
    left_out: u64,
}

impl Output {
    /// Begins a part. Gives how many bytes stand around its content, the first line's end included.
    fn part(&mut self, headers: &[u8], frames: &mut Frames) -> u64 {
        self.delimiter(b"\r\n", frames);
        let mut rest = BytesMut::with_capacity(headers.len() + 4);
        rest.put_slice(headers);
        rest.put_slice(b"\r\n\r\n");
        self.give(rest.freeze(), frames);
        self.around(headers)
    }

    fn around(&self, headers: &[u8]) -> u64 {
        (self.delimiter.len() + headers.len() + 6) as u64
    }

    fn delimiter(&mut self, end: &[u8], frames: &mut Frames) {
        // Nothing stands in front of the first.
        let from = if self.given == 0 { 2 } else { 0 };
        let mut line = BytesMut::from(self.delimiter.get(from..).unwrap_or_default());
        line.put_slice(end);
        self.give(line.freeze(), frames);
    }

    fn give(&mut self, bytes: Bytes, frames: &mut Frames) {
        self.given = self.given.saturating_add(bytes.len() as u64);
        frames.push(bytes);
    }
}

/// A field's name between quotes, as browsers write it.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace(['\r', '\n'], " ")
}
