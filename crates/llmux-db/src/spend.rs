//! Recording what requests cost, and telling of it.

mod daily;
mod report;

use std::collections::BTreeMap;

use async_trait::async_trait;
use llmux_core::{
    KeyHash, Money, Result, SpendEvent, SpendStore,
    tenancy::{BudgetDuration, Entity, Timestamp},
};
use serde::Deserialize;
use sqlx::{AnyConnection, Row};

use self::daily::Daily;
pub use self::report::{LogFilter, SpendBy, SpendFilter, SpendRow};
use crate::{
    Database, amount,
    connection::{away, unreadable},
    record::{Ledger, member_id},
};

/// What one batch adds to an identity: by when it was spent.
type Charges = BTreeMap<(Entity, String), Vec<(Timestamp, Money)>>;

#[async_trait]
impl SpendStore for Database {
    async fn record(&self, events: &[SpendEvent]) -> Result<()> {
        let mut transaction = self.pool().await?.begin().await.map_err(away)?;
        let (mut charges, mut daily) = (Charges::new(), Daily::default());
        for event in events {
            if log(&mut transaction, event).await? {
                for entity in billed(event) {
                    charges.entry(entity).or_default().push((event.time, event.cost));
                }
                daily.add(event);
            }
        }
        // In the order of their ids, so that two who record never wait for each other.
        for ((kind, id), amounts) in charges {
            charge(&mut transaction, kind, &id, &amounts).await?;
        }
        daily.write(&mut transaction).await?;
        transaction.commit().await.map_err(away)
    }
}

/// Everybody an event is billed to.
fn billed(event: &SpendEvent) -> impl Iterator<Item = (Entity, String)> + '_ {
    let member = event.team.as_ref().zip(event.user.as_ref()).map(|(team, user)| member_id(team, user));
    [
        (Entity::Key, event.key.as_ref().map(KeyHash::to_string)),
        (Entity::Team, event.team.clone()),
        (Entity::Member, member),
        (Entity::User, event.user.clone()),
        (Entity::Organization, event.organization.clone()),
        (Entity::EndUser, event.end_user.clone()),
    ]
    .into_iter()
    .filter_map(|(kind, id)| Some((kind, id?)))
}

/// Keeps an event; gives whether it is new.
async fn log(connection: &mut AnyConnection, event: &SpendEvent) -> Result<bool> {
    let insert =
        "INSERT INTO spend_log (id, request_id, time, key_hash, user_id, team_id, organization_id, end_user,
        model, model_group, status, cost_nano, cost_part, event)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (id) DO NOTHING";
    let (nano, part) = amount::split(event.cost);
    let text = serde_json::to_string(event).map_err(unreadable)?;
    let query = sqlx::query(insert)
        .bind(event.id.clone())
        .bind(event.request_id.clone())
        .bind(event.time.millis())
        .bind(event.key.as_ref().map(KeyHash::to_string))
        .bind(event.user.clone())
        .bind(event.team.clone())
        .bind(event.organization.clone())
        .bind(event.end_user.clone())
        .bind(event.model.clone())
        .bind(event.model_group.clone())
        .bind(event.status.as_str())
        .bind(nano)
        .bind(part)
        .bind(text);
    query.execute(connection).await.map(|done| done.rows_affected() > 0).map_err(away)
}

/// What of a document says how long its periods are.
#[derive(Deserialize)]
struct Periods {
    #[serde(default)]
    budget_duration: Option<BudgetDuration>,
}

/// Adds amounts to what an identity has spent. Who is not known is not charged: the log has it all the same.
async fn charge(
    connection: &mut AnyConnection,
    kind: Entity,
    id: &str,
    amounts: &[(Timestamp, Money)],
) -> Result<()> {
    let lock = "UPDATE identities SET version = version + 1 WHERE kind = $1 AND id = $2
        RETURNING document, budget_id, period_end, spend_nano, spend_part, total_nano, total_part";
    let query = sqlx::query(lock).bind(kind.as_str()).bind(id.to_owned());
    let Some(row) = query.fetch_optional(&mut *connection).await.map_err(away)? else { return Ok(()) };
    let mut ledger = Ledger::read(&row)?;
    let mut duration = periods(row.try_get("document").map_err(away)?)?;
    if let (None, Some(budget)) = (duration, row.try_get::<Option<String>, _>("budget_id").map_err(away)?) {
        let shared =
            sqlx::query("SELECT document FROM identities WHERE kind = 'budget' AND id = $1").bind(budget);
        if let Some(shared) = shared.fetch_optional(&mut *connection).await.map_err(away)? {
            duration = periods(shared.try_get("document").map_err(away)?)?;
        }
    }
    for (time, cost) in amounts {
        ledger.add(duration, *time, *cost);
    }
    let ((spend, spend_part), (total, total_part)) =
        (amount::split(ledger.spend), amount::split(ledger.total));
    let update = "UPDATE identities SET spend_nano = $3, spend_part = $4, total_nano = $5, total_part = $6,
        period_end = $7 WHERE kind = $1 AND id = $2";
    let update = sqlx::query(update).bind(kind.as_str()).bind(id.to_owned());
    let update = update.bind(spend).bind(spend_part).bind(total).bind(total_part).bind(ledger.period_end);
    update.execute(connection).await.map_err(away).map(drop)
}

fn periods(document: String) -> Result<Option<BudgetDuration>> {
    Ok(serde_json::from_str::<Periods>(&document).map_err(unreadable)?.budget_duration)
}

impl Ledger {
    /// Adds what was spent at a moment. What comes late, of a period that is over, counts for ever but not now.
    fn add(&mut self, duration: Option<BudgetDuration>, time: Timestamp, cost: Money) {
        self.total = self.total + cost;
        let end = duration.map(|duration| duration.period(time).end.millis());
        match (end, self.period_end) {
            (Some(end), Some(known)) if end < known => {}
            (end, known) if end == known => self.spend = self.spend + cost,
            (Some(_), _) => (self.spend, self.period_end) = (cost, end),
            (None, _) => (self.spend, self.period_end) = (self.spend + cost, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spend_starts_anew_with_each_period_and_late_events_count_only_in_total() {
        let mut ledger = Ledger { spend: Money::ZERO, total: Money::ZERO, period_end: None };
        let mut add = |time: &str, cost: &str| {
            ledger.add(Some("1d".parse().unwrap()), time.parse().unwrap(), cost.parse().unwrap());
            (ledger.spend.to_string(), ledger.total.to_string())
        };
        assert_eq!(add("2026-01-01T10:00:00Z", "0.1"), ("0.1".into(), "0.1".into()));
        assert_eq!(add("2026-01-01T23:59:59Z", "0.2"), ("0.3".into(), "0.3".into()));
        assert_eq!(add("2026-01-02T00:00:00Z", "1"), ("1".into(), "1.3".into()));
        assert_eq!(add("2026-01-01T23:59:59Z", "0.2"), ("1".into(), "1.5".into()));
    }
}
