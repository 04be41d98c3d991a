//! One request and its answer, checked and timed.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use memchr::memmem;

use crate::connection::Connection;

/// An answer is given up after this time without a byte.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many last bytes of a stream are kept to see that it ended well.
const TAIL: usize = 64;

/// What one exchange took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// From the moment the request was due to the first byte of the body.
    pub(crate) first_byte: Duration,
    /// To its last byte.
    pub(crate) total: Duration,
    /// Events of a stream, its end mark included.
    pub(crate) events: u64,
}

/// Sends one request and reads the answer to its end; times count from `due`.
pub(crate) async fn run(connection: &mut Connection, due: Instant) -> anyhow::Result<Sample> {
    let result = exchange(connection, due).await;
    if result.is_err() {
        connection.reset();
    }
    result
}

async fn exchange(connection: &mut Connection, due: Instant) -> anyhow::Result<Sample> {
    let response = tokio::time::timeout(PATIENCE, connection.send()).await??;
    let status = response.status();
    let mut body = Reading::new(response.into_body());
    let mut first_byte = None;
    while let Some(bytes) = body.next().await? {
        first_byte.get_or_insert_with(|| due.elapsed());
        body.look(&bytes);
    }
    let total = due.elapsed();
    ensure!(status == 200, "status {status}: {}", String::from_utf8_lossy(&body.tail));
    ensure!(
        body.saw(connection.end_mark()),
        "the answer is not whole: …{}",
        String::from_utf8_lossy(&body.tail)
    );
    let Some(first_byte) = first_byte else { bail!("the answer is empty") };
    Ok(Sample { first_byte, total, events: if connection.is_streaming() { body.events } else { 0 } })
}

/// A body as it is read.
pub(crate) struct Reading {
    body: Incoming,
    tail: Vec<u8>,
    after_newline: bool,
    /// Events so far.
    pub(crate) events: u64,
}

impl Reading {
    /// Nothing is read yet.
    pub(crate) fn new(body: Incoming) -> Self {
        Self { body, tail: Vec::with_capacity(4 * TAIL), after_newline: false, events: 0 }
    }

    /// The next bytes, or `None` at the end.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Bytes>> {
        loop {
            match tokio::time::timeout(PATIENCE, self.body.frame()).await? {
                None => return Ok(None),
                Some(frame) => match frame?.into_data() {
                    Ok(bytes) if !bytes.is_empty() => return Ok(Some(bytes)),
                    _ => {}
                },
            }
        }
    }

    /// Counts events and remembers the end.
    fn look(&mut self, bytes: &[u8]) {
        if self.after_newline && bytes.first() == Some(&b'\n') {
            self.events += 1;
        }
        self.events += memmem::find_iter(bytes, b"\n\n").count() as u64;
        self.after_newline = bytes.ends_with(b"\n") && !bytes.ends_with(b"\n\n");
        // A whole answer's usage stands near its end, though not always in the last few bytes.
        let keep = 16 * TAIL;
        if bytes.len() >= keep {
            self.tail.clear();
        }
        self.tail.extend_from_slice(bytes.get(bytes.len().saturating_sub(keep)..).unwrap_or_default());
        if self.tail.len() > 2 * keep {
            self.tail.drain(..self.tail.len() - keep);
        }
    }

    fn saw(&self, mark: &[u8]) -> bool {
        memmem::find(&self.tail, mark).is_some()
    }
}
