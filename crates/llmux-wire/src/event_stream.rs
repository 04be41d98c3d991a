//! Amazon's event streams, `application/vnd.amazon.eventstream`, by the Smithy specification of that encoding.
//!
//! A message is its length, the length of its headers, a checksum of the two, headers, payload and a checksum of
//! everything; numbers are big-endian. A header is a name, a type and a value; those with a meaning here are texts.

use bytes::{BufMut, Bytes, BytesMut};
use llmux_core::{Error, ErrorKind, Result};

/// The media type of such a stream.
pub const MEDIA_TYPE: &str = "application/vnd.amazon.eventstream";
/// Longest message that is read, in bytes.
pub const MAX_MESSAGE: usize = 16 << 20;

/// Two lengths and their checksum.
const PRELUDE: usize = 12;
/// A message without headers and payload.
const SHORTEST: usize = PRELUDE + CHECKSUM;
const CHECKSUM: usize = 4;
/// The type of a header that holds a text.
const TEXT: u8 = 7;

/// One message of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Headers that hold texts, by name; others have no meaning here and are left out.
    headers: Vec<(String, String)>,
    /// What it says, nearly always JSON.
    pub payload: Bytes,
}

impl Message {
    /// Reads one whole message.
    ///
    /// # Errors
    /// [`ErrorKind::BadReply`] when a length, a checksum or a header is wrong.
    pub fn parse(frame: &[u8]) -> Result<Self> {
        let total = length(frame)?.filter(|total| *total == frame.len());
        let (checked, checksum) =
            total.and_then(|_| frame.split_last_chunk::<CHECKSUM>()).ok_or_else(|| bad("it breaks off"))?;
        if crc32fast::hash(checked) != u32::from_be_bytes(*checksum) {
            return Err(bad("its checksum is wrong"));
        }
        let headers = number(checked, 4).unwrap_or_default();
        let (headers, payload) = checked
            .get(PRELUDE..)
            .and_then(|rest| rest.split_at_checked(headers))
            .ok_or_else(|| bad("its headers are longer than itself"))?;
        Ok(Self { headers: read_headers(headers)?, payload: Bytes::copy_from_slice(payload) })
    }

    /// The message with another payload, as bytes.
    #[must_use]
    pub fn with_payload(&self, payload: &[u8]) -> Bytes {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut out = BytesMut::new();
        write(&mut out, &headers, payload);
        out.freeze()
    }

    /// The text of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Splits a byte stream into messages, however it is cut.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: BytesMut,
}

impl Decoder {
    /// A decoder at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes more bytes and gives the messages that they complete to `sink`.
    ///
    /// # Errors
    /// When the bytes are no such stream, a message is longer than [`MAX_MESSAGE`], or `sink` fails.
    pub fn push(&mut self, bytes: &[u8], mut sink: impl FnMut(Message) -> Result<()>) -> Result<()> {
        self.buffer.extend_from_slice(bytes);
        while let Some(total) = length(&self.buffer)?.filter(|total| *total <= self.buffer.len()) {
            sink(Message::parse(&self.buffer.split_to(total))?)?;
        }
        Ok(())
    }

    /// Whether bytes of an unfinished message are waiting.
    #[must_use]
    pub fn is_mid_message(&self) -> bool {
        !self.buffer.is_empty()
    }
}

/// How long the message is that `bytes` begin with, in bytes; `None` while that cannot be known.
///
/// # Errors
/// [`ErrorKind::BadReply`] when no message begins like that, or only one that is longer than [`MAX_MESSAGE`].
pub fn length(bytes: &[u8]) -> Result<Option<usize>> {
    let (Some(prelude), Some(checksum)) = (bytes.get(..8), number(bytes, 8)) else { return Ok(None) };
    if crc32fast::hash(prelude) as usize != checksum {
        return Err(bad("the checksum of its beginning is wrong"));
    }
    match number(bytes, 0) {
        Some(total @ SHORTEST..=MAX_MESSAGE) => Ok(Some(total)),
        Some(total @ ..SHORTEST) => Err(bad(&format!("no message has {total} bytes"))),
        _ => Err(bad("it is too long")),
    }
}

/// Appends a message. Header names must be shorter than 256 bytes, values than 64 KiB: what is longer is cut off.
pub fn write(out: &mut BytesMut, headers: &[(&str, &str)], payload: &[u8]) {
    let mut block = BytesMut::new();
    for (name, value) in headers {
        let name = clip(name, usize::from(u8::MAX));
        let value = clip(value, usize::from(u16::MAX));
        block.put_u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
        block.put_slice(name);
        block.put_u8(TEXT);
        block.put_u16(u16::try_from(value.len()).unwrap_or(u16::MAX));
        block.put_slice(value);
    }
    let total = SHORTEST.saturating_add(block.len()).saturating_add(payload.len());
    let mut message = BytesMut::with_capacity(total);
    message.put_u32(u32::try_from(total).unwrap_or(u32::MAX));
    message.put_u32(u32::try_from(block.len()).unwrap_or(u32::MAX));
    message.put_u32(crc32fast::hash(&message));
    message.put_slice(&block);
    message.put_slice(payload);
    message.put_u32(crc32fast::hash(&message));
    out.unsplit(message);
}

