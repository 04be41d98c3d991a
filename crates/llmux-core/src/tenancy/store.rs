//! What keeps identities and spend.

use async_trait::async_trait;

use super::{EndUser, Entity, KeyHash, Membership, Organization, SpendEvent, Team, User, VirtualKey};
use crate::Result;

/// A key with everything it belongs to. Terms of shared budgets are filled in already.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct KeyIdentity {
    /// The key.
    pub key: VirtualKey,
    /// Its team.
    pub team: Option<Team>,
    /// Its user.
    pub user: Option<User>,
    /// What its user may use and has spent in its team.
    pub membership: Option<Membership>,
    /// Its organization, or its team's.
    pub organization: Option<Organization>,
}

impl KeyIdentity {
    /// A key that belongs to nobody.
    #[must_use]
    pub fn new(key: VirtualKey) -> Self {
        Self { key, ..Self::default() }
    }

    /// What requests with it are marked with: the key's tags, and the team's. None twice.
    pub fn tags(&self) -> impl Iterator<Item = &str> + Clone {
        let own = &self.key.tags;
        let of_team = self.team.iter().flat_map(|team| &team.tags).filter(|tag| !own.contains(tag));
        own.iter().chain(of_team).map(String::as_str)
    }
}

/// An identity that was made, changed or removed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct IdentityChange {
    /// What kind.
    pub entity: Entity,
    /// Which one, by the id that [`Entity`] tells.
    pub id: String,
}

impl IdentityChange {
    /// This identity has changed.
    #[must_use]
    pub fn new(entity: Entity, id: impl Into<String>) -> Self {
        Self { entity, id: id.into() }
    }
}

/// Identities that have changed, and how far that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changes {
    /// To be asked with next time.
    pub sequence: i64,
    /// What has changed; without those that changed again.
    pub changed: Vec<IdentityChange>,
    /// Whether there may be changes that are not listed, so that whoever keeps identities should forget all of them.
    pub incomplete: bool,
}

impl Changes {
    /// These, known up to this number.
    #[must_use]
    pub fn new(sequence: i64, changed: Vec<IdentityChange>) -> Self {
        Self { sequence, changed, incomplete: false }
    }
}

/// Looks identities up.
///
/// Behaviour that others rely on:
/// - what does not exist is `Ok(None)`; a store that cannot be asked is an error of kind
///   [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable), so that nobody is taken for a stranger because a
///   database is away;
/// - a replaced key is found under its old hash until its time of grace is over;
/// - spend of identities is what was recorded last; making, changing and removing identities are changes, spending is
///   none.
#[async_trait]
pub trait IdentityStore: Send + Sync {
    /// A key and everything it belongs to, by its hash. Blocked and expired keys are found too.
    ///
    /// # Errors
    /// When the store cannot be asked.
    async fn identity(&self, hash: &KeyHash) -> Result<Option<KeyIdentity>>;

    /// An end customer, by the id that requests name.
    ///
    /// # Errors
    /// When the store cannot be asked.
    async fn end_user(&self, id: &str) -> Result<Option<EndUser>>;

    /// What has changed after this number, through any replica; a negative number asks for the number alone.
    ///
    /// # Errors
    /// When the store cannot be asked.
    async fn changes_since(&self, sequence: i64) -> Result<Changes>;
}

/// Is told at once of what changes through this process.
pub trait IdentityListener: Send + Sync {
    /// This has changed, and can be read by now.
    fn changed(&self, change: &IdentityChange);
}

/// Keeps what requests cost.
///
/// Behaviour that others rely on: an event is recorded once, however often it is given, all events of a call or none,
/// and with it the spend of everybody it is billed to.
#[async_trait]
pub trait SpendStore: Send + Sync {
    /// Records events. When it returns, they are kept.
    ///
    /// # Errors
    /// When the store cannot be reached; then nothing is recorded, as far as is known, and the same events are to be
    /// given again. Of kind [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) when it can be reached and
    /// can do nothing with one of these events, now or later.
    async fn record(&self, events: &[SpendEvent]) -> Result<()>;
}
