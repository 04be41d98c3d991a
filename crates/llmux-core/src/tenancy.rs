//! Who may ask, how much, and what it cost: the identities that requests belong to, and the traits of what keeps
//! them and their spend.
//!
//! The names that these types have as JSON are those of LiteLLM's management API, so a stored identity, a request
//! that changes it and an answer that tells of it are one form. Amounts of money are exact texts there; only the
//! outermost edge of the management API makes floating-point numbers of them.

mod budget;
mod entity;
mod event;
mod key;
mod role;
mod store;
mod time;

pub use budget::{
    BudgetDuration, BudgetPeriod, BudgetTerms, BudgetWindow, Limits, ModelBudget, NotADuration, Spent,
};
pub use entity::{Budget, EndUser, Entity, Membership, Organization, Team, TeamMember, User};
pub use event::{SpendEvent, SpendStatus};
pub use key::{KeyHash, NotAHash, VirtualKey, key_name, new_secret};
pub use role::{MemberRole, Role};
pub use store::{Changes, IdentityChange, IdentityListener, IdentityStore, KeyIdentity, SpendStore};
pub use time::{NotATime, Timestamp};
