//! Many replicas of a router that act as one.
//!
//! What others have to know at once (cooldowns, health, requests under way, usage, latencies) each replica tells the
//! others several times a second, always whole figures and never differences, so that nothing is lost for good by a
//! message that is. What has to add up exactly (limits per minute, money) is counted in the shared store. Requests wait
//! for none of that, but for exact limits.

mod gossip;
mod limits;
mod peers;
mod report;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::{join, join_all};
use llmux_core::{Heard, Moment, SharedState};
use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, timeout},
};

use self::peers::Peers;
use crate::state::RouterState;

pub(crate) use self::limits::Sharing;
#[cfg(fuzzing)]
pub(crate) use self::report::holds;

/// What becomes of limits on requests per minute that a router enforces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SharedLimits {
    /// Each replica keeps the whole limit by itself, as well as it knows what the others have counted.
    Local,
    /// Each replica takes parts of the limit in advance. No request waits. All replicas together exceed the limit by no
    /// more than [`ReplicationOptions::overshoot`] of it, and one request for each replica.
    #[default]
    Leased,
    /// Each request is counted in the store before it is sent, which it waits for. The limit is never exceeded while
    /// the store is in reach and keeps its memory.
    Exact,
}

/// How replicas act as one.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReplicationOptions {
    /// What becomes of limits.
    pub limits: SharedLimits,
    /// How often a replica tells the others what it knows.
    pub interval: Duration,
    /// By which share of a limit leases may exceed it.
    pub overshoot: f64,
    /// Whether deployments with limits are left out while the store is out of reach; otherwise each replica then uses
    /// its part of what was left.
    pub fail_closed: bool,
}

impl Default for ReplicationOptions {
    /// Leases that exceed a limit by a tenth at most, told every 50 ms; traffic goes on without the store.
    fn default() -> Self {
        Self {
            limits: SharedLimits::default(),
            interval: Duration::from_millis(50),
            overshoot: 0.1,
            fail_closed: false,
        }
    }
}

/// How long after its last word a replica is taken to be gone, in milliseconds.
const GONE: u64 = 5_000;
/// How often everything is told, changed or not, in milliseconds.
const WHOLE: u64 = 1_000;
/// How long the others are waited for at the start.
const GREETING: Duration = Duration::from_millis(500);

/// What keeps a router's state and those of other replicas together, for as long as it runs.
#[must_use = "nothing is shared before it runs"]
pub struct Replication {
    state: Arc<RouterState>,
    peers: Mutex<Peers>,
    /// Everything is to be told next time.
    whole: AtomicBool,
    told_whole: AtomicU64,
    /// Since when the store is in reach.
    reached: AtomicU64,
}

impl RouterState {
    /// Shares what this state remembers with other replicas. Routers that are built with it from now on keep shared
    /// limits; what is returned has to run in the background. `None` when the state is shared already.
    ///
    /// ```
    /// # async fn example() {
    /// use llmux_router::{ReplicationOptions, RouterState};
    /// use llmux_state::MemoryHub;
    ///
    /// let (state, hub) = (RouterState::new(), MemoryHub::new());
    /// if let Some(replication) = state.share(hub.join("one"), ReplicationOptions::default()) {
    ///     replication.greet().await;
    ///     tokio::spawn(replication.run());
    /// }
    /// // Routers that are built with this state are one with those of other replicas.
    /// # }
    /// ```
    #[must_use]
    pub fn share(
        self: &Arc<Self>,
        store: Arc<dyn SharedState>,
        options: ReplicationOptions,
    ) -> Option<Replication> {
        self.sharing.set(Sharing::new(store, options)).ok()?;
        Some(Replication {
            state: Arc::clone(self),
            peers: Mutex::default(),
            whole: AtomicBool::new(true),
            told_whole: AtomicU64::new(0),
            reached: AtomicU64::new(self.now().millis()),
        })
    }
}

impl Replication {
    /// Runs until it is dropped. Needs a tokio runtime with timers.
    pub async fn run(self) {
        let Some(sharing) = self.state.sharing.get() else { return };
        join(self.speak(sharing), self.listen(sharing)).await;
    }

