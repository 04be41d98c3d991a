//! One connection, from its first byte to its last.

use std::{
    convert::Infallible,
    error::Error as StdError,
    future::poll_fn,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;

use super::{
    Certificates, Handler, Peer, ServerOptions,
    activity::{Activity, Noted, Phase, Tracked, Watch},
    drain::{Drain, Stage},
};

/// Bytes of answers that may wait for each stream of a slow HTTP/2 reader.
const SEND_BUFFER: usize = 64 << 10;

/// What all connections of a server share.
pub(super) struct Connections<H> {
    handler: Arc<H>,
    protocol: Builder<TokioExecutor>,
    certificates: Option<Certificates>,
    header_timeout: Duration,
    idle_timeout: Duration,
    drain: Drain,
}

/// What to do with a connection other than to serve it.
enum Turn {
    /// End it after the requests that run.
    Finish,
    /// End it now.
    Drop(End),
}

/// Decides when a connection has to end.
struct Course<'s> {
    drain: &'s Drain,
    watch: Watch,
    closing: bool,
}

impl Course<'_> {
    /// To be called after each poll of the connection, which comes before anything that is decided here.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Turn> {
        let stage = self.drain.stage();
        if stage == Stage::Cutting {
            return Poll::Ready(Turn::Drop(End::Cut));
        }
        if stage == Stage::Draining && !self.closing {
            self.closing = true;
            return Poll::Ready(Turn::Finish);
        }
        match ready!(self.watch.poll_overdue(cx)) {
            Phase::Idle if !self.closing => {
                self.closing = true;
                self.watch.restart();
                Poll::Ready(Turn::Finish)
            }
            _ => Poll::Ready(Turn::Drop(End::Overdue)),
        }
    }
}

/// Why a connection ended.
enum End {
    Closed(Result<(), Box<dyn StdError + Send + Sync>>),
    Overdue,
    Cut,
}

impl<H: Handler> Connections<H> {
    pub(super) fn new(handler: Arc<H>, options: &ServerOptions, certificates: Option<Certificates>) -> Self {
        let (header_timeout, idle_timeout) = (options.longest_head(), options.longest_pause());
        let mut protocol = Builder::new(TokioExecutor::new());
        // hyper's own header timeout would need a timer for each request, and it would run between requests too,
        // in place of the idle timeout. `Watch` times both.
        protocol.http1().header_read_timeout(None).half_close(false);
        // Limits on reset streams stay at hyper's defaults.
        protocol
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(options.max_concurrent_streams)
            .max_send_buf_size(SEND_BUFFER)
            .keep_alive_interval(idle_timeout)
            .keep_alive_timeout(header_timeout);
        Self { handler, protocol, certificates, header_timeout, idle_timeout, drain: Drain::new() }
    }

    /// Waits for all connections to end, at most for `limit`, and closes the others. Gives the requests cut.
    pub(super) async fn drain(&self, tasks: &TaskTracker, limit: Duration) -> usize {
        self.drain.begin();
        if timeout(limit, tasks.wait()).await.is_err() {
            self.drain.cut();
            tasks.wait().await;
        }
        self.drain.total_lost()
    }

    /// Serves a connection until either side ends it.
    pub(super) async fn serve(&self, stream: TcpStream, address: SocketAddr) {
        let Some(certificates) = &self.certificates else {
            return self.serve_stream(stream, Peer::new(address, false)).await;
        };
        if let Some(stream) = self.handshake(certificates, stream, address).await {
            self.serve_stream(stream, Peer::new(address, true)).await;
        }
    }

    async fn handshake(
        &self,
        certificates: &Certificates,
        stream: TcpStream,
        address: SocketAddr,
    ) -> Option<Box<TlsStream<TcpStream>>> {
        let handshake = timeout(self.header_timeout, certificates.acceptor().accept(stream));
        let result = tokio::select! {
            result = handshake => result,
            () = self.drain.begun() => return None,
        };
        match result {
            // Boxed, so that connections without TLS do not pay for its size.
            Ok(Ok(stream)) => Some(Box::new(stream)),
            Ok(Err(error)) => {
                tracing::debug!(%address, %error, "TLS handshake failed");
                None
            }
            Err(_) => {
                tracing::debug!(%address, "TLS handshake took too long");
                None
            }
        }
    }

    async fn serve_stream<I>(&self, stream: I, peer: Peer)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let activity = Activity::new(peer);
        let requests = Arc::clone(&activity);
        let service = {
            let handler = Arc::clone(&self.handler);
            service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let running = requests.begin(request.version());
                let handler = Arc::clone(&handler);
                // Boxed: hyper keeps a future's room until the answer has gone out, which takes streams long.
                Box::pin(async move {
                    let response = handler.handle(request, running.peer()).await;
                    Ok::<_, Infallible>(response.map(|body| Tracked::new(body, running)))
                })
            })
        };
        let io = TokioIo::new(Noted::new(stream, Arc::clone(&activity)));
        let mut connection = pin!(self.protocol.serve_connection(io, service));
        let mut course = Course {
            drain: &self.drain,
            watch: Watch::new(Arc::clone(&activity), self.header_timeout, self.idle_timeout),
            closing: false,
        };
        let mut changes = pin!(self.drain.changes());
        let mut registered = false;
        let end = poll_fn(|cx: &mut Context<'_>| {
            if !registered {
                registered = true;
                // For the waker's sake: the stage is read in `Course`.
                let _ = changes.as_mut().poll(cx);
            }
            loop {
                if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                    return Poll::Ready(End::Closed(result));
                }
                match ready!(course.poll_turn(cx)) {
                    Turn::Finish => connection.as_mut().graceful_shutdown(),
                    Turn::Drop(end) => return Poll::Ready(end),
                }
            }
        })
        .await;
        self.report(&end, &activity, peer.address);
    }

    fn report(&self, end: &End, activity: &Activity, address: SocketAddr) {
        match end {
            End::Closed(Ok(())) => {}
            End::Closed(Err(error)) => tracing::debug!(%address, error, "connection broke off"),
            End::Overdue => tracing::debug!(%address, "connection closed: the client took too long"),
            End::Cut => self.drain.lost(activity.running()),
        }
    }
}
