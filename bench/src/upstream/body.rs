//! Answer bodies: one piece, or events at a pace.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::answers::Answers;

/// The body of an answer.
pub(crate) enum Answer {
    /// All at once.
    Whole(Option<Bytes>),
    /// Event by event.
    Stream(Stream),
}

/// The events of a stream: the opening, the chunks at their times, the closing.
pub(crate) struct Stream {
    opening: Option<Bytes>,
    chunk: Bytes,
    closing: Option<Bytes>,
    left: u32,
    interval: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Stream {
    /// A stream of `chunks` events, `interval` apart.
    pub(crate) fn new(answers: &Answers, chunks: u32, interval: Duration) -> Self {
        let timer = (!interval.is_zero()).then(|| Box::pin(sleep_until(Instant::now() + interval)));
        Self {
            opening: Some(answers.opening.clone()),
            chunk: answers.chunk.clone(),
            closing: Some(answers.closing.clone()),
            left: chunks,
            interval,
            timer,
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(opening) = self.opening.take() {
            return Poll::Ready(Some(opening));
        }
        if self.left == 0 {
            return Poll::Ready(self.closing.take());
        }
        if let Some(timer) = &mut self.timer {
            ready!(timer.as_mut().poll(cx));
            // Counted from the time that was due, so that a late one does not shift the rest.
            let next = timer.deadline() + self.interval;
            timer.as_mut().reset(next);
        }
        self.left -= 1;
        Poll::Ready(Some(self.chunk.clone()))
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = match &mut *self {
            Self::Whole(body) => body.take(),
            Self::Stream(stream) => ready!(stream.poll_next(cx)),
        };
        Poll::Ready(piece.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => SizeHint::with_exact(body.as_ref().map_or(0, |body| body.len() as u64)),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}
