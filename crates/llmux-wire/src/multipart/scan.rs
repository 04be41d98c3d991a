//! From bytes to parts.

use bytes::{Buf, Bytes, BytesMut};
use llmux_core::Result;
use memchr::memmem::Finder;

use super::{Boundary, malformed};

/// Most bytes of the headers of one part.
const MAX_HEADERS: usize = 16 << 10;

/// What a form consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A part begins.
    Part {
        /// The field.
        name: String,
        /// Whether the part is a file.
        file: bool,
        /// Its headers as they stand, without the empty line behind them.
        headers: Bytes,
    },
    /// Bytes of the part, in order; of what follows the last part behind [`Self::End`].
    Data(Bytes),
    /// The part is complete.
    PartEnd,
    /// The form is complete. What follows means nothing; it is told as data.
    End,
}

/// Where the scanner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In front of the first part.
    Preamble,
    /// Behind a delimiter: more parts follow, or none.
    Delimiter,
    Headers,
    /// Where the content of a part begins.
    Content,
    Data,
    Epilogue,
}

/// Cuts the bytes of a form into events, however they are split. It keeps no more than the headers of one part, or as
/// many bytes as may begin a delimiter.
pub struct Scanner {
    delimiter: Finder<'static>,
    place: Place,
    held: BytesMut,
}

impl Scanner {
    /// A scanner at the start of a form.
    #[must_use]
    pub fn new(boundary: &Boundary) -> Self {
        let delimiter = Finder::new(&boundary.delimiter()).into_owned();
        // The first delimiter needs no line in front of it.
        Self { delimiter, place: Place::Preamble, held: BytesMut::from(&b"\r\n"[..]) }
    }

    /// Whether the form is complete.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.place == Place::Epilogue
    }

    /// Takes the next bytes and tells of what they complete.
    ///
    /// # Errors
    /// A 400 when the bytes are no form, and whatever `event` fails with.
    pub fn push(&mut self, piece: Bytes, mut event: impl FnMut(Event) -> Result<()>) -> Result<()> {
        let mut bytes = if self.held.is_empty() {
            piece
        } else {
            self.held.extend_from_slice(&piece);
            self.held.split().freeze()
        };
        while self.step(&mut bytes, &mut event)? {}
        self.held.extend_from_slice(&bytes);
        Ok(())
    }

    /// One step forward; `false` when more bytes are needed. What it leaves in `bytes` is held back.
    fn step(&mut self, bytes: &mut Bytes, event: &mut impl FnMut(Event) -> Result<()>) -> Result<bool> {
        match self.place {
            Place::Preamble | Place::Data => self.up_to_delimiter(bytes, event),
            Place::Delimiter => self.behind_delimiter(bytes, event),
            Place::Headers => self.headers(bytes, event),
            Place::Content => self.content(bytes),
            Place::Epilogue => {
                let rest = std::mem::take(bytes);
                if !rest.is_empty() {
                    event(Event::Data(rest))?;
                }
                Ok(false)
            }
        }
    }

    fn up_to_delimiter(
        &mut self,
        bytes: &mut Bytes,
        event: &mut impl FnMut(Event) -> Result<()>,
    ) -> Result<bool> {
        let found = self.delimiter.find(bytes);
        let content = bytes.split_to(found.unwrap_or_else(|| self.certain(bytes)));
        let inside = self.place == Place::Data;
        if inside && !content.is_empty() {
            event(Event::Data(content))?;
        }
        if found.is_some() {
            bytes.advance(self.delimiter.needle().len());
            self.place = Place::Delimiter;
            if inside {
                event(Event::PartEnd)?;
            }
        }
        Ok(found.is_some())
    }

    /// How many bytes cannot belong to a delimiter whose rest is still to come.
    fn certain(&self, bytes: &[u8]) -> usize {
        let needle = self.delimiter.needle();
        let from = bytes.len().saturating_sub(needle.len().saturating_sub(1));
        let tail = bytes.get(from..).unwrap_or_default();
        // A delimiter holds one carriage return only, at its start.
        match memchr::memrchr(b'\r', tail) {
            Some(at) if tail.get(at..).is_some_and(|tail| needle.starts_with(tail)) => from + at,
            _ => bytes.len(),
        }
    }

    fn behind_delimiter(
        &mut self,
        bytes: &mut Bytes,
        event: &mut impl FnMut(Event) -> Result<()>,
    ) -> Result<bool> {
        if bytes.starts_with(b"--") {
            bytes.advance(2);
            self.place = Place::Epilogue;
            event(Event::End)?;
            return Ok(true);
        }
        // White space may follow it.
        let blank = bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        match bytes.get(blank..).unwrap_or_default() {
            [b'\r', b'\n', ..] => {
                // The line's end may be the empty line already, when a part has no headers.
                bytes.advance(blank);
                self.place = Place::Headers;
                Ok(true)
            }
            [] | [b'\r' | b'-'] if blank <= MAX_HEADERS => Ok(false),
            _ => Err(malformed("something follows a boundary")),
        }
    }

    fn headers(&mut self, bytes: &mut Bytes, event: &mut impl FnMut(Event) -> Result<()>) -> Result<bool> {
        let end = memchr::memmem::find(bytes, b"\r\n\r\n");
        if end.unwrap_or(bytes.len()) > MAX_HEADERS {
            return Err(malformed("the headers of a part are too long"));
        }
        let Some(end) = end else { return Ok(false) };
        let mut headers = bytes.split_to(end);
        bytes.advance(4);
        headers.advance(headers.len().min(2));
        let (name, file) =
            read(&headers).ok_or_else(|| malformed("a part does not say which field it is"))?;
        self.place = Place::Content;
        event(Event::Part { name, file, headers })?;
        Ok(true)
    }

    /// A delimiter that shares its line with the headers would be one to some readers and content to others.
    fn content(&mut self, bytes: &[u8]) -> Result<bool> {
        let delimiter = self.delimiter.needle().get(2..).unwrap_or_default();
        if bytes.starts_with(delimiter) {
            return Err(malformed("a part has no content"));
        }
        if delimiter.starts_with(bytes) {
            return Ok(false);
        }
        self.place = Place::Data;
        Ok(true)
    }
}

