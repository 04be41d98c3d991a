//! Handing what was written down over to the database.

use std::{io, sync::Arc, time::Duration};

use llmux_core::{
    ErrorKind,
    tenancy::{SpendEvent, SpendStore},
};

use crate::{Batch, Reader};

/// Events that are handed over at a time.
const TOGETHER: usize = 500;
/// How long to wait after a failure, at first and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Hands events over to a store, in batches and in order, until the journal is closed and all of it is handed over.
///
/// A store that is away is asked again for as long as it takes; meanwhile events wait on the disk. The store knows
/// events by their ids, so one that was handed over twice counts once. What is no event, in a segment that nothing
/// else was wrong with, is left out with an alarm, and the segment is kept for examination.
pub async fn ship(mut reader: Reader, store: Arc<dyn SpendStore>) {
    let (mut trouble, mut over) = (Trouble::default(), false);
    loop {
        let read = blocking(reader, |reader| reader.read(TOGETHER)).await;
        let Some((back, read)) = read else { return };
        reader = back;
        match read {
            Err(error) => trouble.wait(&format!("the journal cannot be read: {error}")).await,
            Ok(batch) if batch.records.is_empty() => {
                if over {
                    return;
                }
                // Once the journal is closed it is read once more, which clears the last segment away.
                over = !reader.wait().await;
            }
            Ok(batch) => {
                let events = decode(&batch, &mut reader);
                hand_over(&*store, &events, &mut reader, &mut trouble).await;
                let Some((back, done)) = blocking(reader, Reader::acknowledge).await else { return };
                reader = back;
                match done {
                    Ok(()) => trouble.over(),
                    Err(error) => trouble.wait(&format!("the journal cannot be cleared: {error}")).await,
                }
            }
        }
    }
}

/// Hands events over, for as long as it takes. One that the store can do nothing with is found by halving what it was
/// given with, and is left out with an alarm: the others must not wait for it for ever.
async fn hand_over(
    store: &dyn SpendStore,
    events: &[SpendEvent],
    reader: &mut Reader,
    trouble: &mut Trouble,
) {
    let mut parts = vec![events];
    while let Some(part) = parts.pop() {
        match store.record(part).await {
            Ok(()) => {}
            Err(error) if error.kind() != ErrorKind::InvalidRequest => {
                trouble.wait(&format!("spend cannot be recorded: {error}")).await;
                parts.push(part);
            }
            Err(error) => match part {
                [] => {}
                [event] => {
                    tracing::error!(id = event.id, %error, "an event cannot be recorded and is left out");
                    reader.keep();
                }
                part => {
                    let (first, rest) = part.split_at(part.len() / 2);
                    parts.extend([rest, first]);
                }
            },
        }
    }
}

/// Does something with the reader where it may block; `None` when the runtime ends.
async fn blocking<T: Send + 'static>(
    mut reader: Reader,
    work: impl FnOnce(&mut Reader) -> io::Result<T> + Send + 'static,
) -> Option<(Reader, io::Result<T>)> {
    let task = tokio::task::spawn_blocking(move || {
        let done = work(&mut reader);
        (reader, done)
    });
    task.await.ok()
}

fn decode(batch: &Batch, reader: &mut Reader) -> Vec<SpendEvent> {
    let mut events = Vec::with_capacity(batch.records.len());
    for record in &batch.records {
        match serde_json::from_slice(record) {
            Ok(event) => events.push(event),
            Err(error) => {
                tracing::error!(%error, "something in the journal is no spend event and is left out");
                reader.keep();
            }
        }
    }
    events
}

/// What is said once, and waited for longer and longer.
#[derive(Default)]
struct Trouble(Duration);

impl Trouble {
    async fn wait(&mut self, what: &str) {
        let (first, most) = AGAIN;
        if self.0.is_zero() {
            tracing::error!("{what}; it is tried again until it succeeds");
        }
        self.0 = self.0.saturating_mul(2).clamp(first, most);
        tokio::time::sleep(self.0).await;
    }

    fn over(&mut self) {
        if !std::mem::take(&mut self.0).is_zero() {
            tracing::warn!("spend is recorded again");
        }
    }
}