    /// Waits, half a second at most, until this replica has been told what others know: before the first request.
    pub async fn greet(&self) {
        let Some(sharing) = self.state.sharing.get() else { return };
        let greeting = async {
            while !self.tell(sharing, &report::Report::greeting(sharing.store.replica())).await {
                tokio::time::sleep(sharing.options.interval).await;
            }
        };
        _ = timeout(GREETING, greeting).await;
    }

    async fn speak(&self, sharing: &Sharing) {
        let mut ticks = tokio::time::interval(sharing.options.interval.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.tell_news(sharing).await,
                () = sharing.wanted.notified() => {}
            }
            self.count(sharing).await;
        }
    }

    async fn listen(&self, sharing: &Sharing) {
        loop {
            match sharing.store.hear().await {
                Heard::Told(what) => self.heard(sharing, &what),
                Heard::Joined => {
                    // Whoever was there before says everything once more.
                    self.whole.store(true, Ordering::Release);
                    self.tell(sharing, &report::Report::greeting(sharing.store.replica())).await;
                }
                _ => self.whole.store(true, Ordering::Release),
            }
        }
    }

    /// Tells what has changed, or everything when it is time for that.
    async fn tell_news(&self, sharing: &Sharing) {
        let now = self.state.now();
        let since = now.millis().saturating_sub(self.told_whole.load(Ordering::Relaxed));
        let whole = self.whole.swap(false, Ordering::AcqRel) || since >= WHOLE;
        let reports = gossip::news(&self.state, &mut self.peers(), sharing.store.replica(), whole, now);
        if whole {
            self.told_whole.store(now.millis(), Ordering::Relaxed);
        }
        let lost = sharing.is_lost();
        if reports.is_empty() && lost {
            // Telling is what finds out that the store is back.
            self.tell(sharing, &report::Report::silence(sharing.store.replica(), now)).await;
        }
        for report in &reports {
            if !self.tell(sharing, report).await {
                self.whole.store(true, Ordering::Release);
                return;
            }
        }
        if !sharing.is_lost() {
            let mut peers = self.peers();
            if lost {
                peers.all_heard(now);
                self.reached.store(now.millis(), Ordering::Relaxed);
            }
            if now.millis().saturating_sub(self.reached.load(Ordering::Relaxed)) > WHOLE {
                sharing.settle();
            }
            peers.forget_gone(&self.state, now, GONE);
            sharing.set_replicas(peers.alive(now, GONE).saturating_add(1));
        }
    }

    async fn tell(&self, sharing: &Sharing, report: &report::Report<'_>) -> bool {
        let told = sharing.store.tell(report.bytes()).await.is_ok();
        sharing.set_lost(!told);
        told
    }

    fn heard(&self, sharing: &Sharing, what: &[u8]) {
        let now = self.state.now();
        let Some(report) = report::Report::read(what) else {
            tracing::debug!(bytes = what.len(), "another replica said something that nobody understands");
            return;
        };
        let mut peers = self.peers();
        if report.hello || !peers.knows(&report.from) {
            self.whole.store(true, Ordering::Release);
        }
        gossip::heard(&self.state, &mut peers, &report, now);
        sharing.set_replicas(peers.alive(now, GONE).saturating_add(1));
    }

    /// Brings limits and money up to date.
    async fn count(&self, sharing: &Sharing) {
        let now = self.state.now();
        let leases = self.state.known_deployments();
        let leases = leases.iter().map(|(id, state)| sharing.refill(id, state, now));
        let spend = self.state.known_spend();
        let due = spend.iter().filter(|(_, spend)| spend.is_due(now, WHOLE));
        let spend = due.map(|(name, spend)| async move {
            if let Ok(counted) = sharing.store.count(name, &[spend.count(now)]).await
                && let [counted] = counted.as_slice()
            {
                spend.learn(counted, now);
            }
        });
        join(join_all(leases), join_all(spend)).await;
    }

    fn peers(&self) -> std::sync::MutexGuard<'_, Peers> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place for what wakes the background before its time.
#[derive(Debug, Default)]
pub(crate) struct Wanted(Notify);

impl Wanted {
    pub(crate) fn more(&self) {
        self.0.notify_one();
    }

    async fn notified(&self) {
        self.0.notified().await;
    }
}

/// The moment so many milliseconds before.
fn before(now: Moment, millis: u64) -> Moment {
    Moment::from_millis(now.millis().saturating_sub(millis))
}
