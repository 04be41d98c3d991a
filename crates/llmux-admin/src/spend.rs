//! `/spend/*` and `/global/spend*`

use llmux_core::{
    Result, SpendEvent,
    tenancy::{Entity, Team, Timestamp, User, VirtualKey},
};
use llmux_db::{Filter, LogFilter, Sort, SpendBy, SpendFilter, SpendRow};
use serde_json::{Value, json};

use crate::{
    Work,
    caller::denied,
    fields::{Fields, wrong},
    keys,
    shown::all,
};

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    Logs,
    KeyRows,
    UserRows,
    Tags,
    Total,
    Days,
    Keys,
    Teams,
    Models,
    Providers,
    EndUsers,
    Activity,
}

/// A day in milliseconds.
const DAY: i64 = 86_400_000;
/// The most single requests in one answer.
const MOST: u32 = 1_000;

pub(crate) async fn run(report: Report, mut work: Work<'_>) -> Result<Value> {
    if report == Report::Logs {
        return logs(work).await;
    }
    let filter = filter(&mut work.fields)?;
    let db = work.db;
    let named = |rows: Vec<SpendRow>, name: &'static str, spend: &'static str| -> Value {
        rows.into_iter()
            .map(|row| json!({ name: row.name, spend: row.cost.to_f64(), "requests": row.requests }))
            .collect()
    };
    Ok(match report {
        Report::KeyRows => all(&db.list::<VirtualKey>(&dearest()).await?.items),
        Report::UserRows => all(&db.list::<User>(&dearest()).await?.items),
        Report::Tags => tags(db.spend(SpendBy::Tag, &filter).await?),
        Report::Total => {
            let total = db.spend(SpendBy::Nothing, &filter).await?.into_iter().next().unwrap_or_default();
            json!({ "spend": total.cost.to_f64(), "max_budget": 0 })
        }
        Report::Days => named(db.spend(SpendBy::Day, &filter).await?, "date", "spend"),
        Report::Keys => key_names(&work, db.spend(SpendBy::Key, &filter).await?).await?,
        Report::Teams => team_names(&work, db.spend(SpendBy::Entity(Entity::Team), &filter).await?).await?,
        Report::Models => named(db.spend(SpendBy::ModelGroup, &filter).await?, "model", "total_spend"),
        Report::Providers => named(db.spend(SpendBy::Provider, &filter).await?, "provider", "spend"),
        Report::EndUsers => {
            let rows = db.spend(SpendBy::Entity(Entity::EndUser), &filter).await?;
            let row = |row: SpendRow| json!({ "end_user": row.name, "total_count": row.requests, "total_spend": row.cost.to_f64() });
            rows.into_iter().map(row).collect()
        }
        Report::Activity | Report::Logs => activity(db.spend(SpendBy::Day, &filter).await?),
    })
}

fn dearest() -> Filter {
    let mut filter = Filter::new();
    (filter.sort, filter.limit) = (Sort::Spend, Some(keys::MOST_SHOWN));
    filter
}

fn filter(fields: &mut Fields) -> Result<SpendFilter> {
    let mut filter = SpendFilter::default();
    filter.from = moment(fields, "start_date")?.map(Timestamp::date);
    filter.to = moment(fields, "end_date")?.map(Timestamp::date);
    filter.key = fields.take_key("api_key")?.map(|hash| hash.to_string());
    filter.limit = fields.take_number("limit")?;
    Ok(filter)
}

fn moment(fields: &mut Fields, name: &str) -> Result<Option<Timestamp>> {
    let text = fields.take_text(name)?;
    text.map(|text| text.parse())
        .transpose()
        .map_err(|error: llmux_core::tenancy::NotATime| wrong(&error.to_string(), name))
}

fn tags(rows: Vec<SpendRow>) -> Value {
    let row = |row: SpendRow| json!({ "individual_request_tag": row.name, "log_count": row.requests, "total_spend": row.cost.to_f64() });
    rows.into_iter().map(row).collect()
}

fn activity(days: Vec<SpendRow>) -> Value {
    let tokens = |row: &SpendRow| row.prompt_tokens.saturating_add(row.completion_tokens);
    let (requests, all): (i64, i64) =
        (days.iter().map(|row| row.requests).sum(), days.iter().map(tokens).sum());
    let row = |row: &SpendRow| json!({ "date": row.name, "api_requests": row.requests, "total_tokens": tokens(row) });
    let days: Vec<_> = days.iter().map(row).collect();
    json!({ "daily_data": days, "sum_api_requests": requests, "sum_total_tokens": all })
}

