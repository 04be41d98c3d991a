//! When a deployment is left alone, and for how long: data and pure functions.

use std::time::Duration;

use llmux_core::{Error, ErrorKind, Moment, Origin};

use crate::{
    exception::{Exception, PerException},
    state::DeploymentState,
};

/// Why a deployment is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cooldown {
    /// When it ends: an absolute time, so that it ends when it should however often it is looked at.
    pub until: Moment,
    /// When it began.
    pub since: Moment,
    /// The status of the failure that began it.
    pub status: u16,
    /// The beginning of that failure's message: at most 50 characters.
    pub message: String,
    /// The rule that decided.
    pub rule: &'static str,
}

/// When deployments are left alone after failures.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CooldownPolicy {
    /// How long, if neither the deployment nor the provider says; zero for never.
    pub time: Duration,
    /// Failures that are tolerated, each within [`time`](Self::time) of the one before. Without it, and without
    /// a policy by class, shares of failures decide.
    pub allowed_fails: Option<u32>,
    /// Failures that are tolerated, by class.
    pub allowed_fails_by_class: PerException,
    /// Whether it never happens.
    pub disabled: bool,
    /// Whether only one request at a time tries a deployment again after a cooldown, until one went well.
    pub half_open_probes: bool,
}

impl Default for CooldownPolicy {
    /// LiteLLM's: five seconds, shares of failures decide.
    fn default() -> Self {
        Self {
            time: Duration::from_secs(5),
            allowed_fails: None,
            allowed_fails_by_class: PerException::default(),
            disabled: false,
            half_open_probes: false,
        }
    }
}

/// What a deployment's own configuration says about cooldowns.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DeploymentCooldown {
    /// How long; beats what the provider says.
    pub time: Option<Duration>,
    /// Failures that are tolerated.
    pub allowed_fails: Option<u32>,
    /// Failures that are tolerated, by class. A class named here counts even if the router would not count it.
    pub allowed_fails_by_class: PerException,
}

/// Failures in a minute below which a share of them says nothing.
const FEW: u64 = 5;
/// Failures in a minute, with no answer between, after which even the only deployment is left alone.
const MANY: u64 = 1_000;
/// Characters of a message that are kept.
const MESSAGE: usize = 50;

/// A failed attempt, and where it was.
pub(crate) struct Failure<'a> {
    pub(crate) error: &'a Error,
    pub(crate) own: &'a DeploymentCooldown,
    /// Deployments in the model group.
    pub(crate) peers: usize,
    /// Whether the client's own time limit ended it.
    pub(crate) impatient: bool,
}

impl CooldownPolicy {
    /// Counts a failure, and tells the cooldown that follows from it.
    pub(crate) fn after(
        &self,
        failure: &Failure<'_>,
        state: &DeploymentState,
        now: Moment,
    ) -> Option<Cooldown> {
        if failure.error.origin() != Origin::Upstream {
            return None;
        }
        state.failures.add(now, 1);
        if self.disabled || failure.impatient {
            return None;
        }
        let time = failure.own.time.or(failure.error.retry_after()).unwrap_or(self.time);
        let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        if time == 0 {
            return None;
        }
        let rule = self.rule(failure, state, now, time)?;
        let message = failure.error.message().chars().take(MESSAGE).collect();
        let (until, status) = (now.plus_millis(time), failure.error.status().as_u16());
        Some(Cooldown { until, since: now, status, message, rule })
    }

    /// The rule that asks for a cooldown.
    fn rule(
        &self,
        failure: &Failure<'_>,
        state: &DeploymentState,
        now: Moment,
        time: u64,
    ) -> Option<&'static str> {
        let class = Exception::of(failure.error);
        if let Some(allowed) = failure.own.allowed_fails_by_class.of(class) {
            let named = failure.own.allowed_fails_by_class.named(class).is_some();
            return (named || counts(failure.error))
                .then(|| exceeded(state, class, now, time, allowed, "deployment's allowed_fails_policy"))?;
        }
        if !counts(failure.error) {
            return None;
        }
        if let Some(allowed) = failure.own.allowed_fails.filter(|_| failure.peers > 1) {
            return exceeded(state, None, now, time, allowed, "deployment's allowed_fails");
        }
        if let Some(allowed) = self.allowed_fails_by_class.of(class) {
            return exceeded(state, class, now, time, allowed, "allowed_fails_policy");
        }
        if let Some(allowed) = self.allowed_fails {
            return exceeded(state, None, now, time, allowed, "allowed_fails");
        }
        if !self.allowed_fails_by_class.is_empty() {
            // A policy that says nothing about this class tolerates LiteLLM's three failures.
            return exceeded(state, None, now, time, 3, "allowed_fails_policy");
        }
        by_share(failure, state, now)
    }
}

/// Counts a failure against what is allowed.
fn exceeded(
    state: &DeploymentState,
    class: Option<Exception>,
    now: Moment,
    time: u64,
    allowed: u32,
    rule: &'static str,
) -> Option<&'static str> {
    let over = state.fails.count(class, now, time) > u64::from(allowed);
    if over {
        state.fails.reset(class);
    }
    over.then_some(rule)
}

/// Whether a failure is one that tells about the deployment rather than about the request.
fn counts(error: &Error) -> bool {
    let status = error.status().as_u16();
    let told = matches!(status, 401 | 402 | 404 | 408 | 429 | 500..) || error.kind() == ErrorKind::Connection;
    // What another LiteLLM behind this one says when it does not know what went wrong.
    told && !error.message().contains("APIConnectionError")
}

/// The rules that hold when nobody configured any.
fn by_share(failure: &Failure<'_>, state: &DeploymentState, now: Moment) -> Option<&'static str> {
    let status = failure.error.status().as_u16();
    let alone = failure.peers <= 1;
    let (good, bad) = (state.successes.count(now), state.failures.count(now));
    match status {
        402 if alone => None,
        401 | 402 | 404 => Some("it would refuse every request"),
        429 if !alone => Some("rate limited"),
        _ if good == 0 && bad >= MANY => Some("nothing but failures this minute"),
        _ if !alone && good.saturating_add(bad) >= FEW && bad > good => {
            Some("more than half failed this minute")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
