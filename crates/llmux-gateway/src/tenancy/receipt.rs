//! Holding the end of an answer back until what it cost is written down: a process that is killed then owes nothing.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::Response;
use http_body::{Frame, SizeHint};
use llmux_core::Error;
use tokio::{sync::oneshot, time::timeout};

use crate::body::Body;

/// The longest that a client waits for a slow disk.
const PATIENCE: Duration = Duration::from_millis(250);

/// Tells when the spend of a request is written down.
#[derive(Debug)]
pub(crate) struct Receipt(oneshot::Receiver<()>);

impl Receipt {
    /// A receipt, and what is to be sent or dropped when there is nothing left to wait for.
    pub(super) fn pair() -> (oneshot::Sender<()>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }

    /// Holds back a whole answer, or the last piece of one that comes in pieces. Without a receipt nothing is.
    pub(crate) async fn hold(receipt: Option<Self>, response: Response<Body>) -> Response<Body> {
        let Some(receipt) = receipt else { return response };
        if !matches!(response.body(), Body::Full(_)) {
            return response.map(|body| Body::Held(Box::new(Held::new(body, receipt))));
        }
        receipt.written().await;
        response
    }

    /// Waits until it is written, or cannot be for now.
    async fn written(self) {
        // Too late or never is for the journal to say: it raises an alarm of its own.
        let _ = timeout(PATIENCE, self.0).await;
    }
}

/// A body whose end waits for a receipt.
pub struct Held {
    body: Body,
    receipt: Option<Receipt>,
    waiting: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// The last piece, or how the body broke off.
    last: Option<Result<Frame<Bytes>, Error>>,
}

impl Held {
    fn new(body: Body, receipt: Receipt) -> Self {
        Self { body, receipt: Some(receipt), waiting: None, last: None }
    }
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.waiting.is_none() {
            let next = ready!(Pin::new(&mut self.body).poll_frame(cx));
            let over = !matches!(next, Some(Ok(_))) || self.body.is_end_stream();
            let Some(receipt) = self.receipt.take_if(|_| over) else { return Poll::Ready(next) };
            self.last = next;
            self.waiting = Some(Box::pin(receipt.written()));
        }
        if let Some(waiting) = &mut self.waiting {
            ready!(waiting.as_mut().poll(cx));
            self.waiting = None;
        }
        Poll::Ready(self.last.take())
    }

    fn is_end_stream(&self) -> bool {
        self.receipt.is_none() && self.last.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.last.as_ref().and_then(|last| last.as_ref().ok()?.data_ref()) {
            Some(last) => SizeHint::with_exact(last.len() as u64),
            None => self.body.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body::Body as _;
    use http_body_util::BodyExt;
    use tokio::time::Instant;

    use super::*;

    fn whole(text: &'static str) -> Response<Body> {
        Response::new(Body::from(text))
    }

    #[tokio::test(start_paused = true)]
    async fn a_whole_answer_waits_until_its_spend_is_written_and_no_longer_than_a_moment() {
        let (written, receipt) = Receipt::pair();
        let mut answer = Box::pin(Receipt::hold(Some(receipt), whole("yes")));
        assert!(futures::poll!(answer.as_mut()).is_pending());
        written.send(()).unwrap();
        assert!(futures::poll!(answer.as_mut()).is_ready());
        let (_never, receipt) = Receipt::pair();
        let began = Instant::now();
        let _ = Receipt::hold(Some(receipt), whole("yes")).await;
        assert_eq!(began.elapsed(), PATIENCE);
        let _ = Receipt::hold(None, whole("yes")).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_piece_of_a_body_waits_and_the_others_do_not() {
        let (written, receipt) = Receipt::pair();
        // A held body within a held one is one that comes in pieces.
        let (done, at_once) = Receipt::pair();
        drop(done);
        let inner = Body::Held(Box::new(Held::new(Body::from("last"), at_once)));
        let mut held = Held::new(inner, receipt);
        assert_eq!(held.size_hint().exact(), Some(4));
        let mut frame = Box::pin(held.frame());
        assert!(futures::poll!(frame.as_mut()).is_pending());
        drop(written);
        assert_eq!(frame.await.unwrap().unwrap().into_data().unwrap(), "last");
        assert!(held.is_end_stream());
        assert!(held.frame().await.is_none());
    }
}
