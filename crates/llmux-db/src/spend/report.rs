//! What was spent: by day, by who and by what, from the totals; and single requests, from the log.

use llmux_core::{
    Money, Result, SpendEvent,
    tenancy::{Entity, Timestamp},
};
use sqlx::{Row, any::AnyRow};

use super::daily::{ALL, TAG};
use crate::{
    Database, Page, amount,
    connection::{away, unreadable},
    query::Conditions,
};

/// What totals are told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpendBy {
    /// Each day.
    Day,
    /// Keys, by their hashes; nothing for the master key.
    Key,
    /// Models, by the names that clients use.
    ModelGroup,
    /// Providers.
    Provider,
    /// Teams, users, organizations or end customers.
    Entity(Entity),
    /// What requests are marked with.
    Tag,
    /// All in one.
    Nothing,
}

impl SpendBy {
    /// The kind of totals, and the column that they are told by.
    const fn source(self) -> (&'static str, &'static str) {
        match self {
            Self::Day => (ALL, "day"),
            Self::Key => (ALL, "key_hash"),
            Self::ModelGroup => (ALL, "model_group"),
            Self::Provider => (ALL, "provider"),
            Self::Entity(Entity::Key) => (ALL, "key_hash"),
            Self::Entity(entity) => (entity.as_str(), "id"),
            Self::Tag => (TAG, "id"),
            Self::Nothing => (ALL, "''"),
        }
    }
}

/// Which totals are told.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SpendFilter {
    /// From this day on, as `2026-01-31`.
    pub from: Option<String>,
    /// Up to this day, which is included.
    pub to: Option<String>,
    /// Of this key only, by its hash.
    pub key: Option<String>,
    /// Of these only, by their kind and id; nothing that is told by another kind.
    pub of: Option<(Entity, String)>,
    /// The most rows that are wanted.
    pub limit: Option<u32>,
}

/// One total.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SpendRow {
    /// The day, the key, the model, whose it is.
    pub name: String,
    /// What was spent.
    pub cost: Money,
    /// Requests.
    pub requests: i64,
    /// How many of them failed.
    pub failures: i64,
    /// Tokens of prompts.
    pub prompt_tokens: i64,
    /// Tokens of answers.
    pub completion_tokens: i64,
}

/// Which requests are told.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LogFilter {
    /// Of this key, by its hash.
    pub key: Option<String>,
    /// Of this user.
    pub user: Option<String>,
    /// Of this team.
    pub team: Option<String>,
    /// Of this end customer.
    pub end_user: Option<String>,
    /// With this identifier.
    pub request: Option<String>,
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// How many are left out.
    pub offset: u32,
    /// How many are wanted at most.
    pub limit: u32,
}

impl Database {
    /// Totals, the dearest first; days in their order.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn spend(&self, by: SpendBy, filter: &SpendFilter) -> Result<Vec<SpendRow>> {
        let (kind, column) = by.source();
        let mut conditions = Conditions::default();
        let kind =
            filter.of.as_ref().filter(|(of, _)| *of != Entity::Key).map_or(kind, |(of, _)| of.as_str());
        conditions.text("kind = {}", kind);
        match &filter.of {
            Some((Entity::Key, id)) => conditions.text("key_hash = {}", id.clone()),
            Some((_, id)) => conditions.text("id = {}", id.clone()),
            None => {}
        }
        conditions.maybe("key_hash = {}", filter.key.as_deref());
        conditions.maybe("day >= {}", filter.from.as_deref());
        conditions.maybe("day <= {}", filter.to.as_deref());
        let select = format!(
            "SELECT {column} AS name, CAST(SUM(requests) AS BIGINT), CAST(SUM(failures) AS BIGINT), \
             CAST(SUM(prompt_tokens) AS BIGINT), CAST(SUM(completion_tokens) AS BIGINT), \
             CAST(SUM(cost_nano) AS BIGINT) AS nano, CAST(SUM(cost_part) AS BIGINT) FROM spend_daily"
        );
        let order = if by == SpendBy::Day { "name" } else { "nano DESC, name" };
        let limit = filter.limit.map_or_else(String::new, |limit| format!(" LIMIT {limit}"));
        let behind = format!(" GROUP BY {column} ORDER BY {order}{limit}");
        // A constant is no column to group by.
        let behind = if by == SpendBy::Nothing { " HAVING COUNT(*) > 0".to_owned() } else { behind };
        let rows = conditions.query(&select, &behind).fetch_all(self.pool().await?).await.map_err(away)?;
        rows.iter().map(|row| total(row).map_err(away)).collect()
    }

    /// Single requests, the latest first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn spend_log(&self, filter: &LogFilter) -> Result<Page<SpendEvent>> {
        let mut conditions = Conditions::default();
        conditions.maybe("key_hash = {}", filter.key.as_deref());
        conditions.maybe("user_id = {}", filter.user.as_deref());
        conditions.maybe("team_id = {}", filter.team.as_deref());
        conditions.maybe("end_user = {}", filter.end_user.as_deref());
        conditions.maybe("request_id = {}", filter.request.as_deref());
        if let Some(from) = filter.from {
            conditions.number("time >= {}", from.millis());
        }
        if let Some(until) = filter.until {
            conditions.number("time < {}", until.millis());
        }
        let count =
            conditions.query("SELECT COUNT(*) FROM spend_log", "").fetch_one(self.pool().await?).await;
        let count: i64 = count.and_then(|row| row.try_get(0)).map_err(away)?;
        let behind = format!(" ORDER BY time DESC, id DESC LIMIT {} OFFSET {}", filter.limit, filter.offset);
        let rows =
            conditions.query("SELECT event FROM spend_log", &behind).fetch_all(self.pool().await?).await;
        let read = |row: &AnyRow| {
            let event: String = row.try_get(0).map_err(away)?;
            serde_json::from_str(&event).map_err(unreadable)
        };
        Ok(Page::new(rows.map_err(away)?.iter().map(read).collect::<Result<_>>()?, count))
    }
}

fn total(row: &AnyRow) -> sqlx::Result<SpendRow> {
    Ok(SpendRow {
        name: row.try_get(0)?,
        requests: row.try_get(1)?,
        failures: row.try_get(2)?,
        prompt_tokens: row.try_get(3)?,
        completion_tokens: row.try_get(4)?,
        cost: amount::join(row.try_get(5)?, row.try_get(6)?),
    })
}
