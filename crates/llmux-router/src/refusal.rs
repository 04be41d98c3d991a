//! What a client is told when no deployment of a group may serve it. The words are LiteLLM's, which alerts and
//! clients look for.

use std::time::Duration;

use llmux_core::{Error, ErrorKind};

use crate::{
    filter::Search,
    group::{Member, Purse},
};

/// Seconds after which limits per minute are another minute's.
const MINUTE: Duration = Duration::from_secs(60);

/// Everybody is cooling down.
pub(crate) fn cooling(search: &Search<'_>) -> Error {
    let all = search.group.members.iter().all(|member| member.state.cooling.is_on(search.now));
    no_deployments(search, all)
}

/// Nobody is left, for several reasons.
pub(crate) fn nobody(search: &Search<'_>) -> Error {
    no_deployments(search, false)
}

fn no_deployments(search: &Search<'_>, cooling: bool) -> Error {
    let left = |member: &Member| member.state.cooling.left(search.now);
    let wait = search.group.members.iter().filter_map(|member| left(member)).min();
    let wait = wait.map_or(search.shared.policy.cooldown.time, Duration::from_millis);
    let resting: Vec<_> = search
        .group
        .members
        .iter()
        .filter(|member| left(member).is_some())
        .map(|member| format!("'{}'", member.deployment.id()))
        .collect();
    let (kind, reason) = if cooling {
        (ErrorKind::CoolingDown, " All deployments for selected model are in cooldown.")
    } else {
        (ErrorKind::RateLimited, "")
    };
    let checks = if search.shared.policy.pre_call_checks { "True" } else { "False" };
    let message = format!(
        "No deployments available for selected model, Try again in {} seconds.{reason} Passed model={}. \
         pre-call-checks={checks}, cooldown_list=[{}]",
        wait.as_secs_f64(),
        search.group.name,
        resting.join(", "),
    );
    Error::new(kind, message).with_code("no_deployments_available").with_retry_after(Some(wait))
}

/// The deployments that are left are paused.
pub(crate) fn paused(search: &Search<'_>) -> Error {
    if search.group.members.len() > 1 {
        return no_deployments(search, false);
    }
    let message = format!("the deployment of `{}` is paused", search.group.name);
    Error::new(ErrorKind::Unavailable, message).with_code("deployment_paused")
}

/// Everybody is at his limits per minute.
pub(crate) fn limits(search: &Search<'_>) -> Error {
    let apart = |member: &Member| {
        let (settings, (input, output)) =
            (member.deployment.settings(), member.state.split.count(search.now));
        let of = |name: &str, used: u64, limit: Option<u64>| {
            limit.map_or_else(String::new, |limit| format!(", {name} {used}/{limit}"))
        };
        of("itpm", input, settings.itpm) + &of("otpm", output, settings.otpm)
    };
    let usage = |member: &Member| {
        let (settings, stats) = (member.deployment.settings(), &member.state.stats);
        let of =
            |used: u64, limit: Option<u64>| limit.map_or("-".to_owned(), |limit| format!("{used}/{limit}"));
        format!(
            "{}: rpm {}, tpm {}",
            member.deployment.id(),
            of(stats.requests().count(search.now), settings.rpm),
            of(stats.tokens().count(search.now), settings.tpm)
        ) + &apart(member)
    };
    let dump: Vec<_> = search.group.members.iter().map(|member| usage(member)).collect();
    let message = format!(
        "No deployments available for selected model. Passed model={}. Deployments over their limits: {}",
        search.group.name,
        dump.join("; ")
    );
    Error::new(ErrorKind::RateLimited, message)
        .with_code("no_deployments_available")
        .with_retry_after(Some(MINUTE))
}

/// Every budget is spent.
pub(crate) fn budgets(search: &Search<'_>, spent: &[&Purse]) -> Error {
    let mut reasons: Vec<_> = spent
        .iter()
        .map(|purse| {
            let total = purse.spend.total(search.now);
            format!("Exceeded budget for {}: {total} >= {}", purse.name, purse.budget.limit)
        })
        .collect();
    reasons.dedup();
    let wait = spent.iter().filter_map(|purse| purse.spend.left(search.now)).min().map(Duration::from_millis);
    let message = format!("No deployments available - crossed budget: {}", reasons.join("; "));
    Error::new(ErrorKind::RateLimited, message).with_code("budget_exceeded").with_retry_after(wait)
}

/// The prompt fits nobody.
pub(crate) fn window(search: &Search<'_>, tokens: u64) -> Error {
    let settings =
        search.group.members.iter().filter_map(|member| member.deployment.settings().max_input_tokens);
    let message = format!(
        "the prompt has about {tokens} tokens, and no deployment of `{}` takes more than {}",
        search.group.name,
        settings.max().unwrap_or_default()
    );
    Error::client(ErrorKind::ContextWindowExceeded, message).with_code("context_length_exceeded")
}
