//! Choosing one deployment of a group for one attempt.

use std::sync::{Arc, atomic::Ordering};

use llmux_core::{Candidate, DeploymentId, Error, LimitUse, PickContext};
use smallvec::SmallVec;

use crate::{
    ask::Ask,
    explain::{Exclusion, Explained, Explanation},
    filter::{PROBE_PATIENCE, Search, affinity::Keys},
    group::{Group, Member, Shared},
    mask::Mask,
    refusal,
    state::Claim,
};

/// Candidates for which a choice needs no memory of its own.
const FEW: usize = 64;

/// Who may be asked, and for whom.
#[derive(Clone, Copy)]
pub(crate) struct Choice<'a> {
    pub(crate) group: &'a Group,
    pub(crate) shared: &'a Shared,
    pub(crate) ask: &'a Ask<'a>,
    pub(crate) keys: Option<&'a Keys>,
}

impl<'a> Choice<'a> {
    fn search(&self, tried: &'a Mask) -> Search<'a> {
        Search::new(self.group, self.shared, self.ask, self.keys, tried)
    }

    /// The request's place among those that wait, if it has one: the lowest number first.
    pub(crate) fn priority(&self) -> Option<u8> {
        let own = self.ask.directions.and_then(|directions| directions.priority);
        own.or(self.shared.policy.default_priority)
    }

    /// The same where everybody has one: who has no priority waits longest.
    pub(crate) fn urgency(&self) -> u8 {
        self.priority().unwrap_or(u8::MAX)
    }

    /// The tokens that were reserved at a deployment that has limits for prompts and answers apart.
    pub(crate) fn claim(&self, member: &Member) -> Option<Claim> {
        let settings = member.deployment.settings();
        settings.itpm.or(settings.otpm)?;
        let enforced = self.group.limits() == LimitUse::Enforce;
        Some(if enforced { Claim::of(self.ask) } else { Claim::default() })
    }

    /// Whether there is somebody that has not been tried.
    pub(crate) fn has_untried(&self, tried: &'a Mask) -> bool {
        self.search(tried).run().is_ok()
    }

    /// Chooses a deployment, and counts the request at it.
    ///
    /// # Errors
    /// What the client is told when there is none.
    pub(crate) fn make(&self, tried: &'a Mask) -> Result<(usize, Arc<Member>), Error> {
        // Who loses a race for the last place within a limit chooses again; every round somebody drops out.
        for _ in 0..=self.group.members.len().saturating_mul(2) {
            let mut search = self.search(tried);
            search.run()?;
            let turn = self.group.state.turns.fetch_add(1, Ordering::Relaxed);
            let at = self.choose(&search, turn).ok_or_else(|| refusal::nobody(&search))?;
            let Some(member) = self.group.members.get(at) else { break };
            if self.take(member, &search) {
                return Ok((at, Arc::clone(member)));
            }
        }
        Err(refusal::nobody(&self.search(tried)))
    }

    /// As [`make`](Self::make); where replicas share a limit, it counts the request too.
    ///
    /// # Errors
    /// As there.
    pub(crate) async fn secure(&self, tried: &'a Mask) -> Result<(usize, Arc<Member>), Error> {
        if self.group.looks.shared { Box::pin(self.make_shared(tried)).await } else { self.make(tried) }
    }

    async fn make_shared(&self, tried: &Mask) -> Result<(usize, Arc<Member>), Error> {
        let mut tried = tried.clone();
        loop {
            let (at, member) = self.make(&tried)?;
            let now = self.shared.state.now();
            if self.shared.state.admits(&member, now).await {
                return Ok((at, member));
            }
            member.state.stats.requests().give_back(now, 1);
            if let Some(claim) = self.claim(&member) {
                member.state.split.settle(claim, now, Claim::default(), now);
            }
            tried.add(at);
        }
    }

    /// The strategy's choice among those that are left.
    fn choose(&self, search: &Search<'_>, turn: u64) -> Option<usize> {
        let mut left = search.left.iter();
        let first = left.next()?;
        if left.next().is_none() {
            return Some(first);
        }
        let weights =
            self.ask.directions.map(|directions| &directions.weights).filter(|weights| !weights.is_empty());
        let weight = |id: &DeploymentId| weights.map(|weights| weights.get(id).copied().unwrap_or(0.0));
        let mut candidates = SmallVec::<[Candidate<'_>; FEW]>::with_capacity(search.left.len());
        // Not by `extend`: `for_each` makes each where it belongs.
        search
            .members()
            .for_each(|(_, member)| candidates.push(member.candidate(weight(member.deployment.id()))));
        let cx = PickContext::new(self.shared.state.random())
            .with_turn(turn)
            .with_stream(self.ask.stream)
            .at(search.now);
        let chosen = self.group.strategy.pick(&candidates, &cx)?;
        search.left.iter().nth(chosen)
    }

    /// Counts a request at a deployment; refused when its limit was reached in the meantime.
    fn take(&self, member: &Member, search: &Search<'_>) -> bool {
        let (state, now) = (&member.state, search.now);
        if self.shared.policy.cooldown.half_open_probes
            && state.cooling.is_half_open(now)
            && !state.cooling.probe(now, PROBE_PATIENCE)
            && search.left.len() > 1
        {
            return false;
        }
        let figures = &member.figures;
        let enforced = self.group.limits() == LimitUse::Enforce;
        let reserved = match figures.rpm.filter(|_| enforced) {
            Some(limit) => state.stats.requests().reserve(now, 1, limit),
            None => {
                state.stats.requests().add(now, 1);
                true
            }
        };
        if !reserved || !enforced || figures.itpm.or(figures.otpm).is_none() {
            return reserved;
        }
        let fits = state.split.reserve(figures, Claim::new(self.ask, search.most()), now);
        if !fits {
            state.stats.requests().give_back(now, 1);
        }
        fits
    }

    /// How the choice would be made now. Nothing is counted.
    pub(crate) fn explain(&self) -> Explanation {
        let tried = Mask::default();
        let mut search = Search::new(self.group, self.shared, self.ask, self.keys, &tried).traced();
        let error = search.run().err();
        let turn = self.group.state.turns.load(Ordering::Relaxed);
        let chosen = if error.is_none() { self.choose(&search, turn) } else { None };
        let trace = search.trace.take().unwrap_or_default();
        let deployments = self.group.members.iter().enumerate().map(|(at, member)| {
            // A filter may have taken back what it excluded at first.
            let by_filter = trace.iter().rev().find(|(place, _)| *place == at).map(|(_, why)| *why);
            let excluded = match &error {
                None if chosen == Some(at) => None,
                None if search.left.has(at) => Some(Exclusion::Strategy),
                _ => by_filter,
            };
            explained(member, excluded, &search)
        });
        Explanation {
            model: self.ask.model.to_owned(),
            group: self.group.name.clone(),
            deployments: deployments.collect(),
            chosen: chosen.and_then(|at| Some(self.group.members.get(at)?.deployment.id().to_string())),
            error: error.map(|error| error.message().to_owned()),
            fallbacks: Vec::new(),
        }
    }
}

fn explained(member: &Member, excluded: Option<Exclusion>, search: &Search<'_>) -> Explained {
    let (state, now) = (&member.state, search.now);
    let cooldown = state.cooling.current(now).filter(|_| excluded == Some(Exclusion::Cooldown));
    let detail = cooldown.map(|why| {
        let left = why.until.millis().saturating_sub(now.millis());
        format!("{} ({}): {}; {left} ms left", why.rule, why.status, why.message)
    });
    Explained {
        id: member.deployment.id().to_string(),
        provider: member.deployment.provider().name().to_owned(),
        excluded,
        detail,
        in_flight: state.stats.in_flight(),
        rpm: state.stats.requests().count(now),
        tpm: state.stats.tokens().count(now),
        latency: state.stats.latency().average(usize::MAX, u64::from(u32::MAX), now),
    }
}
