//! Forgetting what has changed, here or through another replica.

use std::{sync::atomic::Ordering, time::Duration};

use llmux_core::tenancy::{Entity, IdentityChange, IdentityListener, KeyHash, KeyIdentity};

use crate::{Directory, directory::within};

impl<A> Directory<A> {
    /// Forgets what other replicas change, for ever: to be run beside the requests. It asks the store so often.
    pub async fn follow(&self, interval: Duration) {
        let mut sequence = -1;
        let mut away = false;
        loop {
            if sequence < 0 && self.is_empty() {
                // Nothing to forget, so nobody outside is spoken to before the first key comes.
                tokio::time::sleep(interval).await;
                continue;
            }
            let changes = within(self.store.changes_since(sequence)).await;
            self.reached.store(changes.is_ok(), Ordering::Relaxed);
            match changes {
                Ok(changes) => {
                    // What happened while nobody could ask is listed, or said to be incomplete. What was looked up
                    // before the first answer may have changed since.
                    if changes.incomplete || sequence < 0 {
                        self.forget_where(|_| true);
                    }
                    changes.changed.iter().for_each(|change| self.changed(change));
                    sequence = changes.sequence;
                    if std::mem::take(&mut away) {
                        tracing::warn!("the store of identities can be asked again");
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut away, true) {
                        tracing::error!(%error, "the store of identities cannot be asked: known keys go on for a while");
                    }
                }
            }
            tokio::time::sleep(interval).await;
        }
    }
}

impl<A: Send + Sync> IdentityListener for Directory<A> {
    fn changed(&self, change: &IdentityChange) {
        Directory::changed(self, change);
    }
}

impl<A> Directory<A> {
    /// Forgets the keys that a change concerns.
    pub fn changed(&self, change: &IdentityChange) {
        let id = change.id.as_str();
        match (change.entity, id.parse::<KeyHash>()) {
            (Entity::Key, Ok(hash)) => {
                self.forget(&hash);
                // A key that was replaced is still found under its old hash for a while.
                self.forget_where(|identity| identity.key.hash == hash);
            }
            (entity, _) => self.forget_where(|identity| concerns(entity, id, identity)),
        }
    }
}

/// Whether a key belongs to something.
fn concerns(entity: Entity, id: &str, identity: &KeyIdentity) -> bool {
    let KeyIdentity { key, team, organization, .. } = identity;
    match entity {
        Entity::Team => key.team_id.as_deref() == Some(id),
        Entity::User => key.user_id.as_deref() == Some(id),
        Entity::Organization => organization.as_ref().is_some_and(|of| of.organization_id == id),
        Entity::Member => {
            let (of_team, of_user) = (key.team_id.as_deref(), key.user_id.as_deref());
            id.split_once('\n').is_some_and(|(team, user)| of_team == Some(team) && of_user == Some(user))
        }
        Entity::Budget => {
            let of_team = team.as_ref().and_then(|team| team.budget_id.as_deref());
            let of_organization = organization.as_ref().and_then(|of| of.budget_id.as_deref());
            // Memberships and users may share it too; to ask again is cheap.
            [key.budget_id.as_deref(), of_team, of_organization].contains(&Some(id))
                || identity.membership.is_some()
                || identity.user.is_some()
        }
        Entity::EndUser => false,
        _ => true,
    }
}
