//! Events on their way to the database.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use llmux_core::{
    Error, ErrorKind, Operation, Result,
    tenancy::{SpendEvent, SpendStore, Timestamp},
};
use llmux_journal::{Journal, Options, ship};

use crate::segments;

/// Keeps events by their ids, and fails so many times first.
#[derive(Default)]
struct Store {
    failures: AtomicUsize,
    kept: Mutex<BTreeMap<String, usize>>,
}

#[async_trait]
impl SpendStore for Store {
    async fn record(&self, events: &[SpendEvent]) -> Result<()> {
        let fails = |left: usize| left.checked_sub(1);
        if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails).is_ok() {
            return Err(Error::new(ErrorKind::Unavailable, "away"));
        }
        if events.iter().any(|event| event.model == "unspeakable") {
            return Err(Error::client(ErrorKind::InvalidRequest, "no such value"));
        }
        let mut kept = self.kept.lock().unwrap();
        for event in events {
            *kept.entry(event.id.clone()).or_default() += 1;
        }
        Ok(())
    }
}

fn event() -> SpendEvent {
    SpendEvent::new("request", Timestamp::now(), Operation::Chat)
}

#[tokio::test(start_paused = true)]
async fn events_wait_on_the_disk_while_the_database_is_away_and_arrive_once() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path()).with_segment(5_000);
    let store = Arc::new(Store { failures: AtomicUsize::new(7), ..Store::default() });
    let (journal, reader) = Journal::open(&options).unwrap();
    let shipping = tokio::spawn(ship(reader, Arc::<Store>::clone(&store)));
    for _ in 0..1_200 {
        assert!(journal.record(event()));
    }
    assert_eq!(journal.close().written, 1_200);
    shipping.await.unwrap();
    let kept = store.kept.lock().unwrap();
    assert_eq!((kept.len(), kept.values().sum::<usize>()), (1_200, 1_200));
    assert!(segments(folder.path(), "journal").is_empty());
}

#[tokio::test]
async fn what_is_no_event_is_left_out_and_its_segment_kept() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path());
    crate::write(&options, 0..3);
    let (journal, reader) = Journal::open(&options).unwrap();
    assert!(journal.record_durably(event()).await);
    let _ = journal.close();
    let store = Arc::new(Store::default());
    ship(reader, Arc::<Store>::clone(&store)).await;
    assert_eq!(store.kept.lock().unwrap().len(), 1);
    assert_eq!((segments(folder.path(), "journal").len(), segments(folder.path(), "damaged").len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_the_database_cannot_keep_holds_no_other_up() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path());
    let store = Arc::new(Store::default());
    let (journal, reader) = Journal::open(&options).unwrap();
    for number in 0..100 {
        let mut event = event();
        if number % 40 == 7 {
            event.model = "unspeakable".to_owned();
        }
        assert!(journal.record(event));
    }
    assert_eq!(journal.close().written, 100);
    ship(reader, Arc::<Store>::clone(&store)).await;
    let kept = store.kept.lock().unwrap();
    assert_eq!((kept.len(), kept.values().sum::<usize>()), (97, 97));
    assert_eq!((segments(folder.path(), "journal").len(), segments(folder.path(), "damaged").len()), (0, 1));
}
