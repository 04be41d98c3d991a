//! The responses and conversations of one owner, in a store that all share: what is somebody else's is not there.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use llmux_core::{ResponseStore, Result};

use crate::{snapshot::Snapshot, tenancy::Caller};

/// What a caller keeps; `None` where nothing is kept. A team's keys share it, so do the keys of a user without a team.
/// Whoever has the master key keeps for themselves.
pub(super) fn store(snapshot: &Snapshot, caller: Option<&Caller>) -> Option<Arc<dyn ResponseStore>> {
    let store = Arc::clone(snapshot.responses.as_ref()?);
    let Some(caller) = caller else { return Some(store) };
    let key = &caller.identity.key;
    let owner = match (&key.team_id, &key.user_id) {
        (Some(team), _) => format!("team {team}"),
        (None, Some(user)) => format!("user {user}"),
        (None, None) => format!("key {}", key.hash),
    };
    Some(Arc::new(Owned { store, owner }))
}

struct Owned {
    store: Arc<dyn ResponseStore>,
    owner: String,
}

impl Owned {
    /// The name of a record in the store: no id that a client may send has this form.
    fn name(&self, id: &str) -> String {
        format!("{}\n{id}", self.owner)
    }
}

#[async_trait]
impl ResponseStore for Owned {
    async fn get(&self, id: &str) -> Result<Option<Bytes>> {
        self.store.get(&self.name(id)).await
    }

    async fn put(&self, id: &str, record: Bytes) -> Result<()> {
        self.store.put(&self.name(id), record).await
    }

    async fn remove(&self, id: &str) -> Result<bool> {
        self.store.remove(&self.name(id)).await
    }
}
