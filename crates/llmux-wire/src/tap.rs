//! The body tap: streams a provider's body through a [`Reply`] to the client and says how it ended, once.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame};
use llmux_core::{Error, Frames, Reply, ReplyReport, TransportBody};

/// How a streamed answer ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ending {
    /// It came to its end: the provider's, or an error frame. The report tells whether it was cut short or failed.
    Complete,
    /// The exchange broke off.
    Broken(Error),
    /// The client went away first.
    Dropped,
}

/// Called once when a streamed answer is over, whatever ended it. It must not block.
pub type OnEnd = Box<dyn FnOnce(ReplyReport, Ending) + Send>;

/// Sees how a streamed answer ended, before [`OnEnd`] is called. It must not block.
pub type OnWatch = Box<dyn FnOnce(&ReplyReport, &Ending) + Send>;

/// A client's body: the provider's, as the reply turns it.
///
/// Nothing is read ahead: the provider's body is polled only when the client takes more, so a slow reader
/// holds the provider back. Dropping the tap drops the provider's body, which cancels the exchange; so does an error
/// frame, behind which nothing is read.
pub struct Tap {
    upstream: Option<TransportBody>,
    reply: Box<dyn Reply>,
    frames: Frames,
    watch: Option<OnWatch>,
    on_end: Option<OnEnd>,
}

impl Tap {
    /// A tap on `upstream`; `frames` are those that were produced while the stream was being opened.
    #[must_use]
    pub fn new(upstream: TransportBody, reply: Box<dyn Reply>, frames: Frames) -> Self {
        Self { upstream: Some(upstream), reply, frames, watch: None, on_end: None }
    }

    /// Sets what is called when the answer is over; it replaces an earlier one.
    #[must_use]
    pub fn on_end(mut self, on_end: OnEnd) -> Self {
        self.on_end = Some(on_end);
        self
    }

    /// Sets who sees how the answer ended beside whoever is told by [`on_end`](Self::on_end).
    #[must_use]
    pub fn watched(mut self, watch: OnWatch) -> Self {
        self.watch = Some(watch);
        self
    }

    /// Whether the answer has ended in an error frame: the last piece, when [`is_end_stream`](Body::is_end_stream) is
    /// true as well.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.reply.has_failed()
    }

    /// What has been learnt of the answer so far.
    #[must_use]
    pub fn report(&self) -> ReplyReport {
        self.reply.report()
    }

    fn over(&mut self, ending: Ending) {
        self.upstream = None;
        if let Some(watch) = self.watch.take() {
            watch(&self.reply.report(), &ending);
        }
        if let Some(on_end) = self.on_end.take() {
            on_end(self.reply.report(), ending);
        }
    }

    /// One step: takes what the provider's body has next.
    fn advance(&mut self, next: Option<Result<Frame<Bytes>, Error>>) {
        match next {
            Some(Ok(frame)) => {
                let Ok(piece) = frame.into_data() else { return };
                if let Err(error) = self.reply.push(piece, &mut self.frames) {
                    self.reply.fail(&error, &mut self.frames);
                    self.over(Ending::Broken(error));
                }
            }
            Some(Err(error)) => {
                self.reply.fail(&error, &mut self.frames);
                self.over(Ending::Broken(error));
            }
            None => {
                if let Err(error) = self.reply.finish(&mut self.frames) {
                    self.reply.fail(&error, &mut self.frames);
                }
                self.over(Ending::Complete);
            }
        }
    }
}

impl Body for Tap {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            if self.upstream.is_some() && self.reply.has_failed() {
                self.over(Ending::Complete);
            }
            if let Some(piece) = self.frames.pop() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            let Some(upstream) = &mut self.upstream else {
                return Poll::Ready(None);
            };
            match upstream.as_mut().poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(next) => self.advance(next),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.upstream.is_none() && self.frames.is_empty()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.over(Ending::Dropped);
    }
}
