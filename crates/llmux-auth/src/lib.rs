//! Who calls, and what they may ask for.
//!
//! A [`Directory`] keeps keys at hand that were looked up in an
//! [`IdentityStore`](llmux_core::tenancy::IdentityStore), so that a request with a known key waits for nobody.
//! [`models`] and [`routes`] say what a key may ask for; [`refused`] holds the errors for those who may not, in
//! LiteLLM's words.

mod directory;
mod follow;
pub mod models;
pub mod refused;
pub mod routes;

pub use directory::{Directory, Known, Settings};

use llmux_core::{
    Result,
    tenancy::{KeyIdentity, Timestamp},
};

/// Refuses a key that may not be used now: it is blocked, its team is, or it has expired.
///
/// # Errors
/// 401, in LiteLLM's words.
pub fn check_validity(identity: &KeyIdentity, now: Timestamp) -> Result<()> {
    let key = &identity.key;
    if key.blocked {
        return Err(refused::blocked_key());
    }
    if let Some(expires) = key.expires.filter(|expires| *expires <= now) {
        return Err(refused::expired_key(expires, now));
    }
    match identity.team.as_ref().filter(|team| team.blocked) {
        Some(team) => Err(refused::blocked_team(&team.team_id)),
        None => Ok(()),
    }
}
