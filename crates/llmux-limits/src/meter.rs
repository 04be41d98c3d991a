//! What counts, and where it is found again.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use crate::{budget::Purse, window::Window};

/// What kind of thing is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ScopeKind {
    /// A virtual key.
    Key,
    /// A team.
    Team,
    /// An organization.
    Organization,
    /// A tag of requests.
    Tag,
    /// An internal user.
    User,
    /// A user in one team.
    TeamMember,
    /// A customer of whoever holds the key.
    EndUser,
    /// A project.
    Project,
    /// One model, asked for with one key.
    ModelPerKey,
    /// One model, asked for by one team.
    ModelPerTeam,
    /// The gateway as a whole.
    Proxy,
}

impl ScopeKind {
    /// LiteLLM's name in messages and headers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "api_key",
            Self::Team => "team",
            Self::Organization => "organization",
            Self::Tag => "tag",
            Self::User => "user",
            Self::TeamMember => "team_member",
            Self::EndUser => "end_user",
            Self::Project => "project",
            Self::ModelPerKey => "model_per_key",
            Self::ModelPerTeam => "model_per_team",
            Self::Proxy => "proxy",
        }
    }
}

/// What is limited.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    /// Its kind.
    pub kind: ScopeKind,
    /// Which one of its kind.
    pub id: Arc<str>,
}

impl Scope {
    /// This one of this kind.
    #[must_use]
    pub fn new(kind: ScopeKind, id: impl Into<Arc<str>>) -> Self {
        Self { kind, id: id.into() }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.as_str(), self.id)
    }
}

/// What was counted for one scope. Limits may change while it goes on counting.
#[derive(Debug, Default)]
pub struct Meter {
    pub(crate) requests: Window,
    pub(crate) tokens: Window,
    pub(crate) parallel: AtomicU32,
    /// What was spent of each budget, by its name.
    purses: Mutex<HashMap<Arc<str>, Arc<Purse>>>,
    /// When it was asked for last, in seconds since 1970.
    used: AtomicU64,
}

impl Meter {
    /// The purse of one of the scope's budgets.
    pub(crate) fn purse(&self, name: &str) -> Arc<Purse> {
        let mut purses = self.purses.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(purses.entry(Arc::from(name)).or_default())
    }

    /// How many requests run now.
    #[must_use]
    pub fn running(&self) -> u32 {
        self.parallel.load(Ordering::Relaxed)
    }
}

/// Seconds after which a meter that nobody holds is forgotten: longer than any window, and than spending needs to
/// arrive in the database.
const IDLE: u64 = 900;
const SHARDS: usize = 16;

/// All meters of the process, by scope. Whoever builds gates asks it; requests do not.
#[derive(Debug, Default)]
pub struct Meters {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Shard {
    meters: HashMap<Scope, Arc<Meter>>,
    /// The number of meters at which idle ones are looked for next.
    sweep_at: usize,
}

impl Meters {
    /// The meter of a scope, the same one whenever it is asked for.
    #[must_use]
    pub fn of(&self, scope: &Scope, now: u64) -> Arc<Meter> {
        let at = usize::try_from(self.hasher.hash_one(scope) % 16).unwrap_or(0);
        let Some(shard) = self.shards.get(at) else { return Arc::default() };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if shard.meters.len() >= shard.sweep_at.max(256) {
            let idle = |meter: &Arc<Meter>| {
                Arc::strong_count(meter) == 1 && now.saturating_sub(meter.used.load(Ordering::Relaxed)) > IDLE
            };
            shard.meters.retain(|_, meter| !idle(meter));
            shard.sweep_at = shard.meters.len().saturating_mul(2);
        }
        let meter = shard.meters.entry(scope.clone()).or_default();
        meter.used.store(now, Ordering::Relaxed);
        Arc::clone(meter)
    }

    /// How many scopes are counted for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).meters.len())
            .sum()
    }

    /// Whether nothing is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_finds_its_meter_again_and_idle_ones_are_forgotten() {
        let meters = Meters::default();
        let held = meters.of(&Scope::new(ScopeKind::Key, "held"), 0);
        assert!(Arc::ptr_eq(&held, &meters.of(&Scope::new(ScopeKind::Key, "held"), 0)));
        assert!(!Arc::ptr_eq(&held, &meters.of(&Scope::new(ScopeKind::Team, "held"), 0)));
        for number in 0_u64..100_000 {
            let _ = meters.of(&Scope::new(ScopeKind::EndUser, number.to_string()), number);
        }
        assert!(meters.len() < 20_000, "{} are kept", meters.len());
        assert!(Arc::ptr_eq(&held, &meters.of(&Scope::new(ScopeKind::Key, "held"), 0)));
    }
}
