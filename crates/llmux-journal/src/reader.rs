//! Reading back what was written, and clearing it away.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::PathBuf,
};

use tokio::sync::watch;

use crate::{
    record::{self, Found},
    segment::{self, Position},
};

/// Bytes that are read at a time, if one record does not need more.
const CHUNK: u64 = 256 * 1024;

/// Records in the order in which they were written.
#[derive(Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Batch {
    /// What each of them holds.
    pub records: Vec<Vec<u8>>,
}

/// The segment that is read.
struct Open {
    id: u64,
    file: File,
    salt: u64,
    /// Where the first record begins that is not acknowledged.
    offset: u64,
    /// Where the first record begins that was not given.
    ahead: u64,
    damaged: bool,
}

/// Reads what a journal wrote, in this process and before it.
///
/// It blocks while it reads files: run it where that does no harm.
pub struct Reader {
    folder: PathBuf,
    /// Segments of earlier processes that are still to be read.
    old: VecDeque<u64>,
    /// The next segment of this process.
    next: u64,
    open: Option<Open>,
    position: watch::Receiver<Position>,
}

impl Reader {
    pub(crate) fn new(folder: PathBuf, old: Vec<u64>, position: watch::Receiver<Position>) -> Self {
        let next = position.borrow().segment;
        Self { folder, old: old.into(), next, open: None, position }
    }

    /// Waits until more may have been written than was at the last call. Gives whether more can ever come.
    pub async fn wait(&mut self) -> bool {
        self.position.changed().await.is_ok()
    }

    /// The next records, at most so many; none if all that was written has been given and acknowledged.
    ///
    /// Without [`acknowledge`](Self::acknowledge) in between it gives the same records again. What was acknowledged in
    /// the segment that is written last is forgotten when the process is killed: it comes again after the restart.
    ///
    /// # Errors
    /// When a segment cannot be read now. It is tried again with the next call.
    pub fn read(&mut self, most: usize) -> io::Result<Batch> {
        loop {
            let (over, position) = (self.is_over(), *self.position.borrow_and_update());
            if self.open.is_none() && !self.open_next(position)? {
                return Ok(Batch::default());
            }
            let Some(open) = &mut self.open else { continue };
            open.ahead = open.offset;
            let sealed = over || open.id != position.segment;
            let end = if sealed { open.file.metadata()?.len() } else { position.length };
            let batch = open.read(end, sealed, most)?;
            if !batch.records.is_empty() {
                return Ok(batch);
            }
            // Nothing was in the way but damage.
            open.offset = open.ahead;
            if !sealed {
                return Ok(batch);
            }
            self.finish()?;
        }
    }

    /// Says that the records of the last [`read`](Self::read) are kept elsewhere. Their segment is removed when it
    /// holds nothing else.
    ///
    /// # Errors
    /// When the segment cannot be removed. Its records are given again after a restart.
    pub fn acknowledge(&mut self) -> io::Result<()> {
        let over = self.is_over();
        let Some(open) = &mut self.open else { return Ok(()) };
        open.offset = open.ahead;
        let sealed = over || open.id != self.position.borrow().segment;
        if sealed && open.offset >= open.file.metadata()?.len() { self.finish() } else { Ok(()) }
    }

    /// Keeps the segment that is read for examination, instead of removing it.
    pub(crate) fn keep(&mut self) {
        if let Some(open) = &mut self.open {
            open.damaged = true;
        }
    }

    /// Whether the writer has ended, so that its last segment does not change any more either.
    fn is_over(&self) -> bool {
        self.position.has_changed().is_err()
    }

    fn finish(&mut self) -> io::Result<()> {
        let Some(open) = &self.open else { return Ok(()) };
        segment::finish(&self.folder, open.id, open.damaged)?;
        self.open = None;
        Ok(())
    }

    /// Opens the next segment, if there is one.
    fn open_next(&mut self, position: Position) -> io::Result<bool> {
        loop {
            let id = match self.old.front() {
                Some(id) => *id,
                None if self.next < position.segment
                    || position.length > 0 && self.next == position.segment =>
                {
                    self.next
                }
                None => return Ok(false),
            };
            match File::open(segment::path(&self.folder, id)) {
                Ok(file) => self.open = Some(Open::new(id, file)?),
                // A number that was left out, or a segment that somebody has taken away.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            if self.old.pop_front().is_none() {
                self.next = self.next.saturating_add(1);
            }
            if self.open.is_some() {
                return Ok(true);
            }
        }
    }
}

impl Open {
    fn new(id: u64, mut file: File) -> io::Result<Self> {
        let mut head = Vec::new();
        (&mut file).take(segment::HEAD).read_to_end(&mut head)?;
        let read = u64::try_from(head.len()).unwrap_or(segment::HEAD);
        let salt = segment::salt(&head);
        let mut open = Self { id, file, salt: salt.unwrap_or(0), offset: read, ahead: read, damaged: false };
        if salt.is_none() && !head.is_empty() {
            open.hurt(0, head.len(), "its head is damaged, so that none of its events can be read");
            // Without the salt no record can be told from damage.
            open.offset = open.file.metadata()?.len();
        }
        Ok(open)
    }

    fn read(&mut self, end: u64, sealed: bool, most: usize) -> io::Result<Batch> {
        let mut batch = Batch::default();
        let mut wanted = CHUNK;
        while batch.records.len() < most && self.ahead < end {
            let bytes = self.bytes(end.min(self.ahead.saturating_add(wanted)))?;
            let whole = self.ahead.saturating_add(length(&bytes)) >= end;
            let (used, more) = self.take(&bytes, whole && sealed, most, &mut batch);
            self.ahead = self.ahead.saturating_add(used);
            wanted = CHUNK.max(more);
            let stuck = used == 0 && whole;
            if bytes.is_empty() || stuck || !batch.records.is_empty() && used == 0 {
                break;
            }
        }
        Ok(batch)
    }

    fn bytes(&mut self, end: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(self.ahead))?;
        (&mut self.file).take(end.saturating_sub(self.ahead)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Takes the records of some bytes. Gives how many bytes are done, and how many the next record needs. `last` says
    /// that nothing follows these bytes, ever.
    fn take(&mut self, mut bytes: &[u8], last: bool, most: usize, batch: &mut Batch) -> (u64, u64) {
        let mut used = 0_u64;
        while batch.records.len() < most && !bytes.is_empty() {
            let size = match record::read(bytes, self.salt) {
                Found::Record { payload, size } => {
                    batch.records.push(payload.to_vec());
                    size
                }
                Found::Damage { size } => {
                    self.hurt(used, size, "a part of it is damaged and left out");
                    size
                }
                Found::Cut { wanted } if !last => return (used, u64::try_from(wanted).unwrap_or(CHUNK)),
                // A head that promises too much may be damage, with whole records behind it.
                Found::Cut { .. } => {
                    let rest = bytes.get(1..).unwrap_or_default();
                    let size = match record::read(rest, self.salt) {
                        Found::Damage { size } => size.saturating_add(1),
                        _ => 1,
                    };
                    self.hurt(used, size, "an event at its end was not written to its end");
                    size
                }
            };
            used = used.saturating_add(u64::try_from(size).unwrap_or(0));
            bytes = bytes.get(size..).unwrap_or_default();
        }
        (used, 0)
    }

    /// Raises the alarm, once for each place.
    fn hurt(&mut self, behind: u64, size: usize, what: &str) {
        self.damaged = true;
        let (at, bytes) = (self.ahead.saturating_add(behind), u64::try_from(size).unwrap_or(0));
        tracing::error!(segment = self.id, at, bytes, "a journal segment is kept for examination: {what}");
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
