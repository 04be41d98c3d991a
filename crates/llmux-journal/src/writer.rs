//! The thread that writes events down.

use std::{
    fs::File,
    io::{self, Write},
    path::PathBuf,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{self, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::sync::{oneshot, watch};

use crate::{
    Flush, Options, Shared, record,
    segment::{self, Position},
};

/// Bytes after which no more events join a write.
const TOGETHER: usize = 256 * 1024;
/// How long to wait after a write that failed.
const AGAIN: Duration = Duration::from_millis(250);
/// Attempts that are made to write events while the journal closes.
const LAST_ATTEMPTS: usize = 4;

/// An event on its way to the writer, and who wants to know when it is written.
pub(crate) struct Message<T> {
    pub(crate) event: T,
    pub(crate) done: Option<oneshot::Sender<()>>,
}

/// The segment that is written.
struct Current {
    file: File,
    salt: u64,
    length: u64,
}

pub(crate) struct Writer {
    folder: PathBuf,
    full: u64,
    flush: Flush,
    shared: Arc<Shared>,
    position: watch::Sender<Position>,
    /// The number of the current segment, or of the next if there is none.
    id: u64,
    current: Option<Current>,
    flushed: Instant,
    /// Whether something was written since the disk was last made to keep it.
    dirty: bool,
    /// Lost events that were reported already.
    reported: u64,
    /// Attempts that are made to write events while the journal closes.
    last_attempts: usize,
}

impl Writer {
    pub(crate) fn new(
        options: &Options,
        shared: Arc<Shared>,
        position: watch::Sender<Position>,
        id: u64,
    ) -> Self {
        Self {
            folder: options.folder.clone(),
            full: options.segment,
            flush: options.flush,
            shared,
            position,
            id,
            current: None,
            flushed: Instant::now(),
            dirty: false,
            reported: 0,
            last_attempts: LAST_ATTEMPTS,
        }
    }

    /// Writes what comes until nobody can send any more.
    pub(crate) fn run<T: Serialize>(mut self, queue: &mpsc::Receiver<Message<T>>) {
        while let Some(first) = self.wait(queue) {
            let mut payloads = Vec::new();
            let mut waiting = Vec::new();
            let mut size = 0_usize;
            for message in std::iter::once(first).chain(queue.try_iter()) {
                size = size.saturating_add(self.take(message, &mut payloads, &mut waiting));
                if size >= TOGETHER {
                    break;
                }
            }
            if !self.write(&payloads) {
                continue;
            }
            for done in waiting {
                // Nobody has to wait for it.
                let _ = done.send(());
            }
            self.report_lost();
        }
        if self.dirty && self.flush != Flush::Never {
            self.sync();
        }
        self.report_lost();
    }

    /// The next event. Meanwhile the disk is made to keep what was written, when it is time.
    fn wait<T>(&mut self, queue: &mpsc::Receiver<Message<T>>) -> Option<Message<T>> {
        loop {
            let Flush::Every(interval) = self.flush else { return queue.recv().ok() };
            let due = interval.saturating_sub(self.flushed.elapsed());
            if self.dirty && due.is_zero() {
                self.sync();
            }
            if !self.dirty {
                return queue.recv().ok();
            }
            match queue.recv_timeout(due) {
                Ok(message) => return Some(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Encodes an event and gives its size in bytes.
    fn take<T: Serialize>(
        &self,
        message: Message<T>,
        payloads: &mut Vec<Vec<u8>>,
        waiting: &mut Vec<oneshot::Sender<()>>,
    ) -> usize {
        let payload = serde_json::to_vec(&message.event).ok();
        let Some(payload) = payload.filter(|payload| payload.len() <= record::LONGEST) else {
            self.shared.held.fetch_sub(1, Ordering::Relaxed);
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
            return 0;
        };
        waiting.extend(message.done);
        let size = payload.len().saturating_add(record::HEAD);
        payloads.push(payload);
        size
    }

    /// Writes records, however long that takes: what comes meanwhile waits in the queue, up to its bound. Gives up
    /// only while the journal closes.
    fn write(&mut self, payloads: &[Vec<u8>]) -> bool {
        let mut attempts = 0;
        while let Err(error) = self.append(payloads) {
            if !self.shared.stalled.swap(true, Ordering::Relaxed) {
                let folder = self.folder.display();
                tracing::error!(%folder, %error, "the journal cannot be written: events are held in memory");
            }
            self.report_lost();
            attempts += 1;
            if self.shared.closing.load(Ordering::Relaxed) && attempts >= self.last_attempts {
                // The disk did not come back for these, so it is not waited for again.
                self.last_attempts = 1;
                let count = u64::try_from(payloads.len()).unwrap_or(u64::MAX);
                self.shared.lost.fetch_add(count, Ordering::Relaxed);
                self.shared.held.fetch_sub(payloads.len(), Ordering::Relaxed);
                return false;
            }
            std::thread::sleep(AGAIN);
        }
        if self.shared.stalled.swap(false, Ordering::Relaxed) {
            tracing::warn!(folder = %self.folder.display(), "the journal can be written again");
        }
        self.shared.written.fetch_add(u64::try_from(payloads.len()).unwrap_or(0), Ordering::Relaxed);
        self.shared.held.fetch_sub(payloads.len(), Ordering::Relaxed);
        true
    }

    /// Appends records to the current segment, or to the next when it is full. All of them or none.
    fn append(&mut self, payloads: &[Vec<u8>]) -> io::Result<()> {
        if payloads.is_empty() {
            return Ok(());
        }
        if self.current.as_ref().is_some_and(|current| current.length >= self.full) {
            self.seal();
        }
        let current = match &mut self.current {
            Some(current) => current,
            empty => {
                let salt = rand::random();
                let file = segment::create(&self.folder, self.id, salt);
                let file = file.inspect_err(|error| {
                    // Something is in the way that could not be cleared away.
                    if error.kind() == io::ErrorKind::AlreadyExists {
                        self.id = self.id.saturating_add(1);
                    }
                })?;
                empty.insert(Current { file, salt, length: segment::HEAD })
            }
        };
        let mut bytes = Vec::new();
        for payload in payloads {
            record::write(payload, current.salt, &mut bytes);
        }
        let written = current.file.write_all(&bytes);
        let kept = written.and_then(|()| match self.flush {
            Flush::Always => current.file.sync_data(),
            _ => Ok(()),
        });
        if let Err(error) = kept {
            // Half a record must not stand before whole ones. If even that fails, nothing more is written here: the
            // rest is found damaged, and the events are written again in the next segment.
            if current.file.set_len(current.length).is_err() {
                self.seal();
            }
            return Err(error);
        }
        self.dirty = true;
        current.length = current.length.saturating_add(u64::try_from(bytes.len()).unwrap_or(0));
        let length = current.length;
        self.position.send_replace(Position { segment: self.id, length });
        Ok(())
    }

    /// Ends the current segment.
    fn seal(&mut self) {
        if self.dirty && self.flush != Flush::Never {
            self.sync();
        }
        self.current = None;
        self.id = self.id.saturating_add(1);
        self.position.send_replace(Position { segment: self.id, length: 0 });
    }

    /// Makes the disk keep what was written.
    fn sync(&mut self) {
        if let Some(current) = &self.current
            && let Err(error) = current.file.sync_data()
        {
            tracing::error!(folder = %self.folder.display(), %error, "the disk may not have kept the journal");
        }
        (self.dirty, self.flushed) = (false, Instant::now());
    }

    fn report_lost(&mut self) {
        let lost = self.shared.lost.load(Ordering::Relaxed);
        let more = lost.saturating_sub(self.reported);
        if more > 0 {
            tracing::error!(folder = %self.folder.display(), events = more, "events of the journal were lost");
        }
        self.reported = lost;
    }
}
