//! A model group as requests find it: its deployments, what is remembered of them, and what has to be looked at.

mod known;

use std::{collections::HashMap, sync::Arc};

use llmux_core::{Candidate, LimitUse, Strategy, TokenPrices};

pub(crate) use self::known::Known;
use crate::{
    deployment::{Budget, Deployment, DeploymentSettings},
    filter::regions::{self, Region},
    policy::{Remembered, RouterPolicy},
    state::{DeploymentState, GroupState, Places, RouterState, Spend},
};

/// What all requests of a router share.
pub(crate) struct Shared {
    pub(crate) policy: RouterPolicy,
    pub(crate) state: Arc<RouterState>,
    pub(crate) tag_budgets: HashMap<String, Purse>,
}

/// A budget and what was spent of it.
#[derive(Clone, Debug)]
pub(crate) struct Purse {
    pub(crate) name: String,
    pub(crate) budget: Budget,
    pub(crate) spend: Arc<Spend>,
}

impl Purse {
    pub(crate) fn new(name: String, budget: Budget, state: &RouterState) -> Self {
        let spend = state.spend(&name);
        spend.set_length(budget.period);
        spend.set_limit(budget.limit);
        Self { spend, name, budget }
    }

    pub(crate) fn pay(&self, dollars: f64, now: llmux_core::Moment) {
        let period = u64::try_from(self.budget.period.as_millis()).unwrap_or(u64::MAX);
        self.spend.add(dollars, period, now);
    }
}

/// A deployment within a group.
pub(crate) struct Member {
    pub(crate) deployment: Arc<Deployment>,
    pub(crate) state: Arc<DeploymentState>,
    pub(crate) shared: Arc<Shared>,
    /// What every choice reads of the deployment's settings, beside what else it reads.
    pub(crate) figures: Figures,
    /// Places for requests at once, as its state has them now.
    pub(crate) places: Option<Arc<Places>>,
    /// The budgets that it spends.
    pub(crate) purses: Vec<Purse>,
    /// Its place in a routing group.
    pub(crate) priority: Option<u32>,
    pub(crate) region: Option<Region>,
    /// What stands for it in a table of affinities.
    pub(crate) mark: u32,
    /// Deployments in its model group.
    pub(crate) peers: usize,
}

impl Member {
    pub(crate) fn new(deployment: Arc<Deployment>, shared: &Arc<Shared>, peers: usize) -> Self {
        let (settings, provider) = (deployment.settings(), deployment.provider().name());
        let of_provider = shared.policy.provider_budgets.get(provider);
        let of_provider = of_provider.map(|budget| (format!("provider {provider}"), *budget));
        let own = settings.budget.map(|budget| (format!("deployment {}", deployment.id()), budget));
        let purse = |(name, budget)| Purse::new(name, budget, &shared.state);
        let state = shared.state.deployment(deployment.id());
        state.gate.set_width(settings.max_parallel_requests);
        Self {
            places: state.gate.places(),
            figures: Figures::of(settings),
            purses: of_provider.into_iter().chain(own).map(purse).collect(),
            region: settings.region.as_deref().and_then(regions::of),
            mark: shared.state.pins.mark(deployment.id()),
            shared: Arc::clone(shared),
            priority: None,
            state,
            deployment,
            peers,
        }
    }

    pub(crate) fn candidate(&self, weight: Option<f64>) -> Candidate<'_> {
        let figures = &self.figures;
        Candidate::new(self.deployment.id())
            .with_weight(weight.or(figures.weight))
            .with_capacity(figures.rpm, figures.tpm)
            .with_prices(figures.prices)
            .with_priority(self.priority)
            .with_stats(&self.state.stats)
    }
}

/// A deployment's shares, limits and prices.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) weight: Option<f64>,
    pub(crate) rpm: Option<u64>,
    pub(crate) tpm: Option<u64>,
    pub(crate) itpm: Option<u64>,
    pub(crate) otpm: Option<u64>,
    pub(crate) prices: Option<TokenPrices>,
}

impl Figures {
    fn of(settings: &DeploymentSettings) -> Self {
        let DeploymentSettings { weight, rpm, tpm, itpm, otpm, prices, .. } = *settings;
        Self { weight, rpm, tpm, itpm, otpm, prices }
    }
}

/// Deployments that answer to one name.
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) members: Vec<Arc<Member>>,
    pub(crate) strategy: Arc<dyn Strategy>,
    pub(crate) state: Arc<GroupState>,
    pub(crate) looks: Looks,
    pub(crate) known: Known,
    pub(crate) remembers: Remembered,
}

/// What has to be looked at before a deployment of a group is chosen. Nothing of it concerns most groups.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Looks {
    pub(crate) order: bool,
    pub(crate) tags: bool,
    pub(crate) budgets: bool,
    pub(crate) windows: bool,
    pub(crate) capabilities: bool,
    pub(crate) parallel: bool,
    pub(crate) limits: LimitUse,
    /// Whether limits are shared with other replicas.
    pub(crate) shared: bool,
}

impl Group {
    pub(crate) fn new(
        name: &str,
        members: Vec<Arc<Member>>,
        strategy: Arc<dyn Strategy>,
        shared: &Shared,
    ) -> Self {
        let state = shared.state.group(name);
        state.gate.set_width(shared.policy.max_parallel_requests.get(name).copied());
        let limits = strategy.limits().max(shared.policy.limits);
        let mut looks = Looks::at(&members, &shared.policy, limits);
        looks.shared = looks.limits == LimitUse::Enforce && shared.state.shares_limits();
        for member in members.iter().filter(|_| looks.shared) {
            member.state.lease.set_limit(member.deployment.settings().rpm);
        }
        let remembers = shared.policy.affinity.of(name);
        let known = Known::of(&members);
        Self { name: name.to_owned(), members, strategy, state, looks, known, remembers }
    }

    /// What limits per minute mean to a group with any.
    pub(crate) fn limits(&self) -> LimitUse {
        self.looks.limits
    }
}

impl Looks {
    fn at(members: &[Arc<Member>], policy: &RouterPolicy, limits: LimitUse) -> Self {
        let settings = || members.iter().map(|member| member.deployment.settings());
        let limited = settings().any(|s| s.rpm.or(s.tpm).or(s.itpm).or(s.otpm).is_some());
        let checks = policy.pre_call_checks;
        let can = |s: &crate::DeploymentSettings| s.capabilities != crate::Capabilities::default();
        Self {
            order: settings().any(|s| s.order.is_some()),
            tags: settings().any(|s| s.tag_filtering.unwrap_or(policy.tags.enabled)),
            budgets: members.iter().any(|m| !m.purses.is_empty()) || !policy.tag_budgets.is_empty(),
            windows: checks && settings().any(|s| s.max_input_tokens.is_some()),
            capabilities: settings().any(can),
            parallel: settings().any(|s| s.max_parallel_requests.is_some()),
            limits: match limits {
                _ if !limited => LimitUse::Ignore,
                LimitUse::Ignore if checks => LimitUse::Observe,
                limits => limits,
            },
            shared: false,
        }
    }
}
