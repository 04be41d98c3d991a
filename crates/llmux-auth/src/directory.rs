//! Keys that are kept at hand.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use llmux_core::{
    Error, ErrorKind, Result,
    tenancy::{IdentityStore, KeyHash, KeyIdentity},
};
use tokio::{sync::OnceCell, time::Instant};

use crate::refused;

/// How long and how many keys are kept.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// How long an identity is believed before it is looked up again, 60 s if not set. Changes arrive long before that;
    /// what others spent arrives with it.
    pub fresh: Duration,
    /// How long it may be used, without being fresh, while the store is away; 10 minutes if not set.
    pub grace: Duration,
    /// How long a key is remembered that does not exist, 5 s if not set.
    pub unknown: Duration,
    /// Keys that are kept, 16 384 if not set.
    pub most: usize,
}

impl Default for Settings {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { fresh: seconds(60), grace: seconds(600), unknown: seconds(5), most: 16_384 }
    }
}

impl Settings {
    /// Sets how long an identity is believed.
    #[must_use]
    pub fn with_fresh(mut self, fresh: Duration) -> Self {
        self.fresh = fresh;
        self
    }

    /// Sets how many keys are kept.
    #[must_use]
    pub fn with_most(mut self, most: usize) -> Self {
        self.most = most;
        self
    }
}

/// A key that was looked up, and what was made of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Known<A> {
    /// The key and what it belongs to.
    pub identity: KeyIdentity,
    /// What was made of it when it was looked up.
    pub account: A,
    loaded: Instant,
    /// Whether somebody looks it up again.
    renewing: AtomicBool,
}

/// What a look-up came to, for all who waited for it.
type Outcome<A> = Result<Option<Arc<Known<A>>>, Arc<str>>;
type Flight<A> = Arc<OnceCell<Outcome<A>>>;
type Kept<A> = HashMap<KeyHash, Arc<Known<A>>>;

/// The longest that the store is waited for: one that hangs is away.
const PATIENCE: Duration = Duration::from_secs(3);

/// Waits for the store no longer than that.
pub(crate) async fn within<T>(asking: impl Future<Output = Result<T>>) -> Result<T> {
    let late = |_| Err(Error::new(ErrorKind::Unavailable, "the database takes too long to answer"));
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(late)
}

const SHARDS: usize = 64;
/// Unknown keys that a shard remembers: a flood of wrong keys must displace no right one.
const STRANGERS: usize = 256;

struct Shard<A> {
    /// Read without a lock; replaced as a whole.
    kept: ArcSwap<Kept<A>>,
    /// What look-ups need; requests with a known key do not.
    desk: Mutex<Desk<A>>,
    /// Counts what was forgotten: a look-up that began before must not bring it back.
    forgotten: AtomicU64,
}

struct Desk<A> {
    flights: HashMap<KeyHash, Flight<A>>,
    strangers: HashMap<KeyHash, Instant>,
}

impl<A> Shard<A> {
    fn desk(&self) -> MutexGuard<'_, Desk<A>> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keys that are kept at hand, in front of a store. `A` is whatever is made of an identity once instead of with each
/// request.
///
/// A key that is known is found without a lock and without waiting. Of many who ask for one that is not, one asks the
/// store. A store that is away makes nobody a stranger: known keys go on for a time of grace, and what cannot be
/// verified is an error of kind [`Unavailable`](llmux_core::ErrorKind::Unavailable).
pub struct Directory<A> {
    pub(crate) store: Arc<dyn IdentityStore>,
    make: Box<dyn Fn(&KeyIdentity) -> A + Send + Sync>,
    settings: Settings,
    shards: Vec<Shard<A>>,
    /// Whether the store answered when it was asked last.
    pub(crate) reached: AtomicBool,
}

impl<A> Directory<A> {
    /// A directory of what this store knows. `make` is called for each identity when it is looked up.
    pub fn new(
        store: Arc<dyn IdentityStore>,
        settings: Settings,
        make: impl Fn(&KeyIdentity) -> A + Send + Sync + 'static,
    ) -> Self {
        let shard = || Shard {
            kept: ArcSwap::default(),
            desk: Mutex::new(Desk { flights: HashMap::new(), strangers: HashMap::new() }),
            forgotten: AtomicU64::new(0),
        };
        let shards = std::iter::repeat_with(shard).take(SHARDS).collect();
        Self { store, make: Box::new(make), settings, shards, reached: AtomicBool::new(false) }
    }

    /// Finds a key; `None` if there is no such key.
    ///
    /// # Errors
    /// 503 when it is not known here and the store cannot be asked.
    pub async fn find(&self, hash: &KeyHash) -> Result<Option<Arc<Known<A>>>> {
        let Some(shard) = self.shard(hash) else { return Ok(None) };
        let known = shard.kept.load().get(hash).cloned();
        let Some(known) = known else { return self.look_up(shard, hash).await };
        let age = known.loaded.elapsed();
        let usable = age < self.settings.fresh
            || known.renewing.swap(true, Ordering::Relaxed) && age < self.settings.grace;
        if usable {
            return Ok(Some(known));
        }
        // Only this request waits; others go on with what is known.
        let renewing = Renewing(&known.renewing);
        let found = self.look_up(shard, hash).await;
        drop(renewing);
        match found {
            Err(_) if age < self.settings.grace => Ok(Some(known)),
            found => found,
        }
    }

