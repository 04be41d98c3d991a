//! Other model groups, after one has failed.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use llmux_core::{Envelope, Error, Result};
use llmux_wire::json::{edit::Edits, envelope};

use crate::{
    ask::{Answer, Ask, Refusal},
    engine::Router,
    fallback::{Fallback, FallbackPolicy},
    table::Table,
    upload::Upload,
};

impl Router {
    /// The lists that hold for a request: its own where it brings them, else the configured ones.
    pub(crate) fn lists(&self, ask: &Ask<'_>) -> Cow<'_, FallbackPolicy> {
        let configured = &self.shared.policy.fallbacks;
        let Some(directions) = ask.directions else { return Cow::Borrowed(configured) };
        let own = [
            &directions.fallbacks,
            &directions.context_window_fallbacks,
            &directions.content_policy_fallbacks,
        ];
        if own.iter().all(|list| list.is_none()) {
            return Cow::Borrowed(configured);
        }
        let mut lists = configured.clone();
        let places = [&mut lists.general, &mut lists.context_window, &mut lists.content_policy];
        for (place, own) in places.into_iter().zip(own) {
            if let Some(own) = own {
                place.clone_from(own);
            }
        }
        Cow::Owned(lists)
    }

    /// Whether this failure of this model leads to another one.
    pub(crate) fn has_fallback(&self, ask: &Ask<'_>, error: &Error, name: &str) -> bool {
        let disabled = ask.directions.is_some_and(|directions| directions.disable_fallbacks);
        !disabled && !self.lists(ask).after(error, name).is_empty()
    }

    /// Asks other groups until one answers. No group is asked twice, and no more than are allowed.
    pub(crate) async fn fall_back(
        &self,
        table: &Arc<Table>,
        ask: &Ask<'_>,
        name: &str,
        mut first: Refusal,
    ) -> Result<Answer, Refusal> {
        let directions = ask.directions;
        let spent = ask.upload.is_some_and(Upload::is_spent);
        if spent || directions.is_some_and(|directions| directions.disable_fallbacks) {
            return Err(first);
        }
        let lists = self.lists(ask);
        let mut asked = BTreeSet::from([name.to_owned()]);
        let mut ahead: Vec<Fallback> = lists.after(&first.error, name).iter().rev().cloned().collect();
        let offered: Vec<_> = ahead.iter().rev().map(|fallback| fallback.model.clone()).collect();
        let mut failures = Vec::new();
        let mut hops = 0;
        while let Some(next) = ahead.pop() {
            let target = table.real_name(&next.model).to_owned();
            if hops >= lists.max || !asked.insert(target.clone()) {
                continue;
            }
            hops += 1;
            match self.follow(table, ask, &target, &next).await {
                Ok(answer) => return Ok(Answer { fallbacks: hops, ..answer }),
                Err(refusal) => {
                    tracing::debug!(model = target.as_str(), error = %refusal.error, "fallback failed");
                    ahead.extend(lists.after(&refusal.error, &target).iter().rev().cloned());
                    failures.push((target, refusal.error));
                }
            }
        }
        first.fallbacks = hops;
        let told = directions.is_some_and(|directions| directions.include_fallback_errors);
        if lists.explain && !lists.is_empty() {
            first.error = first.error.with_note(&received(name, &offered));
        }
        if told || lists.explain {
            for (model, error) in &failures {
                first.error = first.error.with_note(&format!("\nError doing the fallback {model}: {error}"));
            }
        }
        Err(first)
    }

    async fn follow(
        &self,
        table: &Table,
        ask: &Ask<'_>,
        target: &str,
        fallback: &Fallback,
    ) -> Result<Answer, Refusal> {
        let group = table.resolve(target)?;
        if fallback.changes.is_empty() {
            return self.serve(group, target, &Ask { model: target, ..*ask }).await;
        }
        let (body, fields) = changed(ask, fallback)?;
        self.serve(group, target, &Ask { model: target, body: &body, envelope: &fields, ..*ask }).await
    }
}

/// The request's body with other values for some fields.
fn changed(ask: &Ask<'_>, fallback: &Fallback) -> Result<(Bytes, Envelope)> {
    let mut edits = Edits::new();
    for (name, value) in &fallback.changes {
        edits.set_value(name, value);
    }
    let body = edits.apply(ask.body, ask.envelope);
    let fields = envelope::read(&body)?;
    Ok((body, fields))
}

/// LiteLLM's words.
fn received(name: &str, offered: &[String]) -> String {
    let offered = match offered {
        [] => "None".to_owned(),
        names => format!("[{}]", names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")),
    };
    format!("\nReceived Model Group={name}\nAvailable Model Group Fallbacks={offered}")
}
