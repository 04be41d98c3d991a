//! Totals of each day, kept as events come, so that no report reads the log.

use std::collections::BTreeMap;

use llmux_core::{
    KeyHash, Money, Result, SpendEvent,
    tenancy::{Entity, SpendStatus},
};
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::{
    amount::{self, CARRY},
    connection::away,
};

/// Everything, and requests by their tags: kinds of totals that no identity is behind.
pub(super) const ALL: &str = "all";
pub(super) const TAG: &str = "tag";

/// What totals are kept by: kind, day, id, key, model, group of models, provider, operation.
type Place = [String; 8];

#[derive(Default)]
struct Sums {
    requests: i64,
    failures: i64,
    prompt: i64,
    completion: i64,
    cache_read: i64,
    cache_write: i64,
    duration: i64,
    cost: Money,
}

/// What a batch adds.
#[derive(Default)]
pub(super) struct Daily(BTreeMap<Place, Sums>);

impl Daily {
    pub(super) fn add(&mut self, event: &SpendEvent) {
        let key = event.key.as_ref().map(KeyHash::to_string).unwrap_or_default();
        let identities = [
            (Entity::Team.as_str(), &event.team),
            (Entity::User.as_str(), &event.user),
            (Entity::Organization.as_str(), &event.organization),
            (Entity::EndUser.as_str(), &event.end_user),
        ];
        let identities = identities.into_iter().filter_map(|(kind, id)| Some((kind, id.as_deref()?)));
        let tags = event.tags.iter().map(|tag| (TAG, tag.as_str()));
        for (kind, id) in [(ALL, "")].into_iter().chain(identities).chain(tags) {
            let place = [
                kind,
                &event.time.date(),
                id,
                &key,
                &event.model,
                &event.model_group,
                &event.provider,
                &event.operation,
            ];
            self.0.entry(place.map(str::to_owned)).or_default().add(event);
        }
    }

    pub(super) async fn write(self, connection: &mut AnyConnection) -> Result<()> {
        let statement = statement();
        for (place, sums) in self.0 {
            let (nano, part) = amount::split(sums.cost);
            let mut query = sqlx::query(AssertSqlSafe(statement.clone()));
            for text in place {
                query = query.bind(text);
            }
            let numbers = [
                sums.requests,
                sums.failures,
                sums.prompt,
                sums.completion,
                sums.cache_read,
                sums.cache_write,
                sums.duration,
                nano,
                part,
            ];
            for number in numbers {
                query = query.bind(number);
            }
            query.execute(&mut *connection).await.map_err(away)?;
        }
        Ok(())
    }
}

impl Sums {
    fn add(&mut self, event: &SpendEvent) {
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let usage = &event.usage;
        let failed = event.status == SpendStatus::Failure;
        for (sum, more) in [
            (&mut self.requests, 1),
            (&mut self.failures, i64::from(failed)),
            (&mut self.prompt, count(usage.prompt_total())),
            (&mut self.completion, count(usage.completion_total())),
            (&mut self.cache_read, count(usage.cached())),
            (&mut self.cache_write, count(usage.cache_write.saturating_add(usage.cache_write_1h))),
            (&mut self.duration, count(event.duration_ms)),
        ] {
            *sum = sum.saturating_add(more);
        }
        self.cost = self.cost + event.cost;
    }
}

/// Sums that are added to.
const SUMS: [&str; 7] = [
    "requests",
    "failures",
    "prompt_tokens",
    "completion_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "duration_ms",
];

fn statement() -> String {
    let place = "kind, day, id, key_hash, model, model_group, provider, operation";
    let plus = SUMS.map(|sum| format!("{sum} = spend_daily.{sum} + excluded.{sum}")).join(", ");
    let both = "(spend_daily.cost_part + excluded.cost_part)";
    let cost = format!("spend_daily.cost_nano + excluded.cost_nano + {both} / {CARRY}");
    let places: Vec<_> = (1..=17).map(|place| format!("${place}")).collect();
    format!(
        "INSERT INTO spend_daily ({place}, {}, cost_nano, cost_part) VALUES ({}) ON CONFLICT ({place}) DO UPDATE \
         SET {plus}, cost_nano = {cost}, cost_part = {both} % {CARRY}",
        SUMS.join(", "),
        places.join(", ")
    )
}
