//! The connections to one place, and what a request on them looks like.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::FutureExt;
use http::{HeaderValue, Request, Response, Uri, header::HOST, uri::PathAndQuery};
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::Instant;

use crate::{connector::Stream, payload::Payload};

/// HTTP/2: what one stream may send ahead of its reader, in bytes.
const STREAM_WINDOW: u32 = 256 << 10;
/// HTTP/2: what all streams of a connection may send ahead of their readers, in bytes.
const CONNECTION_WINDOW: u32 = 4 << 20;
/// HTTP/2: how often a connection with open streams is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(30);

type Sent = Result<(Response<Incoming>, Line), TrySendError<Request<Payload>>>;

/// An open connection.
pub(crate) enum Line {
    /// HTTP/1.1: one request after the other.
    Single { sender: http1::SendRequest<Payload>, host: HeaderValue, proxied: bool },
    /// HTTP/2: many requests at a time.
    Shared(http2::SendRequest<Payload>),
}

impl Line {
    /// Agrees on the protocol, and runs the connection in a task of its own.
    pub(super) async fn open(stream: Stream) -> hyper::Result<Self> {
        let proxied = stream.is_proxied();
        if stream.is_http2() {
            let (sender, connection) = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(CONNECTION_WINDOW)
                .keep_alive_interval(PING_INTERVAL)
                .handshake(stream)
                .await?;
            run(connection);
            return Ok(Self::Shared(sender));
        }
        let (sender, connection) = http1::Builder::new().handshake(stream).await?;
        run(connection);
        Ok(Self::Single { sender, host: HeaderValue::from_static(""), proxied })
    }

    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Self::Shared(_))
    }

    /// Sends a request, and gives the head of its answer.
    pub(super) async fn send(self, mut request: Request<Payload>) -> Sent {
        match self {
            Self::Single { mut sender, host, proxied } => {
                request.headers_mut().entry(HOST).or_insert_with(|| host.clone());
                if !proxied {
                    only_path(request.uri_mut());
                }
                let response = sender.try_send_request(request).await?;
                Ok((response, Self::Single { sender, host, proxied }))
            }
            Self::Shared(mut sender) => {
                let response = sender.try_send_request(request).await?;
                Ok((response, Self::Shared(sender)))
            }
        }
    }
}

/// Runs a connection in a task of its own. What ends it is told to the requests on it.
fn run(connection: impl Future<Output = hyper::Result<()>> + Send + 'static) {
    // No async block: it would hold the connection twice, once as given and once as polled.
    tokio::spawn(connection.map(drop));
}

/// Requests that no proxy reads name the path only.
fn only_path(uri: &mut Uri) {
    let path = match mem::take(uri).into_parts().path_and_query {
        Some(path) => path,
        None => PathAndQuery::from_static("/"),
    };
    *uri = Uri::from(path);
}

/// A connection that waits.
struct Idle {
    sender: http1::SendRequest<Payload>,
    proxied: bool,
    since: Instant,
}

/// One place: a host and a port, with or without TLS.
pub(super) struct Host {
    /// How requests name it.
    name: HeaderValue,
    max_idle: usize,
    idle_timeout: Duration,
    /// The one used last is at the end.
    idle: Mutex<Vec<Idle>>,
    shared: Mutex<Option<http2::SendRequest<Payload>>>,
}

impl Host {
    pub(super) fn new(uri: &Uri, max_idle: usize, idle_timeout: Duration) -> Self {
        let (idle, shared) = (Mutex::default(), Mutex::default());
        Self { name: name(uri), max_idle, idle_timeout, idle, shared }
    }

    /// A connection that can take a request.
    pub(super) fn take(&self) -> Option<Line> {
        let mut idle = lock(&self.idle);
        while let Some(Idle { sender, proxied, since }) = idle.pop() {
            // Those below it have waited longer still.
            if since.elapsed() > self.idle_timeout {
                idle.clear();
                break;
            }
            if sender.is_ready() {
                return Some(Line::Single { sender, host: self.name.clone(), proxied });
            }
        }
        drop(idle);
        let mut shared = lock(&self.shared);
        match &*shared {
            Some(sender) if !sender.is_closed() => Some(Line::Shared(sender.clone())),
            _ => {
                *shared = None;
                None
            }
        }
    }

    /// Lets other requests use a new connection too, if it can be shared.
    pub(super) fn share(&self, line: Line) -> Line {
        match line {
            Line::Single { sender, proxied, .. } => Line::Single { sender, host: self.name.clone(), proxied },
            Line::Shared(sender) => {
                *lock(&self.shared) = Some(sender.clone());
                Line::Shared(sender)
            }
        }
    }

    /// The shared connection takes no more requests.
    pub(super) fn forget_shared(&self) {
        *lock(&self.shared) = None;
    }

    fn keep(&self, sender: http1::SendRequest<Payload>, proxied: bool) {
        let mut idle = lock(&self.idle);
        if idle.len() < self.max_idle {
            idle.push(Idle { sender, proxied, since: Instant::now() });
        }
    }

    pub(super) fn close_old(&self) {
        let timeout = self.idle_timeout;
        lock(&self.idle).retain(|idle| !idle.sender.is_closed() && idle.since.elapsed() <= timeout);
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.idle).is_empty() && lock(&self.shared).is_none()
    }
}

/// A lock that is held for a few instructions, none of which can panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Host and port as the `host` header has them: no user, no port that goes without saying.
fn name(uri: &Uri) -> HeaderValue {
    let host = uri.host().unwrap_or_default();
    let text = match (uri.port_u16(), uri.scheme_str()) {
        (None, _) | (Some(443), Some("https")) | (Some(80), Some("http")) => host.to_owned(),
        (Some(port), _) => format!("{host}:{port}"),
    };
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

/// The use of a connection by one exchange. Dropped before it is given back, the connection is closed.
pub(crate) struct Lease {
    host: Arc<Host>,
    line: Line,
}

impl Lease {
    pub(super) fn new(host: Arc<Host>, line: Line) -> Self {
        Self { host, line }
    }

    /// The answer has been read to its end: the connection can serve the next request.
    pub(crate) fn give_back(self) {
        let Self { host, line } = self;
        let Line::Single { mut sender, proxied, .. } = line else { return };
        if sender.is_ready() {
            host.keep(sender, proxied);
        } else if !sender.is_closed() {
            // Its task has not noticed the end yet, or is still sending what the answer did not wait for.
            tokio::spawn(async move {
                if sender.ready().await.is_ok() {
                    host.keep(sender, proxied);
                }
            });
        }
    }
}
