//! The body of a request, in memory.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use llmux_core::{Error, ErrorKind, Result};
use tokio::time::timeout;

/// Most that is set aside on the word of a client alone.
const RESERVE: u64 = 1 << 20;
/// Time for which the rest of an unwanted body is read.
const DISCARD_FOR: Duration = Duration::from_secs(10);

/// Reads a whole body of at most `limit` bytes. The client may be silent for at most `patience` at a time.
///
/// A body that comes in one piece is not copied.
///
/// # Errors
///
/// All are the client's: 413 as soon as the body is known to be too large, 408 when nothing comes for too long,
/// 400 when the body breaks off.
pub async fn read_body(mut body: Incoming, limit: usize, patience: Duration) -> Result<Bytes> {
    // Known beforehand only if the client gave a length.
    let announced = body.size_hint().lower();
    if announced > limit as u64 {
        discard_body(body);
        return Err(too_large(limit));
    }
    let Some(first) = next_piece(&mut body, patience).await? else { return Ok(Bytes::new()) };
    if body.is_end_stream() && first.len() <= limit {
        return Ok(first);
    }
    let mut size = first.len();
    let mut whole = Gathered::One(first);
    loop {
        if size > limit {
            discard_body(body);
            return Err(too_large(limit));
        }
        let Some(piece) = next_piece(&mut body, patience).await? else { return Ok(whole.finish()) };
        size += piece.len();
        if size <= limit {
            whole = whole.append(&piece, announced);
        }
    }
}

/// Reads and drops what is left of a body that nobody wants, for a limited time, while the answer is sent.
///
/// Closing a connection on which the client is still sending resets it, and the client may lose the answer that
/// says why.
pub fn discard_body(mut body: Incoming) {
    if body.is_end_stream() {
        return;
    }
    tokio::spawn(timeout(DISCARD_FOR, async move { while let Some(Ok(_)) = body.frame().await {} }));
}

/// The next bytes; `None` at the end.
pub(crate) async fn next_piece(body: &mut Incoming, patience: Duration) -> Result<Option<Bytes>> {
    loop {
        let Ok(frame) = timeout(patience, body.frame()).await else {
            return Err(silent(patience));
        };
        let Some(frame) = frame else { return Ok(None) };
        let frame = frame.map_err(broke_off)?;
        // Trailers mean nothing here.
        match frame.into_data() {
            Ok(data) if !data.is_empty() => return Ok(Some(data)),
            _ => {}
        }
    }
}

/// The error for a client that has stopped sending.
pub(crate) fn silent(patience: Duration) -> Error {
    let message = format!("the body of the request did not arrive: nothing came for {patience:?}");
    Error::client(ErrorKind::Timeout, message)
}

/// The error for a client that went away while it was sending.
pub(crate) fn broke_off(error: hyper::Error) -> Error {
    Error::client(ErrorKind::InvalidRequest, "the body of the request broke off").with_source(error)
}

/// The error for a body above the limit.
pub(crate) fn too_large(limit: usize) -> Error {
    let message = format!("the body of the request is larger than the {limit} bytes that are allowed");
    Error::client(ErrorKind::PayloadTooLarge, message)
}

/// What has been read.
enum Gathered {
    One(Bytes),
    Many(BytesMut),
}

impl Gathered {
    fn append(self, piece: &[u8], announced: u64) -> Self {
        let mut whole = match self {
            Self::Many(whole) => whole,
            Self::One(first) => {
                let expected = usize::try_from(announced.min(RESERVE)).unwrap_or_default();
                let mut whole = BytesMut::with_capacity(expected.max(first.len() + piece.len()));
                whole.extend_from_slice(&first);
                whole
            }
        };
        whole.extend_from_slice(piece);
        Self::Many(whole)
    }

    fn finish(self) -> Bytes {
        match self {
            Self::One(whole) => whole,
            Self::Many(whole) => whole.freeze(),
        }
    }
}
