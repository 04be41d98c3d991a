//! `authorize` and `admit`: may this key ask for this model, and is there room for it?

use std::{sync::Arc, time::Duration};

use llmux_auth::{
    models::{self, Models},
    refused,
};
use llmux_core::{Error, ErrorKind, Result, tenancy::Timestamp};
use llmux_limits::{Ask, LimitKind, Refusal, admit};
use llmux_wire::json::edit::Edits;

use super::{Caller, Charge, Tenancy, estimate};
use crate::{snapshot::Snapshot, stage::receive::Received};

impl Models for Snapshot {
    fn in_group(&self, model: &str, group: &str) -> bool {
        let real = self.aliases.get(model).map_or(model, String::as_str);
        self.entries.iter().filter(|entry| entry.name == real).any(|entry| {
            let groups = entry.info.get("access_groups").and_then(|groups| groups.as_array());
            groups.is_some_and(|groups| groups.iter().any(|name| name.as_str() == Some(group)))
        })
    }
}

impl Charge {
    /// Lets a request pass that names its model, after the name that its key or team has given the model.
    ///
    /// # Errors
    /// 403 for a model that the key may not use, 429 when there is no room for the request, 422 when a budget is spent.
    pub(crate) fn admit(
        snapshot: &Snapshot,
        caller: Option<Caller>,
        received: &mut Received,
    ) -> Result<Option<Box<Self>>> {
        let Some(tenancy) = &snapshot.tenancy else { return Ok(None) };
        let mut charge = match caller {
            Some(caller) => Self::of_key(snapshot, tenancy, caller, received)?,
            None => Self::free(tenancy, None),
        };
        charge.name_end_user(end_user(received));
        Ok(Some(charge))
    }

    fn of_key(
        snapshot: &Snapshot,
        tenancy: &Arc<Tenancy>,
        caller: Caller,
        received: &mut Received,
    ) -> Result<Box<Self>> {
        rename(&caller, received)?;
        authorize(snapshot, &caller, &received.model)?;
        for model in received.directions.iter().flat_map(|directions| directions.fallback_models()) {
            authorize(snapshot, &caller, model)?;
        }
        tag(snapshot, &caller, received);
        if caller.account.is_open() {
            return Ok(Self::free(tenancy, Some(caller)));
        }
        let (input, output) = estimate::tokens(received);
        let model = received.model.as_str();
        let budgets = caller.account.gates(model).any(|gate| !gate.budgets().is_empty());
        let now = now();
        let mut ask = Ask::new(model, now).with_tokens(input, output);
        if budgets {
            ask = ask.with_cost(estimate::cost(snapshot, model, input, output));
        }
        Self::pass(tenancy, caller, &ask)
    }

    /// Lets a request pass that goes on untouched, so that its model is not known: only keys may send it that may use
    /// every model.
    ///
    /// # Errors
    /// The same.
    pub(crate) fn admit_untouched(
        snapshot: &Snapshot,
        caller: Option<Caller>,
        path: &str,
    ) -> Result<Option<Box<Self>>> {
        let Some(tenancy) = &snapshot.tenancy else { return Ok(None) };
        let Some(caller) = caller else { return Ok(Some(Self::free(tenancy, None))) };
        if !models::unrestricted(&caller.identity) {
            return Err(refused::route(path));
        }
        Self::pass(tenancy, caller, &Ask::new(path, now())).map(Some)
    }

    fn pass(tenancy: &Arc<Tenancy>, caller: Caller, ask: &Ask<'_>) -> Result<Box<Self>> {
        let passed = admit(caller.account.gates(ask.model), ask).map_err(|refusal| error(&refusal, ask.now));
        let pass = passed?;
        let mut charge = Self::free(tenancy, Some(caller));
        charge.hold(pass);
        Ok(charge)
    }
}

/// Puts the model in that stands for the one that the request names: the team's first, then the key's.
fn rename(caller: &Caller, received: &mut Received) -> Result<()> {
    let identity = &caller.identity;
    let by_team = identity.team.as_ref().and_then(|team| team.model_aliases.get(&received.model));
    let by_key = identity.key.aliases.get(by_team.unwrap_or(&received.model)).or(by_team);
    if let Some(model) = by_key {
        let mut edits = Edits::new();
        edits.set_str("model", model);
        received.change(&edits)?;
        received.model.clone_from(model);
    }
    Ok(())
}

/// Marks a request with the tags of its key and team, where tags say which deployments may answer or what they may
/// cost.
fn tag(snapshot: &Snapshot, caller: &Caller, received: &mut Received) {
    if !snapshot.wishes.tags {
        return;
    }
    let own = caller.identity.tags();
    if own.clone().next().is_none() {
        return;
    }
    let tags = &mut received.directions.get_or_insert_default().tags;
    tags.extend(own.map(str::to_owned));
    tags.sort();
    tags.dedup();
}

/// The customer that a request names: in LiteLLM's headers, or in OpenAI's field.
fn end_user(received: &Received) -> Option<String> {
    const HEADERS: [&str; 2] = ["x-litellm-end-user-id", "x-litellm-customer-id"];
    let header = HEADERS.iter().find_map(|name| received.headers.get(*name)?.to_str().ok());
    if let Some(named) = header.filter(|named| !named.is_empty()) {
        return Some(named.to_owned());
    }
    serde_json::from_slice(received.envelope.get(&received.body, "user")?).ok()
}

/// Whether a key may ask for a model at all.
///
/// # Errors
/// 403 if it may not.
pub(crate) fn authorize(snapshot: &Snapshot, caller: &Caller, model: &str) -> Result<()> {
    let denied = models::denied_by(&caller.identity, model, snapshot);
    // The name that an alias of the router stands for will do as well.
    let real = || snapshot.aliases.get(model).map(|real| models::denied_by(&caller.identity, real, snapshot));
    match denied {
        Some(whose) if real() != Some(None) => Err(refused::model(whose, model)),
        _ => Ok(()),
    }
}

/// What the client is told.
fn error(refusal: &Refusal, now: u64) -> Error {
    let wait = refusal.resets_at.map(|at| Duration::from_secs(at.saturating_sub(now).max(1)));
    if refusal.kind == LimitKind::Budget {
        return Error::client(ErrorKind::Unprocessable, refusal.to_string())
            .with_type("budget_exceeded")
            .with_code("422");
    }
    // Requests at a time end at any moment.
    let wait = wait.or(Some(Duration::from_secs(1)));
    Error::client(ErrorKind::RateLimited, refusal.to_string()).with_code("429").with_retry_after(wait)
}

/// The time, in seconds since 1970.
pub(super) fn now() -> u64 {
    u64::try_from(Timestamp::now().millis() / 1_000).unwrap_or(0)
}
