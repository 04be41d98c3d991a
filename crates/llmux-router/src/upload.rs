//! Forms with files, handed on as they arrive.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::HeaderValue;
use http_body::{Body, Frame, SizeHint};
use llmux_core::{Error, ErrorKind, FormEdits, FormShape, Frames, Result, Retry, TransportBody};
use llmux_wire::multipart::{Boundary, Rewriter};

/// Where the bytes of a form come from that are not in memory.
pub enum Source {
    /// There are none.
    Nothing,
    /// The client, who is still sending: they can be had once.
    Client(TransportBody),
    /// Somewhere they can be had again.
    Kept(Box<dyn Fn() -> TransportBody + Send + Sync>),
}

/// A form on its way. What has been read of it is kept, the rest passes through: it is polled as the provider takes
/// it, and no more of it is in memory than is on its way.
#[derive(Clone)]
pub struct Upload(Arc<Inner>);

struct Inner {
    content_type: HeaderValue,
    boundary: Boundary,
    start: Bytes,
    /// Locked to take the source out, and for nothing else; nobody ever waits for it.
    rest: Mutex<Source>,
    length: Option<u64>,
    spent: std::sync::atomic::AtomicBool,
}

impl Upload {
    /// A form that begins with `start` and goes on with `rest`, of `length` bytes altogether if that is known.
    #[must_use]
    pub fn new(
        content_type: HeaderValue,
        boundary: Boundary,
        start: Bytes,
        rest: Source,
        length: Option<u64>,
    ) -> Self {
        let spent = false.into();
        Self(Arc::new(Inner { content_type, boundary, start, rest: Mutex::new(rest), length, spent }))
    }

    /// Whether some of it is gone, so that it cannot be sent again.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.0.spent.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// The form with these changes, of at most `limit` bytes, and its content type; of a file alone the one that the
    /// client has told, if he has.
    ///
    /// # Errors
    /// When it is known to be longer, or is none as far as it has come.
    pub(crate) fn open(
        &self,
        edits: FormEdits,
        limit: Option<u64>,
    ) -> Result<(TransportBody, Option<HeaderValue>)> {
        if let (Some(limit), Some(length)) = (limit, self.0.length)
            && length > limit
        {
            return Err(too_large(limit));
        }
        let alone = edits.shape == FormShape::Content;
        let mut frames = Frames::default();
        let mut rewriter = Rewriter::new(&self.0.boundary, edits, &mut frames);
        rewriter.push(self.0.start.clone(), &mut frames)?;
        let promised = if alone && self.is_whole() {
            Some(rewriter.given())
        } else {
            self.0.length.and_then(|length| rewriter.length(length))
        };
        let kind = if alone {
            rewriter.file_type().and_then(|kind| HeaderValue::from_str(kind).ok())
        } else {
            Some(self.0.content_type.clone())
        };
        let body = Box::pin(Outgoing {
            upload: self.clone(),
            rest: None,
            rewriter,
            frames,
            promised,
            given: 0,
            taken: self.0.start.len() as u64,
            limit: limit.unwrap_or(u64::MAX),
            over: false,
        });
        Ok((body, kind))
    }

    /// Whether the start is all of it.
    fn is_whole(&self) -> bool {
        let rest = self.0.rest.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(&*rest, Source::Nothing) && !self.is_spent()
    }

    /// The bytes behind the start, as far as they are still to be had.
    fn rest(&self) -> Result<Option<TransportBody>> {
        let mut source = self.0.rest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Source::Kept(open) = &*source {
            return Ok(Some(open()));
        }
        if self.is_spent() {
            return Err(Error::new(ErrorKind::Internal, "the client's form can be read once only"));
        }
        match std::mem::replace(&mut *source, Source::Nothing) {
            Source::Client(body) => {
                self.0.spent.store(true, std::sync::atomic::Ordering::Relaxed);
                Ok(Some(body))
            }
            _ => Ok(None),
        }
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("length", &self.0.length).field("spent", &self.is_spent()).finish()
    }
}

fn too_large(limit: u64) -> Error {
    let message = format!("the form is larger than the {limit} bytes that this deployment takes");
    // Another deployment may take more.
    Error::client(ErrorKind::PayloadTooLarge, message).with_retry(Retry::Elsewhere)
}

/// The body of one attempt.
struct Outgoing {
    upload: Upload,
    /// Where bytes come from, once the start has gone out.
    rest: Option<TransportBody>,
    rewriter: Rewriter,
    frames: Frames,
    promised: Option<u64>,
    given: u64,
    taken: u64,
    limit: u64,
    /// Nothing more comes in.
    over: bool,
}

impl Outgoing {
    /// Takes what comes next from the client.
    fn take(&mut self, next: Option<Result<Frame<Bytes>>>) -> Result<()> {
        let Some(frame) = next else {
            self.over = true;
            return self.rewriter.finish(self.promised, &mut self.frames);
        };
        let Ok(piece) = frame?.into_data() else { return Ok(()) };
        self.taken = self.taken.saturating_add(piece.len() as u64);
        if self.taken > self.limit {
            return Err(too_large(self.limit));
        }
        self.rewriter.push(piece, &mut self.frames)
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        loop {
            if let Some(piece) = this.frames.pop() {
                this.given = this.given.saturating_add(piece.len() as u64);
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            if this.over {
                return Poll::Ready(None);
            }
            if this.rest.is_none() {
                match this.upload.rest() {
                    Ok(rest) => this.rest = rest,
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            }
            let next = match &mut this.rest {
                Some(rest) => ready!(rest.as_mut().poll_frame(cx)),
                None => None,
            };
            if let Err(error) = this.take(next) {
                this.over = true;
                this.rest = None;
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.over && self.frames.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.promised.map_or_else(SizeHint::default, |promised| {
            SizeHint::with_exact(promised.saturating_sub(self.given))
        })
    }
}
