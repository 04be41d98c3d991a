//! Bodies that arrive compressed although nobody asked for it.

use std::{
    io::{self, Write},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use flate2::write::{GzDecoder, ZlibDecoder};
use http::{HeaderMap, header};
use http_body::{Body, Frame};
use llmux_core::{Error, ErrorKind};

/// Compressed bytes that are decoded at a time. Deflate expands at most about a thousandfold, so this bounds
/// what a hostile body can make of memory before its reader may refuse it.
const STEP: usize = 1024;

/// A content coding that can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Deflate,
}

impl Coding {
    /// The coding of an answer, taken out of its headers together with the length, which counts coded bytes.
    pub(crate) fn take(headers: &mut HeaderMap) -> Option<Self> {
        let value = headers.get(header::CONTENT_ENCODING)?.to_str().ok()?.trim();
        let coding = if value.eq_ignore_ascii_case("gzip") || value.eq_ignore_ascii_case("x-gzip") {
            Self::Gzip
        } else if value.eq_ignore_ascii_case("deflate") {
            Self::Deflate
        } else {
            return None;
        };
        headers.remove(header::CONTENT_ENCODING);
        headers.remove(header::CONTENT_LENGTH);
        Some(coding)
    }
}

enum Decoder {
    Gzip(GzDecoder<Vec<u8>>),
    Deflate(ZlibDecoder<Vec<u8>>),
}

impl Decoder {
    /// Decodes the beginning of `coded` and says how much of it was used; 0 when the end has come before.
    fn step(&mut self, coded: &[u8]) -> io::Result<(usize, Vec<u8>)> {
        let coded = coded.get(..STEP).unwrap_or(coded);
        let writer: &mut dyn Write = match self {
            Self::Gzip(decoder) => decoder,
            Self::Deflate(decoder) => decoder,
        };
        let used = writer.write(coded)?;
        writer.flush()?;
        Ok((used, std::mem::take(self.decoded())))
    }

    /// The rest, and the check that nothing is missing.
    fn finish(&mut self) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(decoder) => decoder.try_finish()?,
            Self::Deflate(decoder) => decoder.try_finish()?,
        }
        Ok(std::mem::take(self.decoded()))
    }

    fn decoded(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Deflate(decoder) => decoder.get_mut(),
        }
    }
}

/// Undoes a coding piece by piece, so that a compressed stream still streams.
pub(crate) struct DecodedBody<B> {
    inner: B,
    decoder: Decoder,
    /// Arrived, not yet decoded.
    coded: Bytes,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing has arrived: a body without a byte is no broken one.
    Empty,
    Decoding,
    Done,
}

impl<B> DecodedBody<B> {
    pub(crate) fn new(inner: B, coding: Coding) -> Self {
        let decoder = match coding {
            Coding::Gzip => Decoder::Gzip(GzDecoder::new(Vec::new())),
            Coding::Deflate => Decoder::Deflate(ZlibDecoder::new(Vec::new())),
        };
        Self { inner, decoder, coded: Bytes::new(), state: State::Empty }
    }

    /// Decodes what has arrived up to the first output.
    fn decode(&mut self) -> Result<Option<Bytes>, Error> {
        while !self.coded.is_empty() {
            let (used, decoded) = self.decoder.step(&self.coded).map_err(|error| self.corrupt(error))?;
            if used == 0 && decoded.is_empty() {
                // What follows the end of the coded data is padding.
                self.coded.clear();
            }
            self.coded.advance(used.min(self.coded.len()));
            if !decoded.is_empty() {
                return Ok(Some(decoded.into()));
            }
        }
        Ok(None)
    }

    fn finish(&mut self) -> Result<Option<Bytes>, Error> {
        let empty = self.state == State::Empty;
        self.state = State::Done;
        if empty {
            return Ok(None);
        }
        let rest = self.decoder.finish().map_err(|error| self.corrupt(error))?;
        Ok((!rest.is_empty()).then(|| rest.into()))
    }

    fn corrupt(&mut self, error: io::Error) -> Error {
        self.state = State::Done;
        let message = "the provider's answer is compressed, but cannot be decompressed";
        Error::upstream(ErrorKind::BadReply, message).with_source(error)
    }
}

impl<B: Body<Data = Bytes, Error = Error> + Unpin> Body for DecodedBody<B> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        while this.state != State::Done {
            if let Some(decoded) = this.decode().transpose() {
                return Poll::Ready(Some(decoded.map(Frame::data)));
            }
            match ready!(Pin::new(&mut this.inner).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    // Trailers say nothing that a provider's answer needs.
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        this.coded = data;
                        this.state = State::Decoding;
                    }
                }
                Some(Err(error)) => {
                    this.state = State::Done;
                    return Poll::Ready(Some(Err(error)));
                }
                None => return Poll::Ready(this.finish().transpose().map(|rest| rest.map(Frame::data))),
            }
        }
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests;
