//! The schema, in steps that are only ever added to.

use llmux_core::{Result, tenancy::Timestamp};
use sqlx::{AnyPool, Connection, Row};

use crate::connection::away;

/// What each version adds. A step that was released is never changed.
const STEPS: &[&[&str]] = &[FIRST];

const FIRST: &[&str] = &[
    "CREATE TABLE identities (
        kind TEXT NOT NULL, id TEXT NOT NULL,
        alias TEXT, user_id TEXT, team_id TEXT, organization_id TEXT, budget_id TEXT,
        blocked BIGINT NOT NULL, expires BIGINT, created BIGINT NOT NULL,
        document TEXT NOT NULL, version BIGINT NOT NULL, period_end BIGINT,
        spend_nano BIGINT NOT NULL, spend_part BIGINT NOT NULL,
        total_nano BIGINT NOT NULL, total_part BIGINT NOT NULL,
        PRIMARY KEY (kind, id))",
    "CREATE INDEX identities_alias ON identities (kind, alias)",
    "CREATE INDEX identities_user ON identities (kind, user_id)",
    "CREATE INDEX identities_team ON identities (kind, team_id)",
    "CREATE INDEX identities_organization ON identities (kind, organization_id)",
    "CREATE INDEX identities_budget ON identities (budget_id)",
    "CREATE INDEX identities_created ON identities (kind, created)",
    "CREATE TABLE removed_identities (
        kind TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL,
        removed BIGINT NOT NULL, removed_by TEXT)",
    "CREATE INDEX removed_identities_id ON removed_identities (kind, id)",
    "CREATE TABLE retired_keys (id TEXT NOT NULL PRIMARY KEY, replaced_by TEXT NOT NULL, until BIGINT NOT NULL)",
    "CREATE TABLE sequences (name TEXT NOT NULL PRIMARY KEY, value BIGINT NOT NULL)",
    "INSERT INTO sequences (name, value) VALUES ('change', 0)",
    "CREATE TABLE changes (kind TEXT NOT NULL, id TEXT NOT NULL, sequence BIGINT NOT NULL, PRIMARY KEY (kind, id))",
    "CREATE INDEX changes_sequence ON changes (sequence)",
    "CREATE TABLE spend_log (
        id TEXT NOT NULL PRIMARY KEY, request_id TEXT NOT NULL, time BIGINT NOT NULL,
        key_hash TEXT, user_id TEXT, team_id TEXT, organization_id TEXT, end_user TEXT,
        model TEXT NOT NULL, model_group TEXT NOT NULL, status TEXT NOT NULL,
        cost_nano BIGINT NOT NULL, cost_part BIGINT NOT NULL, event TEXT NOT NULL)",
    "CREATE INDEX spend_log_time ON spend_log (time)",
    "CREATE INDEX spend_log_request ON spend_log (request_id)",
    "CREATE INDEX spend_log_key ON spend_log (key_hash, time)",
    "CREATE INDEX spend_log_user ON spend_log (user_id, time)",
    "CREATE INDEX spend_log_team ON spend_log (team_id, time)",
    "CREATE TABLE spend_daily (
        kind TEXT NOT NULL, day TEXT NOT NULL, id TEXT NOT NULL, key_hash TEXT NOT NULL,
        model TEXT NOT NULL, model_group TEXT NOT NULL, provider TEXT NOT NULL, operation TEXT NOT NULL,
        requests BIGINT NOT NULL, failures BIGINT NOT NULL, prompt_tokens BIGINT NOT NULL,
        completion_tokens BIGINT NOT NULL, cache_read_tokens BIGINT NOT NULL, cache_write_tokens BIGINT NOT NULL,
        duration_ms BIGINT NOT NULL, cost_nano BIGINT NOT NULL, cost_part BIGINT NOT NULL,
        PRIMARY KEY (kind, day, id, key_hash, model, model_group, provider, operation))",
    "CREATE INDEX spend_daily_id ON spend_daily (kind, id, day)",
];

/// Brings a database to the present version. Processes that start at the same time wait for each other: the row of
/// version 0 is what they lock.
pub(crate) async fn migrate(pool: &AnyPool) -> Result<()> {
    let table = "CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT NOT NULL PRIMARY KEY, applied BIGINT NOT NULL)";
    let mut connection = pool.acquire().await.map_err(away)?;
    if sqlx::query(table).execute(&mut *connection).await.is_err() {
        // PostgreSQL refuses one of two that make the table at the same moment; then it is there.
        sqlx::query(table).execute(&mut *connection).await.map_err(away)?;
    }
    let mut transaction = connection.begin().await.map_err(away)?;
    let now = Timestamp::now().millis();
    let lock = "INSERT INTO schema_versions (version, applied) VALUES (0, $1)
                ON CONFLICT (version) DO UPDATE SET applied = excluded.applied";
    sqlx::query(lock).bind(now).execute(&mut *transaction).await.map_err(away)?;
    let row = sqlx::query("SELECT MAX(version) FROM schema_versions").fetch_one(&mut *transaction).await;
    let version: i64 = row.and_then(|row| row.try_get(0)).map_err(away)?;
    for (step, number) in STEPS.iter().zip(1_i64..).filter(|(_, number)| *number > version) {
        for statement in *step {
            sqlx::query(*statement).execute(&mut *transaction).await.map_err(away)?;
        }
        let done = sqlx::query("INSERT INTO schema_versions (version, applied) VALUES ($1, $2)");
        done.bind(number).bind(now).execute(&mut *transaction).await.map_err(away)?;
    }
    transaction.commit().await.map_err(away)
}
