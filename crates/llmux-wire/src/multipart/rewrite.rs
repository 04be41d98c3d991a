//! From a form to the form that goes on.

use bytes::{BufMut, Bytes, BytesMut};
use llmux_core::{FormEdits, FormShape, Frames, Result};

use super::{Boundary, Event, Scanner, malformed, scan};

/// What makes up for fields that were left out after the length was told: it means nothing behind the last boundary.
static FILLER: [u8; 4096] = [b'\n'; 4096];

/// How much longer the same headers are as they are written here.
const BREVITY: usize = 64;

/// Writes a form anew as it passes: the fields that are set come first, those that are left out are missing, the
/// others are the bytes that they were. The boundary stays. Or gives the content of its first file alone.
pub struct Rewriter {
    scanner: Scanner,
    out: Output,
    edits: FormEdits,
    /// Places in the list of files that have been given.
    given: Vec<usize>,
    file_type: Option<String>,
}

/// What happens to a part.
enum Fate {
    Passes,
    Renamed(&'static str),
    /// Without what is around it.
    Alone,
    LeftOut,
}

impl Rewriter {
    /// A rewriter at the start of a form, and what comes first.
    #[must_use]
    pub fn new(boundary: &Boundary, edits: FormEdits, frames: &mut Frames) -> Self {
        let mut out = Output { delimiter: boundary.delimiter(), ..Output::default() };
        if let FormShape::Files(files) = edits.shape {
            // Their headers may become longer by the new name, and by what the client wrote more briefly.
            out.added = files.iter().map(|(_, name)| (name.len() + BREVITY) as u64).sum();
        }
        for (name, value) in edits.set.iter().chain(&edits.add) {
            let head = format!("Content-Disposition: form-data; name=\"{}\"", quoted(name));
            let length = out.part(head.as_bytes(), frames);
            out.give(Bytes::copy_from_slice(value.as_bytes()), frames);
            out.added += length + value.len() as u64;
        }
        Self { scanner: Scanner::new(boundary), out, edits, given: Vec::new(), file_type: None }
    }

    /// Takes the next bytes of the form and gives those that go on.
    ///
    /// # Errors
    /// A 400 when the bytes are no form.
    pub fn push(&mut self, piece: Bytes, frames: &mut Frames) -> Result<()> {
        let Self { scanner, out, edits, given, file_type } = self;
        let alone = edits.shape == FormShape::Content;
        scanner.push(piece, |event| {
            match event {
                Event::Part { name, file, headers } => {
                    let fate = fate(edits, given, &name, file);
                    out.leaves_out = matches!(fate, Fate::LeftOut);
                    match fate {
                        Fate::LeftOut => out.left_out += out.around(&headers),
                        Fate::Passes => _ = out.part(&headers, frames),
                        Fate::Renamed(name) => _ = out.part(&renamed(&headers, name), frames),
                        Fate::Alone => *file_type = scan::content_type(&headers),
                    }
                }
                Event::Data(data) if out.leaves_out => out.left_out += data.len() as u64,
                Event::Data(data) => out.give(data, frames),
                Event::PartEnd => out.leaves_out = alone,
                Event::End if alone => out.leaves_out = true,
                Event::End => out.delimiter(b"--", frames),
            }
            Ok(())
        })
    }

    /// The content type of the file that goes on alone, as far as the client has told one.
    #[must_use]
    pub fn file_type(&self) -> Option<&str> {
        self.file_type.as_deref()
    }

    /// How many bytes have gone on.
    #[must_use]
    pub fn given(&self) -> u64 {
        self.out.given
    }

    /// How long the form becomes if `length` bytes come in altogether and no more fields are left out than have been
    /// so far. It never becomes longer. `None` for a file alone, whose length the form does not tell.
    #[must_use]
    pub fn length(&self, length: u64) -> Option<u64> {
        let length = length.saturating_add(self.out.added).saturating_sub(self.out.left_out);
        (self.edits.shape != FormShape::Content).then_some(length)
    }

    /// The form has ended. Where `promised` bytes were announced and fields have been left out since, empty lines make
    /// up for them: what follows the last boundary means nothing.
    ///
    /// # Errors
    /// A 400 when the form is not complete, or a file is wanted and it has none.
    pub fn finish(&mut self, promised: Option<u64>, frames: &mut Frames) -> Result<()> {
        if !self.scanner.is_complete() {
            return Err(malformed("it breaks off"));
        }
        if self.edits.shape == FormShape::Content && self.given.is_empty() {
            return Err(malformed("it has no file"));
        }
        let mut missing = promised.unwrap_or_default().saturating_sub(self.out.given);
        while missing > 0 {
            let piece = usize::try_from(missing).unwrap_or(FILLER.len()).min(FILLER.len());
            self.out.give(Bytes::from_static(&FILLER).slice(..piece), frames);
            missing -= piece as u64;
        }
        Ok(())
    }
}

/// What happens to a part. `given`: the files that have gone on.
fn fate(edits: &FormEdits, given: &mut Vec<usize>, name: &str, file: bool) -> Fate {
    match edits.shape {
        FormShape::Files(files) if file => {
            let found = files.iter().position(|(from, _)| *from == name).filter(|at| !given.contains(at));
            given.extend(found);
            let to = found.and_then(|at| files.get(at)).map(|(_, to)| *to);
            to.map_or(Fate::LeftOut, Fate::Renamed)
        }
        FormShape::Content if file && given.is_empty() => {
            given.push(0);
            Fate::Alone
        }
        FormShape::Whole if !edits.replaces(name) => Fate::Passes,
        _ => Fate::LeftOut,
    }
}

/// The headers of a part that is for another field.
fn renamed(headers: &[u8], name: &str) -> Vec<u8> {
    let mut out = format!("Content-Disposition: form-data; name=\"{}\"", quoted(name)).into_bytes();
    let file = scan::file_name(headers).unwrap_or_else(|| "file".to_owned());
    out.extend_from_slice(format!("; filename=\"{}\"", quoted(&file.replace('"', "'"))).as_bytes());
    if let Some(kind) = scan::content_type(headers) {
        out.extend_from_slice(format!("\r\nContent-Type: {kind}").as_bytes());
    }
    out
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
