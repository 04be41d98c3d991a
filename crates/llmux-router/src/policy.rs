//! Everything that a router is configured with beside its deployments.

use std::{collections::HashMap, sync::Arc, time::Duration};

use llmux_core::{LimitUse, MediaSource, Strategy, Timeouts, TokenCounter};

use crate::{cooldown::CooldownPolicy, deployment::Budget, fallback::FallbackPolicy, retry::RetryPolicy};

/// How requests find their way, and what happens when they fail.
#[derive(Clone)]
#[non_exhaustive]
pub struct RouterPolicy {
    /// Further attempts within a model group.
    pub retry: RetryPolicy,
    /// When deployments are left alone.
    pub cooldown: CooldownPolicy,
    /// Where requests go when their model group has failed.
    pub fallbacks: FallbackPolicy,
    /// What becomes of limits per minute, whatever the strategy wants.
    pub limits: LimitUse,
    /// Whether context windows, regions, response forms and requests per minute are looked at beforehand.
    pub pre_call_checks: bool,
    /// Choice by tags.
    pub tags: TagPolicy,
    /// Whom to send where he was served before.
    pub affinity: AffinityPolicy,
    /// Budgets by provider.
    pub provider_budgets: HashMap<String, Budget>,
    /// Budgets by tag of a request.
    pub tag_budgets: HashMap<String, Budget>,
    /// How long a health check counts that found a deployment sick; `None` if health checks decide nothing.
    pub health_routing: Option<Duration>,
    /// Whether a health check that ends in 408 or 429 says nothing.
    pub health_ignore_transient: bool,
    /// Requests of a model group that are worked on at once at most.
    pub max_parallel_requests: HashMap<String, usize>,
    /// Requests that wait at most, for a deployment or a model group that is full.
    pub max_queued_requests: usize,
    /// The priority of requests that bring none. With a priority a request waits for a deployment where others are
    /// refused, those with the lowest number first.
    pub default_priority: Option<u8>,
    /// How often it looks whether it is its turn.
    pub polling_interval: Duration,
    /// When a second deployment is asked beside one that takes long.
    pub hedge: Option<HedgePolicy>,
    /// Counts the tokens of prompts; they are estimated without it.
    pub token_counter: Option<Arc<dyn TokenCounter>>,
    /// Fetches what requests name by its address, for providers that take bytes only; they refuse without it.
    pub media: Option<Arc<dyn MediaSource>>,
    /// Time limits of whole answers.
    pub timeouts: Timeouts,
    /// Time limits of streams, where they differ.
    pub stream_timeouts: Timeouts,
    /// The largest whole answer that is held in memory, in bytes.
    pub max_answer: usize,
}

impl Default for RouterPolicy {
    fn default() -> Self {
        let mut timeouts = Timeouts::default();
        timeouts.connect = Some(Duration::from_secs(10));
        Self {
            retry: RetryPolicy::default(),
            cooldown: CooldownPolicy::default(),
            fallbacks: FallbackPolicy::default(),
            limits: LimitUse::Ignore,
            pre_call_checks: false,
            tags: TagPolicy::default(),
            affinity: AffinityPolicy::default(),
            provider_budgets: HashMap::new(),
            tag_budgets: HashMap::new(),
            health_routing: None,
            health_ignore_transient: false,
            max_parallel_requests: HashMap::new(),
            max_queued_requests: 1_000,
            default_priority: None,
            polling_interval: Duration::from_millis(3),
            hedge: None,
            token_counter: None,
            media: None,
            timeouts,
            stream_timeouts: Timeouts::default(),
            max_answer: 64 << 20,
        }
    }
}

/// How tags decide.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TagPolicy {
    /// Whether they do.
    pub enabled: bool,
    /// Whether one tag of a request is enough; otherwise a deployment needs all of them.
    pub match_any: bool,
    /// Only tags that begin so take part, without this beginning.
    pub prefix: String,
}

impl Default for TagPolicy {
    fn default() -> Self {
        Self { enabled: false, match_any: true, prefix: String::new() }
    }
}

/// Whom to send where he was served before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AffinityPolicy {
    /// The same caller and model.
    pub caller: bool,
    /// The same conversation.
    pub session: bool,
    /// A prompt that begins with what a provider has in its cache.
    pub prompt_cache: bool,
    /// How long callers and conversations are remembered.
    pub ttl: Duration,
    /// How long prompts are remembered.
    pub prompt_ttl: Duration,
    /// What single models remember instead; the times stay.
    pub by_group: HashMap<String, Remembered>,
}

/// What a model remembers of its requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Remembered {
    /// The caller.
    pub caller: bool,
    /// The conversation.
    pub session: bool,
    /// The prompt.
    pub prompt_cache: bool,
}

impl Default for AffinityPolicy {
    fn default() -> Self {
        let (ttl, prompt_ttl) = (Duration::from_secs(3600), Duration::from_secs(300));
        let by_group = HashMap::new();
        Self { caller: false, session: false, prompt_cache: false, ttl, prompt_ttl, by_group }
    }
}

impl AffinityPolicy {
    /// What a model remembers.
    #[must_use]
    pub fn of(&self, group: &str) -> Remembered {
        let (caller, session, prompt_cache) = (self.caller, self.session, self.prompt_cache);
        self.by_group.get(group).copied().unwrap_or(Remembered { caller, session, prompt_cache })
    }
}

impl Remembered {
    /// Whether it remembers anything.
    #[must_use]
    pub fn is_any(self) -> bool {
        self.caller || self.session || self.prompt_cache
    }
}

/// When a second deployment is asked beside one that takes long.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum HedgePolicy {
    /// After this time.
    After(Duration),
    /// After the time that this share of the deployment's latest answers did not exceed; never before there are
    /// enough of them.
    Percentile(f64),
}

/// Deployments of several models under one strategy.
#[derive(Clone)]
pub struct RoutingGroup {
    /// The group's name. Where the models have numbers it can be asked for like a model.
    pub name: String,
    /// The models.
    pub models: Vec<String>,
    /// Their strategy.
    pub strategy: Arc<dyn Strategy>,
    /// Numbers by model: lower ones are asked first.
    pub priorities: HashMap<String, u32>,
}
