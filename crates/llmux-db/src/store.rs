//! Looking identities up, as the data plane does.

use async_trait::async_trait;
use llmux_core::{
    IdentityStore, KeyHash, Result,
    tenancy::{
        Changes, EndUser, Entity, IdentityChange, KeyIdentity, Membership, Organization, Team, Timestamp,
        User, VirtualKey,
    },
};
use sqlx::Row;

use crate::{Database, Record, connection::away, record::member_id};

/// Changes that are told one by one; whoever has missed more forgets everything.
const MOST: i64 = 1_000;

#[async_trait]
impl IdentityStore for Database {
    async fn identity(&self, hash: &KeyHash) -> Result<Option<KeyIdentity>> {
        let Some(key) = self.key(&hash.to_string()).await? else { return Ok(None) };
        let team = self.linked::<Team>(key.team_id.as_deref()).await?;
        let organization =
            key.organization_id.as_ref().or(team.as_ref().and_then(|team| team.organization_id.as_ref()));
        let organization = self.linked::<Organization>(organization.map(String::as_str)).await?;
        let user = self.linked::<User>(key.user_id.as_deref()).await?;
        let member = key.team_id.as_ref().zip(key.user_id.as_ref()).map(|(team, user)| member_id(team, user));
        let membership = self.linked::<Membership>(member.as_deref()).await?;
        let mut identity = KeyIdentity::new(key);
        (identity.team, identity.user) = (team, user);
        (identity.membership, identity.organization) = (membership, organization);
        Ok(Some(identity))
    }

    async fn end_user(&self, id: &str) -> Result<Option<EndUser>> {
        self.resolved(id).await
    }

    async fn changes_since(&self, sequence: i64) -> Result<Changes> {
        let row = sqlx::query("SELECT value FROM sequences WHERE name = 'change'")
            .fetch_one(self.pool().await?)
            .await;
        let last: i64 = row.and_then(|row| row.try_get(0)).map_err(away)?;
        if sequence < 0 || sequence >= last {
            return Ok(Changes::new(last, Vec::new()));
        }
        let select = "SELECT kind, id, sequence FROM changes WHERE sequence > $1 ORDER BY sequence LIMIT $2";
        let rows = sqlx::query(select)
            .bind(sequence)
            .bind(MOST + 1)
            .fetch_all(self.pool().await?)
            .await
            .map_err(away)?;
        let (mut changes, mut end) = (Vec::with_capacity(rows.len()), last);
        for row in &rows {
            let (kind, id): (String, String) = (row.try_get(0).map_err(away)?, row.try_get(1).map_err(away)?);
            end = end.max(row.try_get(2).map_err(away)?);
            changes.extend(Entity::from_word(&kind).map(|kind| IdentityChange::new(kind, id)));
        }
        let mut changes = Changes::new(end, changes);
        changes.incomplete = i64::try_from(rows.len()).is_ok_and(|rows| rows > MOST);
        Ok(changes)
    }
}

impl Database {
    /// A key by its hash, or by one that it had and that is still good.
    async fn key(&self, id: &str) -> Result<Option<VirtualKey>> {
        if let Some(key) = self.resolved::<VirtualKey>(id).await? {
            return Ok(Some(key));
        }
        let select = "SELECT replaced_by FROM retired_keys WHERE id = $1 AND until > $2";
        let query = sqlx::query(select).bind(id.to_owned()).bind(Timestamp::now().millis());
        match query.fetch_optional(self.pool().await?).await.map_err(away)? {
            Some(row) => {
                let id: String = row.try_get(0).map_err(away)?;
                self.resolved(&id).await
            }
            None => Ok(None),
        }
    }

    async fn linked<R: Record>(&self, id: Option<&str>) -> Result<Option<R>> {
        match id {
            Some(id) => self.resolved(id).await,
            None => Ok(None),
        }
    }
}
