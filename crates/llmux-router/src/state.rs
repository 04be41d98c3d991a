//! What a router remembers between requests. It outlives a change of the configuration: deployments keep their
//! counters under their ids.

mod cooling;
mod deployment;
mod fails;
mod gate;
mod lease;
mod merged;
mod pins;
mod rate;
mod spend;
mod split;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64},
    },
};

use llmux_core::{DeploymentId, Moment};

pub use self::deployment::DeploymentState;
pub(crate) use self::{
    cooling::Cooling,
    gate::{Gate, Permit, Places},
    lease::Lease,
    merged::{Figures, Merged},
    pins::{PinKey, Pins},
    rate::RetryRate,
    spend::Spend,
    split::{Claim, SplitTokens},
};
use crate::{
    clock::{Chance, Clock},
    line::Line,
    replication::Sharing,
};

/// What a router remembers: statistics, cooldowns, spend and affinities.
///
/// Give the same one to each router that is built from a new configuration, and nothing is forgotten.
///
/// ```
/// use llmux_router::RouterState;
///
/// let state = RouterState::new();
/// let repeatable = RouterState::seeded(42);
/// ```
pub struct RouterState {
    clock: Clock,
    chance: Chance,
    /// Looked at when a router is built, never for a request.
    deployments: Mutex<HashMap<DeploymentId, Arc<DeploymentState>>>,
    spend: Mutex<HashMap<String, Arc<Spend>>>,
    groups: Mutex<HashMap<String, Arc<GroupState>>>,
    /// Whether any budget was ever reached.
    pub(crate) budget_reached: Arc<AtomicBool>,
    pub(crate) pins: Pins,
    pub(crate) retries: RetryRate,
    /// What is shared with other replicas, if anything is.
    pub(crate) sharing: OnceLock<Sharing>,
}

/// What is remembered of a model group.
#[derive(Debug, Default)]
pub(crate) struct GroupState {
    /// Choices made.
    pub(crate) turns: AtomicU64,
    pub(crate) gate: Gate,
    /// Those that wait until somebody may serve them.
    pub(crate) line: Line,
}

impl RouterState {
    /// A state with the real time and real chance.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Self::with(Clock::real(), Chance::Thread)
    }

    /// A state whose clock starts at the same moment and whose chance is the same each time: for tests and
    /// simulations, under tokio's paused time.
    #[must_use]
    pub fn seeded(seed: u64) -> Arc<Self> {
        const START: Moment = Moment::from_millis(1_800_000_000_000);
        Self::with(Clock::from(START), Chance::Seeded(AtomicU64::new(seed)))
    }

    fn with(clock: Clock, chance: Chance) -> Arc<Self> {
        Arc::new(Self {
            clock,
            chance,
            deployments: Mutex::default(),
            spend: Mutex::default(),
            groups: Mutex::default(),
            budget_reached: Arc::default(),
            pins: Pins::default(),
            retries: RetryRate::default(),
            sharing: OnceLock::new(),
        })
    }

    /// The present moment on the router's clock.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    pub(crate) fn random(&self) -> u64 {
        self.chance.next()
    }

    /// What is remembered of a deployment; it begins to be.
    #[must_use]
    pub fn deployment(&self, id: &DeploymentId) -> Arc<DeploymentState> {
        let mut known = self.deployments.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(id.clone()).or_default())
    }

    /// The spend that counts against the budget of this name.
    pub(crate) fn spend(&self, name: &str) -> Arc<Spend> {
        let mut known = self.spend.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Spend::telling(&self.budget_reached));
        Arc::clone(known.entry(name.to_owned()).or_insert_with(new))
    }

    pub(crate) fn group(&self, name: &str) -> Arc<GroupState> {
        let mut known = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(name.to_owned()).or_default())
    }

    /// Every deployment that is remembered.
    pub(crate) fn known_deployments(&self) -> Vec<(DeploymentId, Arc<DeploymentState>)> {
        let known = self.deployments.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|(id, state)| (id.clone(), Arc::clone(state))).collect()
    }

    /// Every budget that is remembered.
    pub(crate) fn known_spend(&self) -> Vec<(String, Arc<Spend>)> {
        let known = self.spend.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|(name, spend)| (name.clone(), Arc::clone(spend))).collect()
    }

    /// Forgets what no router uses any more.
    pub(crate) fn forget_unused(&self) {
        fn used<K, V>(_: &K, value: &mut Arc<V>) -> bool {
            Arc::strong_count(value) > 1
        }
        self.deployments.lock().unwrap_or_else(PoisonError::into_inner).retain(used);
        self.spend.lock().unwrap_or_else(PoisonError::into_inner).retain(used);
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).retain(used);
    }
}

impl fmt::Debug for RouterState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterState").field("clock", &self.clock).finish_non_exhaustive()
    }
}
