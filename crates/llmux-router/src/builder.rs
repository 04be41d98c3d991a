//! Putting a router together.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use arc_swap::ArcSwap;
use llmux_core::{ModelName, Result, Strategy, Timeouts, Transport};

use crate::{
    deployment::Deployment,
    engine::Router,
    group::{Purse, Shared},
    policy::{RouterPolicy, RoutingGroup},
    retry::RetryPolicy,
    state::RouterState,
    table::{Parts, Table},
};

/// Builds a [`Router`].
#[must_use]
pub struct RouterBuilder {
    transport: Arc<dyn Transport>,
    parts: Parts,
    policy: RouterPolicy,
    state: Option<Arc<RouterState>>,
}

impl RouterBuilder {
    /// Largest whole answer that is held in memory unless set otherwise: 64 MiB.
    pub const DEFAULT_MAX_ANSWER: usize = 64 << 20;

    /// A router that sends over `transport` and chooses by `strategy`.
    pub fn new(transport: Arc<dyn Transport>, strategy: Arc<dyn Strategy>) -> Self {
        let (deployments, routing_groups) = (Vec::new(), Vec::new());
        let parts = Parts { deployments, aliases: HashMap::new(), strategy, routing_groups };
        Self { transport, parts, policy: RouterPolicy::default(), state: None }
    }

    /// Adds a deployment. Those of the same group share its load.
    pub fn deployment(mut self, deployment: Deployment) -> Self {
        self.parts.deployments.push(Arc::new(deployment));
        self
    }

    /// Adds another name of a group; a hidden one is not listed.
    pub fn alias(mut self, alias: impl Into<String>, group: impl Into<ModelName>, hidden: bool) -> Self {
        self.parts.aliases.insert(alias.into(), (group.into(), hidden));
        self
    }

    /// Chooses among the deployments of some models by another strategy.
    pub fn routing_group(mut self, group: RoutingGroup) -> Self {
        self.parts.routing_groups.push(group);
        self
    }

    /// Changes how requests find their way, and what happens when they fail.
    pub fn policy(mut self, change: impl FnOnce(&mut RouterPolicy)) -> Self {
        change(&mut self.policy);
        self
    }

    /// Sets how often and how patiently requests are tried again.
    pub fn retry(self, retry: RetryPolicy) -> Self {
        self.policy(|policy| policy.retry = retry)
    }

    /// Sets the time limits of deployments that have none of their own: of whole answers, and of streams where
    /// they differ.
    pub fn timeouts(self, whole: Timeouts, stream: Timeouts) -> Self {
        self.policy(|policy| {
            policy.timeouts = whole.or(policy.timeouts);
            policy.stream_timeouts = stream;
        })
    }

    /// Sets the largest whole answer that is held in memory, in bytes.
    pub fn max_answer(self, bytes: usize) -> Self {
        self.policy(|policy| policy.max_answer = bytes)
    }

    /// Remembers what another router remembered: counters, cooldowns, spend and affinities.
    pub fn state(mut self, state: Arc<RouterState>) -> Self {
        self.state = Some(state);
        self
    }

    /// Finishes the router.
    ///
    /// # Errors
    /// When two deployments have the same id, an alias stands for itself, or a model is in two routing groups.
    pub fn build(self) -> Result<Router> {
        let state = self.state.unwrap_or_else(RouterState::new);
        let purse = |(tag, budget): (&String, &crate::Budget)| {
            (tag.clone(), Purse::new(format!("tag {tag}"), *budget, &state))
        };
        let tag_budgets = self.policy.tag_budgets.iter().map(purse).collect();
        let shared = Arc::new(Shared { policy: self.policy, state, tag_budgets });
        let table = Table::new(&self.parts, &shared)?;
        shared.state.forget_unused();
        Ok(Router {
            table: ArcSwap::from_pointee(table),
            shared,
            transport: self.transport,
            parts: Mutex::new(self.parts),
        })
    }
}
