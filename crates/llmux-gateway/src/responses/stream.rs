//! A streamed response on its way out: named as the client knows it, and kept before its last event goes out.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use http_body::{Body, Frame};
use memchr::memmem::Finder;

use super::{label::in_frame, turn::Turn};

/// What events with a response object hold; all others pass unseen.
static RESPONSE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""response":"#));

/// A stream of whole frames whose responses are labelled.
pub(crate) struct Labelled<B> {
    events: B,
    turn: Option<Turn>,
    deployment: String,
    /// The end of the stream, held back until what it tells of is kept.
    last: Option<(Bytes, BoxFuture<'static, ()>)>,
}

impl<B> Labelled<B> {
    pub(crate) fn new(events: B, turn: Turn, deployment: &str) -> Self {
        Self { events, turn: Some(turn), deployment: deployment.to_owned(), last: None }
    }

    /// The piece as it goes out; `None` while it is held back.
    fn take(&mut self, piece: Bytes) -> Option<Bytes> {
        if self.turn.is_none() || RESPONSE.find(&piece).is_none() {
            return Some(piece);
        }
        let mut out = BytesMut::with_capacity(piece.len().saturating_add(200));
        let mut complete = None;
        for frame in frames(&piece) {
            let labelled = in_frame(&frame, |kind, response| {
                let Some(turn) = &self.turn else { return Ok(response) };
                let (response, here) = turn.label(&response, &self.deployment)?;
                if matches!(kind, "response.completed" | "response.incomplete") && turn.writes(here) {
                    complete = Some((response.clone(), here));
                }
                Ok(response)
            });
            out.extend_from_slice(&labelled.ok().flatten().unwrap_or(frame));
        }
        let piece = out.freeze();
        let Some(((response, here), turn)) =
            complete.and_then(|complete| Some((complete, self.turn.take()?)))
        else {
            return Some(piece);
        };
        self.last = Some((piece, turn.keep(response, here)));
        None
    }
}

impl<B: Body<Data = Bytes, Error = Infallible> + Unpin> Body for Labelled<B> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            if let Some((_, kept)) = &mut self.last {
                ready!(kept.as_mut().poll(cx));
                let last = self.last.take().map(|(piece, _)| Ok(Frame::data(piece)));
                return Poll::Ready(last);
            }
            let piece = match ready!(Pin::new(&mut self.events).poll_frame(cx)) {
                Some(Ok(frame)) => frame.into_data(),
                None => return Poll::Ready(None),
            };
            let Ok(piece) = piece else { continue };
            if let Some(piece) = self.take(piece) {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.last.is_none() && self.events.is_end_stream()
    }
}

/// The frames of a piece, each with the blank line behind it.
fn frames(piece: &Bytes) -> Vec<Bytes> {
    let (mut frames, mut start, mut line) = (Vec::new(), 0, 0);
    for at in memchr::memchr_iter(b'\n', piece) {
        let blank = piece.get(line..at).is_some_and(|line| line.trim_ascii().is_empty());
        line = at + 1;
        if blank {
            frames.push(piece.slice(start..line));
            start = line;
        }
    }
    if start < piece.len() {
        frames.push(piece.slice(start..));
    }
    frames
}
