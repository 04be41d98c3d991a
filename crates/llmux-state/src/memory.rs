//! Sharing within one process.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use bytes::Bytes;
use llmux_core::{Count, Counted, Heard, Result, SharedState, Span};
use tokio::{
    sync::{Mutex as AsyncMutex, mpsc},
    time::Instant,
};

use crate::out_of_reach;

/// Messages that wait for a replica at most; more are lost, as they are while a store is out of reach.
const QUEUE: usize = 1_024;
/// Counts at which those whose window is over are thrown away.
const MANY: usize = 1_024;

/// What the replicas of one process share, kept in its memory.
///
/// It can be made to fail as a server does, to see what becomes of its replicas.
pub struct MemoryHub {
    started: (Instant, u64),
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    counts: HashMap<(String, String), Entry>,
    members: Vec<(String, mpsc::Sender<Heard>)>,
    lost: bool,
}

/// One count in its present window.
#[derive(Default)]
struct Entry {
    ends: u64,
    total: u64,
    by_replica: HashMap<String, u64>,
}

impl MemoryHub {
    /// A hub that shows the time of day.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::starting_at(u64::try_from(since.as_millis()).unwrap_or_default())
    }

    /// A hub on whose clock it is now so many milliseconds after 1970: for tokio's paused time.
    #[must_use]
    pub fn starting_at(millis: u64) -> Arc<Self> {
        Arc::new(Self { started: (Instant::now(), millis), shared: Mutex::default() })
    }

    /// A new replica, under a name that no other one has.
    #[must_use]
    pub fn join(self: &Arc<Self>, replica: impl Into<String>) -> Arc<MemoryState> {
        let (name, (teller, heard)) = (replica.into(), mpsc::channel(QUEUE));
        _ = teller.try_send(Heard::Joined);
        self.lock().members.push((name.clone(), teller));
        Arc::new(MemoryState { hub: Arc::clone(self), name, heard: AsyncMutex::new(heard) })
    }

    /// Puts the hub out of reach, or back into it.
    pub fn set_reachable(&self, reachable: bool) {
        let mut shared = self.lock();
        let back = shared.lost && reachable;
        shared.lost = !reachable;
        if back {
            shared.tell_all(&Heard::Joined);
        }
    }

    /// Forgets every count, as a server does that comes back empty.
    pub fn empty(&self) {
        let mut shared = self.lock();
        shared.counts.clear();
        shared.tell_all(&Heard::Emptied);
    }

    fn now(&self) -> u64 {
        let (instant, millis) = self.started;
        let passed = Instant::now().saturating_duration_since(instant).as_millis();
        millis.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX))
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn tell_all(&mut self, what: &Heard) {
        self.members.retain(|(_, teller)| !teller.is_closed());
        for (_, teller) in &self.members {
            _ = teller.try_send(what.clone());
        }
    }

    /// The present window of a count after what the replica says of it; none if there is nothing to count.
    fn said(&mut self, replica: &str, of: &str, count: &Count<'_>, now: u64) -> Option<&mut Entry> {
        if self.counts.len() >= MANY {
            self.counts.retain(|_, entry| entry.ends > now);
        }
        let key = (of.to_owned(), count.name.to_owned());
        if self.counts.get(&key).is_none_or(|entry| entry.ends <= now) {
            let current = count.window == 0 || count.window > now;
            if count.wish.is_none() && !(current && count.own > 0) {
                return None;
            }
            let entry = Entry { ends: ends(count, now), ..Entry::default() };
            self.counts.insert(key.clone(), entry);
        }
        let entry = self.counts.get_mut(&key)?;
        let belongs = count.window == 0 || count.window == entry.ends;
        if belongs {
            if count.told > 0 && !entry.by_replica.contains_key(replica) {
                entry.total = entry.total.max(count.known);
                entry.by_replica.insert(replica.to_owned(), count.told);
            }
            let own = entry.by_replica.entry(replica.to_owned()).or_default();
            entry.total = entry.total.saturating_add(count.own.saturating_sub(*own));
            *own = count.own.max(*own);
        }
        Some(entry)
    }
}

/// When a window that opens now ends.
fn ends(count: &Count<'_>, now: u64) -> u64 {
    match count.span {
        Span::Since(length) if count.window <= now => now.saturating_add(length),
        Span::Since(_) => count.window,
        _ => (now / 60_000).saturating_add(1).saturating_mul(60_000),
    }
}

impl fmt::Debug for MemoryHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryHub").finish_non_exhaustive()
    }
}

/// One replica at a [`MemoryHub`].
pub struct MemoryState {
    hub: Arc<MemoryHub>,
    name: String,
    heard: AsyncMutex<mpsc::Receiver<Heard>>,
}

impl fmt::Debug for MemoryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryState").field("name", &self.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl SharedState for MemoryState {
    fn replica(&self) -> &str {
        &self.name
    }

    async fn count(&self, of: &str, counts: &[Count<'_>]) -> Result<Vec<Counted>> {
        let now = self.hub.now();
        let mut shared = self.hub.lock();
        if shared.lost {
            return Err(out_of_reach("it was cut off"));
        }
        let mut grants = Vec::with_capacity(counts.len());
        for count in counts {
            let total = shared.said(&self.name, of, count, now).map_or(0, |entry| entry.total);
            grants.push(count.wish.map(|wish| {
                let room = wish.limit.saturating_sub(total);
                if wish.partly || wish.more <= room { wish.more.min(room) } else { 0 }
            }));
        }
        let all = !grants.contains(&Some(0));
        let answers = counts.iter().zip(grants).map(|(count, grant)| {
            let granted = grant.filter(|_| all).unwrap_or_default();
            let key = (of.to_owned(), count.name.to_owned());
            let Some(entry) = shared.counts.get_mut(&key).filter(|entry| entry.ends > now) else {
                return Counted::default();
            };
            entry.total = entry.total.saturating_add(granted);
            let mut own = entry.by_replica.get(&self.name).copied().unwrap_or_default();
            if granted > 0 {
                own = own.saturating_add(granted);
                entry.by_replica.insert(self.name.clone(), own);
            }
            Counted::new(granted, own, entry.total, entry.ends, entry.ends.saturating_sub(now))
        });
        Ok(answers.collect())
    }

    async fn tell(&self, what: Bytes) -> Result<()> {
        let mut shared = self.hub.lock();
        if shared.lost {
            return Err(out_of_reach("it was cut off"));
        }
        shared.members.retain(|(_, teller)| !teller.is_closed());
        for (_, teller) in shared.members.iter().filter(|(name, _)| *name != self.name) {
            _ = teller.try_send(Heard::Told(what.clone()));
        }
        Ok(())
    }

    async fn hear(&self) -> Heard {
        match self.heard.lock().await.recv().await {
            Some(heard) => heard,
            // The hub holds the other end as long as this replica lives.
            None => std::future::pending().await,
        }
    }
}