fn clip(text: &str, longest: usize) -> &[u8] {
    text.as_bytes().get(..longest).unwrap_or(text.as_bytes())
}

/// The number that stands at a place.
fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let number = bytes.get(at..)?.first_chunk()?;
    usize::try_from(u32::from_be_bytes(*number)).ok()
}

fn read_headers(mut rest: &[u8]) -> Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    while !rest.is_empty() {
        let Header { name, text, after } = read_header(rest).ok_or_else(|| bad("a header is broken"))?;
        let owned = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        headers.extend(text.map(|text| (owned(name), owned(text))));
        rest = after;
    }
    Ok(headers)
}

/// A header as it stands there.
struct Header<'a> {
    name: &'a [u8],
    text: Option<&'a [u8]>,
    /// What follows it.
    after: &'a [u8],
}

fn read_header(bytes: &[u8]) -> Option<Header<'_>> {
    let (length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    let (kind, rest) = rest.split_first()?;
    // Booleans have no value, whole numbers, moments and UUIDs one of a fixed length, the others tell theirs.
    let (length, rest) = match kind {
        0 | 1 => (0, rest),
        2 => (1, rest),
        3 => (2, rest),
        4 => (4, rest),
        5 | 8 => (8, rest),
        9 => (16, rest),
        6 | &TEXT => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    let (value, after) = rest.split_at_checked(length)?;
    Some(Header { name, text: (*kind == TEXT).then_some(value), after })
}

fn bad(detail: &str) -> Error {
    Error::upstream(ErrorKind::BadReply, format!("the provider's answer is no event stream: {detail}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(pieces: &[&[u8]]) -> Result<Vec<Message>> {
        let (mut decoder, mut messages) = (Decoder::new(), Vec::new());
        for piece in pieces {
            decoder.push(piece, |message| {
                messages.push(message);
                Ok(())
            })?;
        }
        Ok(messages)
    }

    fn message(headers: &[(&str, &str)], payload: &[u8]) -> BytesMut {
        let mut out = BytesMut::new();
        write(&mut out, headers, payload);
        out
    }

    /// The example "payload no headers" of the encoding's published test vectors.
    #[test]
    fn the_published_example_is_read_and_written() {
        let head = [0, 0, 0, 29, 0, 0, 0, 0, 0xFD, 0x52, 0x8C, 0x5A];
        let bytes = [&head[..], b"{'foo':'bar'}", &[0xC3, 0x65, 0x39, 0x36]].concat();
        let messages = decode(&[&bytes]).unwrap();
        assert_eq!(messages[0].payload, &b"{'foo':'bar'}"[..]);
        assert_eq!(message(&[], b"{'foo':'bar'}"), &bytes[..]);
    }

    #[test]
    fn headers_of_every_type_are_understood_and_texts_are_kept() {
        let mut headers = Vec::new();
        let kinds: [(u8, &[u8]); 10] = [
            (0, &[]),
            (1, &[]),
            (2, &[1]),
            (3, &[1, 2]),
            (4, &[1; 4]),
            (5, &[1; 8]),
            (6, &[0, 2, 7, 7]),
            (7, b"\x00\x02hi"),
            (8, &[1; 8]),
            (9, &[1; 16]),
        ];
        for (kind, value) in kinds {
            headers.extend_from_slice(&[1, b'a' + kind, kind]);
            headers.extend_from_slice(value);
        }
        assert_eq!(read_headers(&headers).unwrap(), [("h".to_owned(), "hi".to_owned())]);
        assert!(read_headers(&headers[..headers.len() - 1]).is_err());
        assert!(read_headers(&[1, b'a', 10]).is_err());
    }

    #[test]
    fn what_is_no_stream_is_told_at_once() {
        assert!(decode(&[b"HTTP/1.1 200 OK\r\n"]).is_err());
        let mut long = BytesMut::new();
        long.put_u32(u32::MAX);
        long.put_u32(0);
        long.put_u32(crc32fast::hash(&long));
        assert!(decode(&[&long]).unwrap_err().message().contains("too long"));
        let mut broken = message(&[], b"abc").to_vec();
        broken[13] ^= 1;
        assert!(decode(&[&broken]).unwrap_err().message().contains("checksum"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_however_it_is_cut(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..5),
            name in "[a-z:-]{1,20}",
            value in ".{0,40}",
            cut in any::<prop::sample::Index>(),
        ) {
            let mut stream = BytesMut::new();
            for payload in &payloads {
                write(&mut stream, &[(&name, &value)], payload);
            }
            let (first, second) = stream.split_at(cut.index(stream.len() + 1));
            let messages = decode(&[first, second]).unwrap();
            let single: Vec<_> = stream.chunks(1).collect();
            prop_assert_eq!(&decode(&single).unwrap(), &messages);
            prop_assert_eq!(messages.len(), payloads.len());
            for (message, payload) in messages.iter().zip(&payloads) {
                prop_assert_eq!(&message.payload[..], &payload[..]);
                prop_assert_eq!(message.header(&name), Some(value.as_str()));
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused_the_same_however_they_are_cut(
            bytes in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let single: Vec<_> = bytes.chunks(1).collect();
            prop_assert_eq!(decode(&[&bytes]).is_err(), decode(&single).is_err());
        }
    }
}
