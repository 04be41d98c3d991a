//! Putting a router together.

use std::{collections::HashMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use llmux_core::{Error, ErrorKind, ModelName, Result, Strategy, Timeouts, Transport};

use crate::{deployment::Deployment, engine::Router, retry::RetryPolicy, table::Table};

/// Builds a [`Router`].
#[must_use]
pub struct RouterBuilder {
    transport: Arc<dyn Transport>,
    strategy: Arc<dyn Strategy>,
    deployments: Vec<Deployment>,
    aliases: HashMap<String, (ModelName, bool)>,
    retry: RetryPolicy,
    timeouts: Timeouts,
    stream_timeouts: Timeouts,
    max_answer: usize,
}

impl RouterBuilder {
    /// Largest whole answer that is held in memory unless set otherwise: 64 MiB.
    pub const DEFAULT_MAX_ANSWER: usize = 64 << 20;

    /// A router that sends over `transport` and chooses by `strategy`.
    pub fn new(transport: Arc<dyn Transport>, strategy: Arc<dyn Strategy>) -> Self {
        let mut timeouts = Timeouts::default();
        timeouts.connect = Some(Duration::from_secs(10));
        Self {
            transport,
            strategy,
            deployments: Vec::new(),
            aliases: HashMap::new(),
            retry: RetryPolicy::default(),
            timeouts,
            stream_timeouts: Timeouts::default(),
            max_answer: Self::DEFAULT_MAX_ANSWER,
        }
    }

    /// Adds a deployment. Those of the same group share its load.
    pub fn deployment(mut self, deployment: Deployment) -> Self {
        self.deployments.push(deployment);
        self
    }

    /// Adds another name of a group; a hidden one is not listed.
    pub fn alias(mut self, alias: impl Into<String>, group: impl Into<ModelName>, hidden: bool) -> Self {
        self.aliases.insert(alias.into(), (group.into(), hidden));
        self
    }

    /// Sets how often and how patiently requests are tried again.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Sets the time limits of deployments that have none of their own: of whole answers, and of streams where
    /// they differ.
    pub fn timeouts(mut self, whole: Timeouts, stream: Timeouts) -> Self {
        self.timeouts = whole.or(self.timeouts);
        self.stream_timeouts = stream;
        self
    }

    /// Sets the largest whole answer that is held in memory, in bytes.
    pub fn max_answer(mut self, bytes: usize) -> Self {
        self.max_answer = bytes;
        self
    }

    /// Finishes the router.
    ///
    /// # Errors
    /// When two deployments have the same id.
    pub fn build(self) -> Result<Router> {
        let mut ids = std::collections::HashSet::new();
        if let Some(twice) = self.deployments.iter().find(|deployment| !ids.insert(deployment.id().clone())) {
            let message = format!("two deployments have the id `{}`", twice.id());
            return Err(Error::new(ErrorKind::InvalidRequest, message).with_param("model_info.id"));
        }
        Ok(Router {
            table: ArcSwap::from_pointee(Table::new(self.deployments, self.aliases)),
            transport: self.transport,
            strategy: self.strategy,
            retry: self.retry,
            timeouts: self.timeouts,
            stream_timeouts: self.stream_timeouts,
            max_answer: self.max_answer,
        })
    }
}
