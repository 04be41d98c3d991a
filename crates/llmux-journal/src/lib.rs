//! What must not be lost, on disk before it is in a database.
//!
//! A [`Journal`] takes events without waiting: they go through a queue to one thread, which appends them to files, the
//! *segments*. A [`Reader`] finds them there, after a restart too, and removes a segment once all of it has been
//! acknowledged. So each event is handed over at least once, and whoever takes it tells repetitions by its id.
//!
//! - A process that is killed loses nothing that was written; what [`Journal::record_durably`] has confirmed was.
//!   What a machine loses that goes down is chosen by [`Flush`].
//! - When the disk is full or broken, events are held in memory, up to [`Options::held`], and an alarm is logged; the
//!   callers never wait. Beyond that bound events are lost, counted ([`Status::lost`]) and reported.
//! - A damaged part of a segment is skipped to the next whole record, with an alarm, and the segment is kept for
//!   examination under the ending `.damaged`.

mod reader;
pub mod record;
mod segment;
mod ship;
mod writer;

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use llmux_core::{Error, ErrorKind, Result};
use serde::Serialize;
use tokio::sync::{oneshot, watch};

pub use reader::{Batch, Reader};
pub use ship::ship;

use segment::Position;
use writer::{Message, Writer};

/// When what was written is forced through the system's cache to the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flush {
    /// When the system sees fit, usually within half a minute. Survives the death of the process, not of the machine.
    #[default]
    Never,
    /// After each write, before it is confirmed. Writes that come meanwhile share the next one.
    Always,
    /// Not more often than this, and before the journal closes.
    Every(Duration),
}

/// How a journal is kept.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Where the segments lie. One process at a time may use the folder.
    pub folder: PathBuf,
    /// The size in bytes at which a segment is full, 8 MiB if not set.
    pub segment: u64,
    /// Events that may wait in memory to be written, 65 536 if not set.
    pub held: usize,
    /// When writes are forced to the disk.
    pub flush: Flush,
}

impl Options {
    /// A journal in this folder, which is made if it is missing.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), segment: 8 * 1024 * 1024, held: 65_536, flush: Flush::default() }
    }

    /// Sets the size in bytes at which a segment is full.
    #[must_use]
    pub fn with_segment(mut self, bytes: u64) -> Self {
        self.segment = bytes;
        self
    }

    /// Sets how many events may wait in memory.
    #[must_use]
    pub fn with_held(mut self, events: usize) -> Self {
        self.held = events;
        self
    }

    /// Sets when writes are forced to the disk.
    #[must_use]
    pub fn with_flush(mut self, flush: Flush) -> Self {
        self.flush = flush;
        self
    }
}

/// How a journal does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Events that were written.
    pub written: u64,
    /// Events that wait in memory.
    pub held: usize,
    /// Events that were lost: more waited than may, or they cannot be written down.
    pub lost: u64,
    /// Whether the last attempt to write failed.
    pub stalled: bool,
}

/// The figures that callers and the writer share.
#[derive(Debug, Default)]
struct Shared {
    written: AtomicU64,
    held: AtomicUsize,
    lost: AtomicU64,
    stalled: AtomicBool,
    closing: AtomicBool,
}

/// Takes events of one type and writes them down.
///
/// Dropping it writes what waits, as far as that succeeds at once; [`close`](Self::close) says whether it did.
pub struct Journal<T> {
    queue: Option<mpsc::Sender<Message<T>>>,
    shared: Arc<Shared>,
    most: usize,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl<T: Serialize + Send + 'static> Journal<T> {
    /// Opens the journal in its folder, and what was written there before.
    ///
    /// # Errors
    /// When the folder cannot be made or read, or another process uses it.
    pub fn open(options: &Options) -> Result<(Self, Reader)> {
        let failed = |error: io::Error| {
            let text = format!("the journal in {} cannot be opened: {error}", options.folder.display());
            Error::new(ErrorKind::Internal, text)
        };
        let lock = segment::lock(&options.folder).map_err(failed)?;
        let old = segment::list(&options.folder).map_err(failed)?;
        let next = old.last().map_or(1, |last| last.saturating_add(1));
        let (position, seen) = watch::channel(Position { segment: next, length: 0 });
        let shared = Arc::new(Shared::default());
        let (queue, waiting) = mpsc::channel();
        let writer = Writer::new(options, Arc::clone(&shared), position, next);
        let thread = std::thread::Builder::new().name("journal".to_owned());
        let thread = thread.spawn(move || {
            // Held until the last byte is written.
            let _lock = lock;
            writer.run(&waiting);
        });
        let thread = Some(thread.map_err(failed)?);
        let journal = Self { queue: Some(queue), shared, most: options.held, thread };
        Ok((journal, Reader::new(options.folder.clone(), old, seen)))
    }

    /// Hands an event over to be written. Never waits.
    ///
    /// Gives whether there was room for it; if not, the event is lost, counted and reported.
    pub fn record(&self, event: T) -> bool {
        self.send(event, None)
    }

    /// The same; what is sent here tells when the event is written, and is dropped if it never will be.
    pub fn record_telling(&self, event: T, written: oneshot::Sender<()>) -> bool {
        self.send(event, Some(written))
    }

    /// Hands an event over and waits until it is written (and on the disk, with [`Flush::Always`]).
    ///
    /// Gives whether it is. What was handed over is written also when nobody waits any longer.
    pub async fn record_durably(&self, event: T) -> bool {
        let (done, confirmed) = oneshot::channel();
        self.send(event, Some(done)) && confirmed.await.is_ok()
    }

    /// Waits until all that was handed over before is written, or given up.
    pub async fn settled(&self) {
        let (done, confirmed) = oneshot::channel();
        if let Some(queue) = &self.queue
            && queue.send(Message { event: None, done: Some(done) }).is_ok()
        {
            let _ = confirmed.await;
        }
    }

    fn send(&self, event: T, done: Option<oneshot::Sender<()>>) -> bool {
        let taken = self.shared.held.fetch_add(1, Ordering::Relaxed) < self.most;
        let sent = taken
            && self
                .queue
                .as_ref()
                .is_some_and(|queue| queue.send(Message { event: Some(event), done }).is_ok());
        if !sent {
            self.shared.held.fetch_sub(1, Ordering::Relaxed);
            // Said aloud by the writer, as a sum: a line for each would be one more flood.
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
        }
        sent
    }

    /// How the journal does.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            written: self.shared.written.load(Ordering::Relaxed),
            held: self.shared.held.load(Ordering::Relaxed),
            lost: self.shared.lost.load(Ordering::Relaxed),
            stalled: self.shared.stalled.load(Ordering::Relaxed),
        }
    }

    /// Writes what waits, and gives how the journal did in the end. Blocks meanwhile.
    #[must_use]
    pub fn close(mut self) -> Status {
        self.finish();
        self.status()
    }
}

impl<T> Journal<T> {
    fn finish(&mut self) {
        self.shared.closing.store(true, Ordering::Relaxed);
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A writer that panicked has nothing left to say.
            let _ = thread.join();
        }
    }
}

impl<T> Drop for Journal<T> {
    fn drop(&mut self) {
        self.finish();
    }
}
