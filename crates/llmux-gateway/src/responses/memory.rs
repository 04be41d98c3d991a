//! Records in this process's memory.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use llmux_core::{Error, ErrorKind, ResponseStore, Result};
use tokio::time::Instant;

/// What a record takes beside its bytes: its place in two maps.
const OVERHEAD: usize = 200;

/// The bounds of a [`MemoryStore`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StoreLimits {
    /// Most records.
    pub entries: usize,
    /// Most memory, in bytes.
    pub bytes: usize,
    /// Time after its last use at which a record is forgotten.
    pub age: Duration,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self::from(&llmux_config::Responses::default())
    }
}

impl From<&llmux_config::Responses> for StoreLimits {
    fn from(section: &llmux_config::Responses) -> Self {
        let bytes = usize::try_from(section.max_size).unwrap_or(usize::MAX);
        Self { entries: section.max_entries, bytes, age: section.max_age }
    }
}

/// Keeps records in memory, within bounds; they are gone when the process ends.
#[derive(Debug)]
pub struct MemoryStore {
    limits: StoreLimits,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    records: HashMap<Arc<str>, Entry>,
    /// Ids by when they were used last.
    order: BTreeMap<u64, Arc<str>>,
    uses: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    record: Bytes,
    used: u64,
    at: Instant,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(limits: StoreLimits) -> Self {
        Self { limits, kept: Mutex::default() }
    }

    /// The records, those that are too old left out.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        while kept.oldest().is_some_and(|at| at.elapsed() >= self.limits.age) {
            kept.forget_oldest();
        }
        kept
    }
}

#[async_trait]
impl ResponseStore for MemoryStore {
    async fn get(&self, id: &str) -> Result<Option<Bytes>> {
        let mut kept = self.kept();
        Ok(kept.take(id).map(|(id, entry)| {
            let record = entry.record.clone();
            kept.add(id, entry.record);
            record
        }))
    }

    async fn put(&self, id: &str, record: Bytes) -> Result<()> {
        if size(id, &record) > self.limits.bytes {
            return Err(Error::new(ErrorKind::PayloadTooLarge, "the response is too large to be kept"));
        }
        let mut kept = self.kept();
        kept.take(id);
        kept.add(id.into(), record);
        while kept.bytes > self.limits.bytes || kept.records.len() > self.limits.entries {
            kept.forget_oldest();
        }
        Ok(())
    }

    async fn remove(&self, id: &str) -> Result<bool> {
        Ok(self.kept().take(id).is_some())
    }
}

impl Kept {
    fn add(&mut self, id: Arc<str>, record: Bytes) {
        self.uses += 1;
        self.bytes += size(&id, &record);
        self.order.insert(self.uses, Arc::clone(&id));
        self.records.insert(id, Entry { record, used: self.uses, at: Instant::now() });
    }

    fn take(&mut self, id: &str) -> Option<(Arc<str>, Entry)> {
        let (id, entry) = self.records.remove_entry(id)?;
        self.order.remove(&entry.used);
        self.bytes = self.bytes.saturating_sub(size(&id, &entry.record));
        Some((id, entry))
    }

    fn oldest(&self) -> Option<Instant> {
        let (_, id) = self.order.first_key_value()?;
        self.records.get(id).map(|entry| entry.at)
    }

    fn forget_oldest(&mut self) {
        if let Some((_, id)) = self.order.pop_first() {
            self.take(&id);
        }
    }
}

fn size(id: &str, record: &Bytes) -> usize {
    id.len().saturating_mul(2).saturating_add(record.len()).saturating_add(OVERHEAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(entries: usize, bytes: usize) -> MemoryStore {
        MemoryStore::new(StoreLimits { entries, bytes, age: Duration::from_secs(60) })
    }

    fn record(size: usize) -> Bytes {
        vec![b'x'; size].into()
    }

    async fn has(store: &MemoryStore, id: &str) -> bool {
        store.get(id).await.unwrap().is_some()
    }

    #[tokio::test]
    async fn it_keeps_the_rules_of_stores() {
        llmux_testkit::conformance::response_store(&store(100, 1 << 20)).await;
    }

    #[tokio::test]
    async fn the_longest_unused_record_goes_first_when_there_are_too_many() {
        let store = store(2, 1 << 20);
        for id in ["a", "b"] {
            store.put(id, record(1)).await.unwrap();
        }
        assert!(has(&store, "a").await);
        store.put("c", record(1)).await.unwrap();
        assert!(has(&store, "a").await && !has(&store, "b").await && has(&store, "c").await);
    }

    #[tokio::test]
    async fn pain_02_memory_is_bounded_by_bytes_whatever_the_number() {
        let store = store(1_000_000, 100_000);
        for at in 0..1_000 {
            store.put(&at.to_string(), record(5_000)).await.unwrap();
        }
        {
            let kept = store.kept();
            assert!(kept.bytes <= 100_000 && kept.records.len() == kept.order.len());
            assert!(kept.records.len() < 20);
        }
        assert_eq!(store.put("large", record(100_001)).await.unwrap_err().kind(), ErrorKind::PayloadTooLarge);
        assert!(has(&store, "999").await, "what does not fit drives nothing out");
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_that_nobody_uses_is_forgotten_in_time() {
        let store = store(10, 1 << 20);
        store.put("a", record(1)).await.unwrap();
        store.put("b", record(1)).await.unwrap();
        tokio::time::advance(Duration::from_secs(40)).await;
        assert!(has(&store, "a").await);
        tokio::time::advance(Duration::from_secs(40)).await;
        assert!(has(&store, "a").await && !has(&store, "b").await);
    }
}
