//! Playing the answer of a built-in provider, as if it came over a transport.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame};
use llmux_core::{Error, ErrorKind, Result, ScriptedReply, Timeouts, TransportReply};
use tokio::time::{Instant, Sleep};

/// Plays an answer, keeping to the time limits as a transport would.
pub(crate) async fn play(reply: ScriptedReply, timeouts: Timeouts) -> Result<TransportReply> {
    let first = reply.pieces.first().map_or(Duration::ZERO, |(wait, _)| *wait);
    let limit = [timeouts.first_byte, timeouts.total].into_iter().flatten().min();
    if let Some(limit) = limit.filter(|limit| *limit < first) {
        tokio::time::sleep(limit).await;
        return Err(timed_out("the answer did not begin in time"));
    }
    let body = ScriptedBody {
        pieces: reply.pieces.into(),
        cut: reply.cut,
        between: timeouts.between_bytes,
        deadline: timeouts.total.map(|total| Instant::now() + total),
        started: false,
        sleep: None,
    };
    Ok(TransportReply::new(reply.status, reply.headers, Box::pin(body)))
}

fn timed_out(what: &str) -> Error {
    Error::upstream(ErrorKind::Timeout, format!("timed out: {what}"))
}

struct ScriptedBody {
    pieces: VecDeque<(Duration, Bytes)>,
    cut: bool,
    between: Option<Duration>,
    deadline: Option<Instant>,
    started: bool,
    /// The pause before the next piece, and whether a time limit ends it first.
    sleep: Option<(Pin<Box<Sleep>>, bool)>,
}

impl ScriptedBody {
    /// The pause before a piece, cut by whatever limit comes first.
    fn pause(&self, wait: Duration) -> (Duration, bool) {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let between = self.between.filter(|_| self.started);
        match [left, between].into_iter().flatten().min().filter(|limit| *limit < wait) {
            Some(limit) => (limit, true),
            None => (wait, false),
        }
    }
}

impl Body for ScriptedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let Some((wait, _)) = self.pieces.front() else {
            let cut = std::mem::take(&mut self.cut);
            return Poll::Ready(
                cut.then(|| Err(Error::upstream(ErrorKind::Connection, "the connection broke off"))),
            );
        };
        if !wait.is_zero() {
            let (pause, late) = self.pause(*wait);
            let (sleep, late) = self.sleep.get_or_insert_with(|| (Box::pin(tokio::time::sleep(pause)), late));
            let late = *late;
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.sleep = None;
            if late {
                self.pieces.clear();
                self.cut = false;
                return Poll::Ready(Some(Err(timed_out("the answer stalled"))));
            }
        }
        self.started = true;
        Poll::Ready(self.pieces.pop_front().map(|(_, piece)| Ok(Frame::data(piece))))
    }
}