/// The value of a header.
fn header<'a>(headers: &'a [u8], wanted: &str) -> Option<&'a [u8]> {
    headers.split(|byte| *byte == b'\n').find_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        let (name, value) = line.split_at_checked(colon)?;
        name.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes()).then_some(value.get(1..)?)
    })
}

/// What a part says that it is.
pub(super) fn content_type(headers: &[u8]) -> Option<String> {
    let kind = std::str::from_utf8(header(headers, "content-type")?).ok()?.trim();
    Some(kind.to_owned()).filter(|kind| !kind.is_empty())
}

/// The name of a file.
pub(super) fn file_name(headers: &[u8]) -> Option<String> {
    let named = parameters(header(headers, "content-disposition")?).into_iter();
    let mut names = named.filter(|(key, _)| key.eq_ignore_ascii_case(b"filename"));
    names.next().map(|(_, value)| String::from_utf8_lossy(&value).into_owned())
}

/// The field's name, and whether it is a file.
fn read(headers: &[u8]) -> Option<(String, bool)> {
    let disposition = header(headers, "content-disposition")?;
    let (mut name, mut file) = (None, false);
    for (key, value) in parameters(disposition) {
        match key.to_ascii_lowercase().as_slice() {
            b"name" => name = Some(String::from_utf8_lossy(&value).into_owned()),
            b"filename" | b"filename*" => file = true,
            _ => {}
        }
    }
    Some((name?, file))
}

/// The parameters of a header, unquoted. Browsers write quotes inside as `%22`, others with a backslash.
fn parameters(header: &[u8]) -> Vec<(&[u8], Vec<u8>)> {
    let mut found = Vec::new();
    let mut rest = header;
    while let Some(at) = memchr::memchr(b';', rest) {
        rest = rest.get(at + 1..).unwrap_or_default();
        let Some(equals) = memchr::memchr(b'=', rest) else { break };
        let (key, value) = rest.split_at(equals);
        let value = value.get(1..).unwrap_or_default().trim_ascii_start();
        let (value, after) = match value.strip_prefix(b"\"") {
            Some(quoted) => unquote(quoted),
            None => {
                let end = memchr::memchr(b';', value).unwrap_or(value.len());
                let (value, after) = value.split_at(end);
                (value.trim_ascii().to_vec(), after)
            }
        };
        found.push((key.trim_ascii(), value));
        rest = after;
    }
    found
}

/// What stands up to the closing quote, and what follows it.
fn unquote(quoted: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut value = Vec::new();
    let mut bytes = quoted.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => break,
            // Windows' paths have backslashes too: only those before a quote or another one mean something.
            b'\\' if matches!(bytes.as_slice().first(), Some(b'"' | b'\\')) => value.extend(bytes.next()),
            byte => value.push(*byte),
        }
    }
    (value, bytes.as_slice())
}
