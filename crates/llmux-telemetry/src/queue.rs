//! Log lines on their way to a thread that writes them.

use std::{
    io::{self, Write},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{LogFormat, scrub::Scrubber};

/// Whole lines, one after the other, up to a number of bytes. Whoever adds one holds the lock for a copy and never
/// waits for the sink.
pub(crate) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    emptied: Condvar,
    capacity: usize,
    dropped: AtomicU64,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    /// Lines have been taken and are not written yet.
    writing: bool,
}

impl Queue {
    /// Starts the thread that writes to `sink`. It lives as long as the process.
    pub(crate) fn start(
        capacity: usize,
        scrubber: Scrubber,
        format: LogFormat,
        sink: impl Write + Send + 'static,
    ) -> io::Result<Arc<Self>> {
        let queue = Arc::new(Self {
            state: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
            capacity,
            dropped: AtomicU64::new(0),
        });
        let writer = Arc::clone(&queue);
        let thread = thread::Builder::new().name("log".to_owned());
        thread.spawn(move || writer.write_to(sink, &scrubber, format))?;
        Ok(queue)
    }

    /// Adds a line, or drops and counts it if there is no room.
    pub(crate) fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        if state.lines.len().saturating_add(line.len()) > self.capacity {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let was_empty = state.lines.is_empty();
        state.lines.extend_from_slice(line);
        drop(state);
        if was_empty {
            self.filled.notify_one();
        }
    }

    /// Lines dropped since the start.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until everything is written, at most for `limit`. Gives whether it is.
    pub(crate) fn flush(&self, limit: Duration) -> bool {
        let busy = |state: &mut State| state.writing || !state.lines.is_empty();
        let waited = self.emptied.wait_timeout_while(self.lock(), limit, busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn write_to(&self, mut sink: impl Write, scrubber: &Scrubber, format: LogFormat) {
        let mut batch = Vec::new();
        let mut reported = 0;
        loop {
            self.take(&mut batch);
            // There is nobody to tell that the log cannot be written.
            let _ = sink.write_all(&scrubber.scrub(&batch));
            let dropped = self.dropped();
            if dropped > reported {
                let _ = sink.write_all(loss(format, dropped - reported).as_bytes());
                reported = dropped;
            }
            let _ = sink.flush();
            batch.clear();
            self.lock().writing = false;
            self.emptied.notify_all();
        }
    }

    /// Waits for lines and swaps them for the empty `batch`.
    fn take(&self, batch: &mut Vec<u8>) {
        let waited = self.filled.wait_while(self.lock(), |state| state.lines.is_empty());
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut state.lines, batch);
        state.writing = true;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole after each statement, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The line that stands for lost ones.
fn loss(format: LogFormat, lines: u64) -> String {
    match format {
        LogFormat::Text => format!("WARN log lines were lost: they came faster than written lines={lines}\n"),
        LogFormat::Json => format!(
            "{{\"level\":\"WARN\",\"message\":\"log lines were lost: they came faster than written\",\"lines\":{lines}}}\n"
        ),
    }
}

/// Puts each line into the queue.
pub(crate) struct QueueWriter<'q> {
    queue: &'q Queue,
}

impl<'q> QueueWriter<'q> {
    pub(crate) fn new(queue: &'q Queue) -> Self {
        Self { queue }
    }
}

impl Write for QueueWriter<'_> {
    /// The formatter writes a line at a time.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.queue.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    /// A sink that shows what it is given and goes on when told to.
    struct Slow {
        shown: Sender<String>,
        go_on: Receiver<()>,
    }

    impl Write for Slow {
        fn write(&mut self, data: &[u8]) -> io::Result<usize> {
            self.shown.send(String::from_utf8(data.to_vec()).unwrap()).unwrap();
            self.go_on.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(data.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow_queue(capacity: usize) -> (Arc<Queue>, Receiver<String>, Sender<()>) {
        let ((shown, seen), (release, go_on)) = (channel(), channel());
        let scrubber = Scrubber::new().unwrap();
        let queue = Queue::start(capacity, scrubber, LogFormat::Text, Slow { shown, go_on }).unwrap();
        (queue, seen, release)
    }

    #[test]
    fn a_sink_that_hangs_holds_nobody_up_and_costs_counted_lines() {
        let (queue, seen, release) = slow_queue(8);
        queue.push(b"first\n");
        assert_eq!(seen.recv().unwrap(), "first\n");
        // The sink hangs from here on.
        queue.push(b"second\n");
        queue.push(b"lost\n");
        queue.push(b"lost\n");
        assert_eq!(queue.dropped(), 2);
        assert!(!queue.flush(Duration::ZERO));

        for _ in 0..3 {
            release.send(()).unwrap();
        }
        let loss = seen.recv().unwrap();
        assert!(loss.ends_with("lines=2\n"), "{loss}");
        assert_eq!(seen.recv().unwrap(), "second\n");
        assert!(queue.flush(LONG));
    }

    #[test]
    fn lines_that_gather_are_written_at_once() {
        let (queue, seen, release) = slow_queue(1 << 10);
        queue.push(b"1\n");
        assert_eq!(seen.recv().unwrap(), "1\n");
        queue.push(b"2\n");
        queue.push(b"3 sk-canary\n");
        release.send(()).unwrap();
        assert_eq!(seen.recv().unwrap(), "2\n3 ***\n");
        release.send(()).unwrap();
        assert!(queue.flush(LONG));
    }
}