async fn key_names(work: &Work<'_>, rows: Vec<SpendRow>) -> Result<Value> {
    let mut named = Vec::new();
    for row in rows {
        let key = work.db.get::<VirtualKey>(&row.name).await?;
        let (alias, name) = key.map(|key| (key.key_alias, key.key_name)).unwrap_or_default();
        named.push(json!({ "api_key": row.name, "key_alias": alias, "key_name": name, "total_spend": row.cost.to_f64() }));
    }
    Ok(named.into())
}

async fn team_names(work: &Work<'_>, rows: Vec<SpendRow>) -> Result<Value> {
    let mut named = Vec::new();
    for row in rows {
        let alias = work.db.get::<Team>(&row.name).await?.and_then(|team| team.team_alias);
        named.push(json!({ "team_id": row.name, "team_alias": alias, "total_spend": row.cost.to_f64() }));
    }
    Ok(named.into())
}

/// Single requests; with two dates and without `summarize=false`, what each day cost.
async fn logs(mut work: Work<'_>) -> Result<Value> {
    let fields = &mut work.fields;
    let mut filter = LogFilter::default();
    filter.key = fields.take_key("api_key")?.map(|hash| hash.to_string());
    (filter.user, filter.request) = (fields.take_text("user_id")?, fields.take_text("request_id")?);
    (filter.team, filter.end_user) = (fields.take_text("team_id")?, fields.take_text("end_user")?);
    filter.from = moment(fields, "start_date")?;
    let to = moment(fields, "end_date")?;
    filter.until = to.map(|to| to.start_of_day().plus(DAY));
    let size = fields.take_number("page_size")?.unwrap_or(MOST).clamp(1, MOST);
    let page = fields.take_number("page")?.unwrap_or(1).max(1);
    (filter.offset, filter.limit) = ((page - 1).saturating_mul(size), size);
    let summarize = fields.take_flag("summarize")?.unwrap_or(true);
    if !work.who.sees_all() {
        scope(&work, &mut filter)?;
    }
    if let (true, Some(from), Some(to)) = (summarize, filter.from, to) {
        return days(&work, &filter, from, to).await;
    }
    Ok(work.db.spend_log(&filter).await?.items.iter().map(row).collect())
}

/// Whoever does not see everything sees what is their own: their key's, or their user's.
fn scope(work: &Work<'_>, filter: &mut LogFilter) -> Result<()> {
    let key = work.who.key.as_ref().map(|key| key.hash.to_string());
    if filter.key.is_some() && filter.key == key {
        return Ok(());
    }
    match work.who.me() {
        Some(me) if filter.user.as_ref().is_none_or(|user| user == me) => filter.user = Some(me.to_owned()),
        Some(_) => return Err(denied("these logs are somebody else's")),
        None => filter.key = key,
    }
    Ok(())
}

async fn days(work: &Work<'_>, of: &LogFilter, from: Timestamp, to: Timestamp) -> Result<Value> {
    let mut filter = SpendFilter::default();
    (filter.from, filter.to) = (Some(from.date()), Some(to.date()));
    filter.key.clone_from(&of.key);
    let user = of.user.clone().map(|user| (Entity::User, user));
    filter.of = user.or_else(|| of.team.clone().map(|team| (Entity::Team, team)));
    let days = work.db.spend(SpendBy::Day, &filter).await?;
    Ok(days.into_iter().map(|day| json!({ "startTime": day.name, "spend": day.cost.to_f64() })).collect())
}

/// A request in LiteLLM's columns.
fn row(event: &SpendEvent) -> Value {
    let length = i64::try_from(event.duration_ms).unwrap_or_default();
    json!({
        "request_id": event.request_id,
        "call_type": event.operation,
        "api_key": event.key,
        "spend": event.cost.to_f64(),
        "total_tokens": event.usage.total(),
        "prompt_tokens": event.usage.prompt_total(),
        "completion_tokens": event.usage.completion_total(),
        "startTime": event.time,
        "endTime": event.time.plus(length),
        "request_duration_ms": event.duration_ms,
        "model": event.model,
        "model_id": event.deployment,
        "model_group": event.model_group,
        "custom_llm_provider": event.provider,
        "user": event.user,
        "team_id": event.team,
        "organization_id": event.organization,
        "end_user": event.end_user,
        "request_tags": event.tags,
        "cache_hit": if event.cached { "True" } else { "False" },
        "status": event.status,
    })
}
