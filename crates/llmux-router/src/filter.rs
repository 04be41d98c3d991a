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

use std::{cell::OnceCell, sync::Arc};

use llmux_core::{Error, Moment};

use crate::{
    ask::Ask,
    explain::Exclusion,
    group::{Group, Member, Shared},
    mask::{self, Mask},
    refusal, tokens,
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
    /// Those with which something may be the matter: a cooldown, a pause, a sickness.
    odd: Mask,
    /// Bytes of the prompt; see [`most`](Self::most).
    most: OnceCell<u64>,
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
        let odd = Mask::of(&group.members, |member| !member.state.is_plain());
        Self { group, shared, ask, keys, now, tried, left, odd, most: OnceCell::new(), trace: None }
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
        let members = &self.group.members;
        self.keep_bits(why, |word, bits| kept(members, word, bits, &keep));
    }

    /// Keeps of those that are left, sixty-four at a time, whom `keep` names.
    fn keep_bits(&mut self, why: Exclusion, keep: impl Fn(usize, u64) -> u64) {
        let trace = &mut self.trace;
        self.left.retain(|word, bits| {
            let kept = keep(word, bits) & bits;
            if let Some(trace) = trace {
                trace.extend(mask::numbers(word, bits & !kept).map(|at| (at, why)));
            }
            kept
        });
    }

    /// Keeps those that are in the set.
    fn keep_those(&mut self, why: Exclusion, those: &Mask) {
        self.keep_bits(why, |word, _| those.word(word));
    }

    /// Takes away those that are in the set.
    fn drop_those(&mut self, why: Exclusion, those: &Mask) {
        self.keep_bits(why, |word, _| !those.word(word));
    }

    /// Keeps those of which this is true, and all with which nothing is the matter.
    fn keep_plain_or(&mut self, why: Exclusion, keep: impl Fn(&Member) -> bool) {
        if self.odd.is_empty() {
            return;
        }
        let (odd, members) = (std::mem::take(&mut self.odd), &self.group.members);
        self.keep_bits(why, |word, bits| {
            let plain = bits & !odd.word(word);
            plain | kept(members, word, bits & !plain, &|_, member: &Member| keep(member))
        });
        self.odd = odd;
    }

    /// Keeps those of which this is true, unless nobody would be left.
    fn prefer(&mut self, why: Exclusion, keep: impl Fn(usize, &Member) -> bool) {
        if self.members().any(|(at, member)| keep(at, member)) {
            self.keep_at(why, keep);
        }
    }

    /// The same; all with which nothing is the matter are kept.
    fn prefer_plain_or(&mut self, why: Exclusion, keep: impl Fn(&Member) -> bool) {
        if self.members().any(|(at, member)| !self.odd.has(at) || keep(member)) {
            self.keep_plain_or(why, keep);
        }
    }

    /// The bytes of the prompt: no prompt has more tokens.
    pub(crate) fn most(&self) -> u64 {
        *self.most.get_or_init(|| tokens::most(self.ask.body, self.ask.envelope))
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
        self.drop_those(Exclusion::Tried, self.tried);
        if looks.order {
            order::run(self);
        }
        if looks.parallel {
            let full = |member: &Member| member.places.as_ref().is_some_and(|places| places.is_full());
            self.prefer(Exclusion::Full, |_, member| !full(member));
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
            self.keep_plain_or(Exclusion::Cooldown, |member| !cooling(member));
        }
        if policy.cooldown.half_open_probes {
            self.prefer_plain_or(Exclusion::Probing, |member| {
                let state = &member.state.cooling;
                !state.is_half_open(now) || state.may_probe(now, PROBE_PATIENCE)
            });
        }
        if self.left.is_empty() { Err(refusal::cooling(self)) } else { Ok(()) }
    }

    fn paused(&mut self) -> Result<(), Error> {
        self.drop_those(Exclusion::Paused, &self.group.known.blocked);
        self.keep_plain_or(Exclusion::Paused, |member| !member.state.is_paused());
        if self.left.is_empty() { Err(refusal::paused(self)) } else { Ok(()) }
    }
}

/// Of the members that the bits of a word stand for, those of which this is true.
fn kept(members: &[Arc<Member>], word: usize, bits: u64, keep: &impl Fn(usize, &Member) -> bool) -> u64 {
    let is_kept = |at: &usize| members.get(*at).is_some_and(|member| keep(*at, member));
    mask::numbers(word, bits).filter(is_kept).fold(0, |kept, at| kept | mask::bit(at))
}

/// Milliseconds that a request may take to show that a deployment works again, before another one tries.
pub(crate) const PROBE_PATIENCE: u64 = 30_000;
