//! Who of a group may serve a request: one filter after the other, in the order of LiteLLM's router.

pub(crate) mod affinity;
mod budgets;
mod capabilities;
mod health;
mod limits;
mod order;
pub(crate) mod prompt;
pub(crate) mod regions;
mod tags;
mod windows;

use llmux_core::{Error, Moment};

use crate::{
    ask::Ask,
    explain::Exclusion,
    group::{Group, Member, Shared},
    mask::Mask,
    refusal,
};

/// One choice: who asks, who is left, and why others are not.
pub(crate) struct Search<'a> {
    pub(crate) group: &'a Group,
    pub(crate) shared: &'a Shared,
    pub(crate) ask: &'a Ask<'a>,
    /// Under what the request is remembered, if requests are.
    pub(crate) keys: Option<&'a affinity::Keys>,
    pub(crate) now: Moment,
    /// Deployments that this request has asked already.
    pub(crate) tried: &'a Mask,
    pub(crate) left: Mask,
    /// Why a deployment was left out, if anybody wants to know.
    pub(crate) trace: Option<Vec<(usize, Exclusion)>>,
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        group: &'a Group,
        shared: &'a Shared,
        ask: &'a Ask<'a>,
        keys: Option<&'a affinity::Keys>,
        tried: &'a Mask,
    ) -> Self {
        let (now, left) = (shared.state.now(), Mask::below(group.members.len()));
        Self { group, shared, ask, keys, now, tried, left, trace: None }
    }

    pub(crate) fn traced(mut self) -> Self {
        self.trace = Some(Vec::new());
        self
    }

    /// Those that are left.
    pub(crate) fn members(&self) -> impl Iterator<Item = (usize, &'a Member)> + '_ {
        let group = self.group;
        self.left.iter().filter_map(move |at| Some((at, &**group.members.get(at)?)))
    }

    /// Keeps those of which this is true.
    fn keep(&mut self, why: Exclusion, keep: impl Fn(&Member) -> bool) {
        self.keep_at(why, |_, member| keep(member));
    }

    fn keep_at(&mut self, why: Exclusion, keep: impl Fn(usize, &Member) -> bool) {
        for (at, member) in self.group.members.iter().enumerate() {
            if self.left.has(at) && !keep(at, member) {
                self.left.remove(at);
                if let Some(trace) = &mut self.trace {
                    trace.push((at, why));
                }
            }
        }
    }

    /// The same, unless nobody would be left.
    fn prefer(&mut self, why: Exclusion, keep: impl Fn(usize, &Member) -> bool) {
        if self.members().any(|(at, member)| keep(at, member)) {
            self.keep_at(why, keep);
        }
    }

    /// Runs every filter.
    ///
    /// # Errors
    /// When one of them leaves nobody: what the client is told depends on which one it was.
    pub(crate) fn run(&mut self) -> Result<(), Error> {
        let looks = self.group.looks;
        if looks.capabilities {
            capabilities::web_search(self)?;
        }
        health::run(self);
        self.cooldown()?;
        self.paused()?;
        if let Some(keys) = self.keys {
            affinity::run(self, keys);
        }
        if looks.budgets {
            budgets::run(self)?;
        }
        if looks.windows {
            windows::run(self)?;
        }
        limits::run(self)?;
        regions::run(self)?;
        if looks.capabilities {
            capabilities::run(self);
        }
        tags::run(self)?;
        self.keep_at(Exclusion::Tried, {
            let tried = self.tried;
            move |at, _| !tried.has(at)
        });
        if looks.order {
            order::run(self);
        }
        if looks.parallel {
            self.prefer(Exclusion::Full, |_, member| !member.state.gate.is_full());
        }
        if self.left.is_empty() { Err(refusal::nobody(self)) } else { Ok(()) }
    }

    fn cooldown(&mut self) -> Result<(), Error> {
        let (now, policy) = (self.now, &self.shared.policy);
        let cooling = |member: &Member| member.state.cooling.is_on(now);
        // With health checks as the judge, cooldowns alone must not close a group.
        let bypass = policy.health_routing.is_some()
            && !policy.cooldown.allowed_fails_by_class.is_empty()
            && self.members().all(|(_, member)| cooling(member));
        if !bypass {
            self.keep(Exclusion::Cooldown, |member| !cooling(member));
        }
        if policy.cooldown.half_open_probes {
            self.prefer(Exclusion::Probing, |_, member| {
                let state = &member.state.cooling;
                !state.is_half_open(now) || state.may_probe(now, PROBE_PATIENCE)
            });
        }
        if self.left.is_empty() { Err(refusal::cooling(self)) } else { Ok(()) }
    }

    fn paused(&mut self) -> Result<(), Error> {
        let paused = |member: &Member| member.deployment.settings().blocked || member.state.is_paused();
        self.keep(Exclusion::Paused, |member| !paused(member));
        if self.left.is_empty() { Err(refusal::paused(self)) } else { Ok(()) }
    }
}

/// Milliseconds that a request may take to show that a deployment works again, before another one tries.
pub(crate) const PROBE_PATIENCE: u64 = 30_000;
