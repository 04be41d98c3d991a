//! Carrying a prepared request to a provider.

use std::{fmt, pin::Pin, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};

use crate::{Error, ErrorKind, Result};

/// The bytes of a body, as they arrive. Dropping a provider's answer cancels the exchange at once.
pub type TransportBody = Pin<Box<dyn http_body::Body<Data = Bytes, Error = Error> + Send>>;

/// How long each phase of an exchange may take. `None` means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Opening the connection, TLS included.
    pub connect: Option<Duration>,
    /// From sending the request to the head of the answer and, for streams, to its first body byte.
    pub first_byte: Option<Duration>,
    /// Between two pieces of the body.
    pub between_bytes: Option<Duration>,
    /// The whole exchange.
    pub total: Option<Duration>,
}

impl Timeouts {
    /// The limits of this one where it has them, else those of `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            connect: self.connect.or(other.connect),
            first_byte: self.first_byte.or(other.first_byte),
            between_bytes: self.between_bytes.or(other.between_bytes),
            total: self.total.or(other.total),
        }
    }
}

/// A provider's answer: its head, and its body yet to come.
#[non_exhaustive]
pub struct TransportReply {
    /// The status of the answer.
    pub status: StatusCode,
    /// The headers of the answer, hop-by-hop ones included.
    pub headers: HeaderMap,
    /// The body.
    pub body: TransportBody,
}

impl TransportReply {
    /// Puts an answer together.
    #[must_use]
    pub fn new(status: StatusCode, headers: HeaderMap, body: TransportBody) -> Self {
        Self { status, headers, body }
    }
}

/// Sends one request and gives the answer's head.
///
/// Behaviour that the router relies on:
/// - every status is an answer; only a failed exchange is an error;
/// - errors are [`ErrorKind::Timeout`] or
///   [`ErrorKind::Connection`] with
///   [`Origin::Upstream`](crate::Origin::Upstream), and never contain the URL's query or a header's value;
/// - the same errors come from the body when it breaks off or stalls;
/// - dropping the future or the body closes the exchange towards the provider at once;
/// - a request is sent at most once, unless it certainly never reached the provider.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends the request.
    ///
    /// # Errors
    /// When there is no answer: refused, reset, timed out, TLS or protocol failure.
    async fn send(&self, request: Request<Bytes>, timeouts: Timeouts) -> Result<TransportReply>;

    /// Sends a request whose body is handed on as it arrives, such as a large upload. It is read as fast as the
    /// provider takes it, and no more of it is held in memory than is on its way.
    ///
    /// # Errors
    /// As for [`send`](Self::send); also when the body itself fails, with its error, and where a transport cannot do it.
    async fn send_stream(
        &self,
        request: Request<TransportBody>,
        timeouts: Timeouts,
    ) -> Result<TransportReply> {
        let _ = (request, timeouts);
        Err(Error::new(ErrorKind::Internal, "this transport cannot hand on a body as it arrives"))
    }
}

impl fmt::Debug for dyn Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}