    /// Forgets a key.
    pub fn forget(&self, hash: &KeyHash) {
        if let Some(shard) = self.shard(hash) {
            shard.forgotten.fetch_add(1, Ordering::SeqCst);
            let mut desk = shard.desk();
            desk.strangers.remove(hash);
            desk.flights.remove(hash);
            if shard.kept.load().contains_key(hash) {
                let mut kept = Kept::clone(&shard.kept.load());
                kept.remove(hash);
                shard.kept.store(Arc::new(kept));
            }
        }
    }

    /// Forgets the keys that belong to something that has changed.
    pub fn forget_where(&self, belongs: impl Fn(&KeyIdentity) -> bool) {
        for shard in &self.shards {
            shard.forgotten.fetch_add(1, Ordering::SeqCst);
            let mut desk = shard.desk();
            desk.strangers.clear();
            desk.flights.clear();
            let kept = shard.kept.load();
            if kept.values().any(|known| belongs(&known.identity)) {
                let rest = kept.iter().filter(|(_, known)| !belongs(&known.identity));
                shard.kept.store(Arc::new(rest.map(|(hash, known)| (*hash, Arc::clone(known))).collect()));
            }
        }
    }

    /// Whether the store answered when it was asked last; it is first asked when the first key comes.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        self.reached.load(Ordering::Relaxed)
    }

    /// How many keys are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.kept.load().len()).sum()
    }

    /// Whether no key is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, hash: &KeyHash) -> Option<&Shard<A>> {
        // A digest is as good as random.
        let [first, ..] = *hash.as_bytes();
        self.shards.get(usize::from(first) % SHARDS)
    }

    async fn look_up(&self, shard: &Shard<A>, hash: &KeyHash) -> Result<Option<Arc<Known<A>>>> {
        let flight = {
            let mut desk = shard.desk();
            let remembered = desk.strangers.get(hash);
            if remembered.is_some_and(|since| since.elapsed() < self.settings.unknown) {
                return Ok(None);
            }
            Arc::clone(desk.flights.entry(*hash).or_default())
        };
        let outcome = flight.get_or_init(|| self.ask(shard, hash)).await.clone();
        let mut desk = shard.desk();
        if desk.flights.get(hash).is_some_and(|current| Arc::ptr_eq(current, &flight)) {
            desk.flights.remove(hash);
        }
        outcome.map_err(|why| refused::unverifiable(&why))
    }

    /// Asks the store and keeps what it says.
    async fn ask(&self, shard: &Shard<A>, hash: &KeyHash) -> Outcome<A> {
        let before = shard.forgotten.load(Ordering::SeqCst);
        let found = within(self.store.identity(hash)).await;
        self.reached.store(found.is_ok(), Ordering::Relaxed);
        let found = found.map_err(|error| Arc::<str>::from(error.message()))?;
        let known = found.map(|identity| {
            let account = (self.make)(&identity);
            let renewing = AtomicBool::new(false);
            Arc::new(Known { identity, account, loaded: Instant::now(), renewing })
        });
        let mut desk = shard.desk();
        if shard.forgotten.load(Ordering::SeqCst) == before {
            match &known {
                Some(known) => self.keep(shard, hash, known),
                None => {
                    Self::drop_kept(shard, hash);
                    if desk.strangers.len() >= STRANGERS {
                        desk.strangers.clear();
                    }
                    desk.strangers.insert(*hash, Instant::now());
                }
            }
        }
        Ok(known)
    }

    /// Called at the desk only, so that no change is lost.
    fn keep(&self, shard: &Shard<A>, hash: &KeyHash, known: &Arc<Known<A>>) {
        let mut kept = Kept::clone(&shard.kept.load());
        let most = self.settings.most.div_ceil(SHARDS).max(1);
        while kept.len() >= most && !kept.contains_key(hash) {
            let oldest = kept.iter().min_by_key(|(_, known)| known.loaded).map(|(hash, _)| *hash);
            let Some(oldest) = oldest else { break };
            kept.remove(&oldest);
        }
        kept.insert(*hash, Arc::clone(known));
        shard.kept.store(Arc::new(kept));
    }

    fn drop_kept(shard: &Shard<A>, hash: &KeyHash) {
        if shard.kept.load().contains_key(hash) {
            let mut kept = Kept::clone(&shard.kept.load());
            kept.remove(hash);
            shard.kept.store(Arc::new(kept));
        }
    }
}

/// Lets somebody else look a key up again, also when whoever did has gone away.
struct Renewing<'a>(&'a AtomicBool);

impl Drop for Renewing<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
