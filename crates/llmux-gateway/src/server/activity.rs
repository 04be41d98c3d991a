//! What happens on one connection, seen from both sides of hyper: bytes that arrive, requests that run.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use http::Version;
use hyper::body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

use super::Peer;

/// Counters of one connection. Only its own tasks touch them, so no order between them is needed.
#[derive(Debug)]
pub(super) struct Activity {
    peer: Peer,
    running: AtomicUsize,
    begun: AtomicUsize,
    /// Bytes have come that no request has been made of. A new connection owes a request in the same way.
    head_pending: AtomicBool,
    multiplexed: AtomicBool,
}

impl Activity {
    pub(super) fn new(peer: Peer) -> Arc<Self> {
        Arc::new(Self {
            peer,
            running: AtomicUsize::new(0),
            begun: AtomicUsize::new(0),
            head_pending: AtomicBool::new(true),
            multiplexed: AtomicBool::new(false),
        })
    }

    /// Requests that have begun and not ended.
    pub(super) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// A request begins; it ends when the value is dropped.
    pub(super) fn begin(self: &Arc<Self>, version: Version) -> Running {
        self.running.fetch_add(1, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.head_pending.store(false, Ordering::Relaxed);
        if version == Version::HTTP_2 {
            self.multiplexed.store(true, Ordering::Relaxed);
        }
        Running(Arc::clone(self))
    }

    fn bytes_arrived(&self) {
        // HTTP/2 has traffic between requests, such as pings.
        if self.running() == 0 && !self.multiplexed.load(Ordering::Relaxed) {
            self.head_pending.store(true, Ordering::Relaxed);
        }
    }

    fn phase(&self) -> Phase {
        if self.running() > 0 {
            Phase::Busy
        } else if self.head_pending.load(Ordering::Relaxed) {
            Phase::Head
        } else {
            Phase::Idle
        }
    }
}

/// A request in progress.
#[derive(Debug)]
pub(super) struct Running(Arc<Activity>);

impl Running {
    pub(super) fn peer(&self) -> &Peer {
        &self.0.peer
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The rest of a request's head.
    Head,
    /// The next request.
    Idle,
    /// The end of a request.
    Busy,
}

/// Times the waits of one connection with a single timer, which is moved only when it has to be: a request on a
/// live connection costs one look at the clock.
pub(super) struct Watch {
    activity: Arc<Activity>,
    header_timeout: Duration,
    idle_timeout: Duration,
    phase: Phase,
    begun: usize,
    since: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Watch {
    pub(super) fn new(activity: Arc<Activity>, header_timeout: Duration, idle_timeout: Duration) -> Self {
        let since = Instant::now();
        let timer = Box::pin(tokio::time::sleep_until(since + header_timeout));
        Self { activity, header_timeout, idle_timeout, phase: Phase::Head, begun: 0, since, timer }
    }

    /// Starts the current wait again.
    pub(super) fn restart(&mut self) {
        self.since = Instant::now();
    }

    /// Gives the wait that has taken too long. To be called after each poll of the connection.
    pub(super) fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<Phase> {
        self.observe();
        loop {
            let deadline = match self.phase {
                Phase::Head => Some(self.since + self.header_timeout),
                Phase::Idle => Some(self.since + self.idle_timeout),
                Phase::Busy => None,
            };
            if let Some(deadline) = deadline.filter(|deadline| *deadline < self.timer.deadline()) {
                self.timer.as_mut().reset(deadline);
            }
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            match deadline {
                Some(deadline) if deadline <= now => return Poll::Ready(self.phase),
                Some(deadline) => self.timer.as_mut().reset(deadline),
                // The end of an HTTP/2 stream does not wake this task, so it looks again.
                None => self.timer.as_mut().reset(now + self.idle_timeout),
            }
        }
    }

    fn observe(&mut self) {
        let phase = self.activity.phase();
        let begun = self.activity.begun.load(Ordering::Relaxed);
        if phase != self.phase || begun != self.begun {
            (self.phase, self.begun) = (phase, begun);
            if phase != Phase::Busy {
                self.since = Instant::now();
            }
        }
    }
}

/// A socket that notes when bytes arrive.
#[derive(Debug)]
pub(super) struct Noted<I> {
    socket: I,
    activity: Arc<Activity>,
}

impl<I> Noted<I> {
    pub(super) fn new(socket: I, activity: Arc<Activity>) -> Self {
        Self { socket, activity }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Noted<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.socket).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.activity.bytes_arrived();
        }
        result
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Noted<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

pin_project! {
    /// An answer's body, whose end is the end of the request.
    pub(super) struct Tracked<B> {
        #[pin]
        body: B,
        running: Running,
    }
}

impl<B> Tracked<B> {
    pub(super) fn new(body: B, running: Running) -> Self {
        Self { body, running }
    }
}

impl<B: Body> Body for Tracked<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
