//! A provider's answer on its way to a client, byte for byte.

use std::{
    borrow::Cow,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::Full;
use llmux_core::{
    Bill, Error, ErrorKind, ReplyReport, RequestContext, Result, TransportBody, TransportReply,
};
use llmux_router::Account;
use llmux_telemetry::Scrubber;
use llmux_wire::{observe::Observer, tap::Ending};

use super::price::Tariff;
use crate::{body::Body, stage::settle::Settle};

/// Longest refusal that is read to learn why a signature was refused, in bytes.
pub(super) const MAX_REFUSAL: usize = 64 << 10;

/// The body of an answer that passes. Nothing is read ahead; dropping it cancels the exchange.
pub struct Passing {
    upstream: TransportBody,
    observer: Option<Observer>,
    /// What is known without looking at the answer.
    told: ReplyReport,
    tariff: Tariff,
    account: Option<Account>,
    scrubber: Option<Arc<Scrubber>>,
    settle: Option<Settle>,
}

impl Passing {
    pub(super) fn new(upstream: TransportBody, settle: Settle) -> Self {
        Self {
            upstream,
            observer: None,
            told: ReplyReport::default(),
            tariff: Tariff::Unknown,
            account: None,
            scrubber: None,
            settle: Some(settle),
        }
    }

    /// What the server told of the answer beforehand.
    pub(super) fn telling(mut self, told: ReplyReport) -> Self {
        self.told = told;
        self
    }

    /// Bills the answer, and counts the bill against a budget.
    pub(super) fn priced(mut self, tariff: Tariff, account: Option<Account>) -> Self {
        (self.tariff, self.account) = (tariff, account);
        self
    }

    /// The bill, if it is known before the answer goes out: because it is the same for every answer, or because the
    /// answer is `complete`.
    pub(super) fn bill_at_once(&mut self, cx: &RequestContext, complete: Option<&[u8]>) -> Option<Bill> {
        match (complete, &mut self.observer) {
            (Some(bytes), Some(observer)) => observer.push(bytes),
            _ if self.tariff.needs_usage() => return None,
            _ => {}
        }
        self.tariff.bill(cx, self.report())
    }

    /// An answer that was read to its end.
    pub(super) fn whole(mut self, bytes: Bytes) -> Body {
        self.over(&Ending::Complete);
        Body::Full(bytes)
    }

    fn report(&self) -> &ReplyReport {
        match &self.observer {
            Some(observer) => observer.report(),
            None => &self.told,
        }
    }

    /// Learns from the answer what it consumed.
    pub(super) fn observed_by(mut self, observer: Option<Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// Masks keys: providers repeat them in errors.
    pub(super) fn scrubbed_by(mut self, scrubber: Option<Arc<Scrubber>>) -> Self {
        self.scrubber = scrubber;
        self
    }

    /// Accounts for an answer that is no success.
    pub(super) fn refused(mut self, status: StatusCode) -> Self {
        if let Some(settle) = self.settle.take() {
            let message = format!("the provider answered {status}");
            settle.refused(&Error::upstream(ErrorKind::from_status(status), message));
        }
        self
    }

    /// Accounts for an answer that has a head only.
    pub(super) fn without_content(mut self) -> Body {
        self.over(&Ending::Complete);
        Body::empty()
    }

    fn over(&mut self, ending: &Ending) {
        let Some(settle) = self.settle.take() else { return };
        if let (Ending::Complete, Some(observer)) = (ending, &mut self.observer) {
            observer.finish();
        }
        settle.passed(self.report(), ending, |cx| {
            let bill = self.tariff.bill(cx, self.report());
            if let (Some(account), Some(bill)) = (&self.account, &bill) {
                account.pay(bill.total.to_f64());
            }
            bill
        });
    }

    fn pass(&mut self, piece: Bytes) -> Bytes {
        if let Some(observer) = &mut self.observer {
            observer.push(&piece);
        }
        if self.upstream.is_end_stream() {
            // The connection to the client may not ask again once it has all the bytes that were announced.
            self.over(&Ending::Complete);
        }
        let scrubbed = self.scrubber.as_ref().map(|scrubber| scrubber.scrub(&piece));
        match scrubbed {
            Some(Cow::Owned(scrubbed)) => scrubbed.into(),
            _ => piece,
        }
    }
}

impl http_body::Body for Passing {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        loop {
            return match self.upstream.as_mut().poll_frame(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Some(Ok(frame))) => {
                    let Ok(piece) = frame.into_data() else { continue };
                    Poll::Ready(Some(Ok(Frame::data(self.pass(piece)))))
                }
                Poll::Ready(Some(Err(error))) => {
                    let ending = Ending::Broken(error);
                    self.over(&ending);
                    let Ending::Broken(error) = ending else { return Poll::Ready(None) };
                    // The client's connection breaks off as well: an answer must not look whole that is not.
                    Poll::Ready(Some(Err(error)))
                }
                Poll::Ready(None) => {
                    self.over(&Ending::Complete);
                    Poll::Ready(None)
                }
            };
        }
    }

    fn is_end_stream(&self) -> bool {
        self.settle.is_none() && self.upstream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.scrubber.is_some() { SizeHint::default() } else { self.upstream.size_hint() }
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        self.over(&Ending::Dropped);
    }
}

/// Reads the beginning of an answer, up to about `limit` bytes. Gives them, whether they are all, and the answer as it
/// was.
///
/// # Errors
/// When the answer breaks off.
pub(super) async fn peek(reply: TransportReply, limit: usize) -> Result<(Bytes, bool, TransportReply)> {
    let TransportReply { status, headers, mut body, .. } = reply;
    let (mut read, mut ended) = (BytesMut::new(), false);
    while read.len() < limit && !ended {
        match poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            Some(frame) => {
                if let Ok(piece) = frame?.into_data() {
                    read.extend_from_slice(&piece);
                }
            }
            None => ended = true,
        }
    }
    let read = read.freeze();
    let body: TransportBody = Box::pin(Rejoined { read: Full::new(read.clone()), rest: body });
    Ok((read, ended, TransportReply::new(status, headers, body)))
}

/// A body whose beginning was read.
struct Rejoined {
    read: Full<Bytes>,
    rest: TransportBody,
}

impl http_body::Body for Rejoined {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        if !self.read.is_end_stream() {
            return Pin::new(&mut self.read).poll_frame(cx).map_err(|never| match never {});
        }
        self.rest.as_mut().poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_end_stream() && self.rest.is_end_stream()
    }
}
