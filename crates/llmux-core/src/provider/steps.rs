//! Calls that take several exchanges: an upload, a job, its state, its result.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};

use crate::{FormEdits, Result};

/// What a call asks after its first request, one exchange at a time. One value serves one call.
///
/// Behaviour that the router relies on:
/// - it is as pure as its provider: no I/O, no clock. Pauses are told, not made;
/// - only successful answers come here; failed ones go to [`Provider::classify`](crate::Provider::classify);
/// - it comes to an end by itself once the provider says that the job is over. How long that may take is the
///   request's time limit, which the router keeps;
/// - the key goes to no other host than the provider's own.
///
/// A client that leaves ends the call where it stands: nothing more is asked.
pub trait Steps: Send {
    /// Takes the whole answer to the request before, and says what comes next.
    ///
    /// # Errors
    /// When the job has failed, or the answer is none.
    fn next(&mut self, answer: &StepAnswer<'_>) -> Result<Step>;
}

/// What comes next.
#[non_exhaustive]
pub enum Step {
    /// This is asked, and its answer is looked at.
    Ask(Asking),
    /// This is asked, and its answer is the one that the exchange's reply reads, a stream included.
    Last(Request<Bytes>),
    /// Nothing more is asked: the exchange's reply reads this.
    Done(Bytes),
}

/// A further request of a call.
#[non_exhaustive]
pub struct Asking {
    /// The request.
    pub request: Request<Bytes>,
    /// How long to wait before it.
    pub after: Duration,
    /// The client's form goes on in place of the body, with these changes.
    pub form: Option<FormEdits>,
}

impl Step {
    /// Asks at once.
    #[must_use]
    pub fn ask(request: Request<Bytes>) -> Self {
        Self::ask_after(Duration::ZERO, request)
    }

    /// Asks after a pause.
    #[must_use]
    pub fn ask_after(after: Duration, request: Request<Bytes>) -> Self {
        Self::Ask(Asking { request, after, form: None })
    }

    /// Asks at once, with the client's form in place of the request's body.
    #[must_use]
    pub fn upload(request: Request<Bytes>, form: FormEdits) -> Self {
        Self::Ask(Asking { request, after: Duration::ZERO, form: Some(form) })
    }
}

/// A successful answer between the first request and the end.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StepAnswer<'a> {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The whole body.
    pub body: &'a Bytes,
}

impl<'a> StepAnswer<'a> {
    /// Puts an answer together.
    #[must_use]
    pub fn new(status: StatusCode, headers: &'a HeaderMap, body: &'a Bytes) -> Self {
        Self { status, headers, body }
    }
}
