//! One deployment: one provider account, endpoint and model behind a model group.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use http::HeaderMap;
use llmux_core::{DeploymentId, ModelFacts, ModelName, Provider, Timeouts, TokenPrices};
use regex::Regex;

use crate::{cooldown::DeploymentCooldown, health::HealthCheck, pattern::Pattern};

/// What a deployment is configured with beside its provider.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DeploymentSettings {
    /// Share of the group's traffic.
    pub weight: Option<f64>,
    /// Capacity in requests per minute.
    pub rpm: Option<u64>,
    /// Capacity in tokens per minute.
    pub tpm: Option<u64>,
    /// Deployments of the lowest order are tried first.
    pub order: Option<u64>,
    /// Further attempts when this deployment was tried first; the router's number if not given.
    pub num_retries: Option<u32>,
    /// Most bytes of a form with a file.
    pub max_upload: Option<u64>,
    /// Time limits of whole answers.
    pub timeouts: Timeouts,
    /// Time limits of streams, where they differ.
    pub stream_timeouts: Timeouts,
    /// When it is left alone after failures, where it differs from the router's rules.
    pub cooldown: DeploymentCooldown,
    /// Requests that it works on at once at most; others wait.
    pub max_parallel_requests: Option<usize>,
    /// What its tokens cost.
    pub prices: Option<TokenPrices>,
    /// What may be spent at it.
    pub budget: Option<Budget>,
    /// Tags that requests can ask for.
    pub tags: Vec<String>,
    /// Patterns for `User-Agent: <value>`: whoever matches is served as if he had asked for a tag.
    pub tag_patterns: Vec<Regex>,
    /// Whether its group is chosen from by tags; the router's setting if not given.
    pub tag_filtering: Option<bool>,
    /// Whether requests whose conditions on tags no deployment fulfils take the default ones.
    pub tags_fail_open: bool,
    /// The longest prompt that the model takes, in tokens.
    pub max_input_tokens: Option<u64>,
    /// The region it is in, as its provider names it.
    pub region: Option<String>,
    /// What the model can do.
    pub capabilities: Capabilities,
    /// Whether it is paused from the start.
    pub blocked: bool,
    /// The shortest prompt, in tokens, that its provider keeps in a cache.
    pub prompt_cache_min_tokens: Option<u64>,
    /// How it is asked whether it works.
    pub health_check: HealthCheck,
    /// What is known of the model: limits, capabilities, prices. What is said above comes first.
    pub facts: Option<Arc<dyn ModelFacts>>,
}

/// What a model can do; nothing where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Search the web by itself.
    pub web_search: Option<bool>,
    /// See images.
    pub vision: Option<bool>,
    /// Call tools.
    pub tools: Option<bool>,
    /// Answer in a given JSON form.
    pub response_schema: Option<bool>,
}

/// An amount that may be spent in a period, which begins with the first payment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// US dollars.
    pub limit: f64,
    /// The period's length.
    pub period: Duration,
}

/// A deployment: immutable, shared by the requests that use it.
pub struct Deployment {
    id: DeploymentId,
    group: ModelName,
    model: String,
    provider: Arc<dyn Provider>,
    settings: DeploymentSettings,
    labels: HeaderMap,
}

impl Deployment {
    /// A deployment of `group`, reached through `provider` under the provider's own name `model`. Both names
    /// may hold `*`: what the group's star stands for in a request takes the place of the model's.
    #[must_use]
    pub fn new(
        id: impl Into<DeploymentId>,
        group: impl Into<ModelName>,
        model: impl Into<String>,
        provider: Arc<dyn Provider>,
    ) -> Self {
        Self {
            id: id.into(),
            group: group.into(),
            model: model.into(),
            provider,
            settings: DeploymentSettings::default(),
            labels: HeaderMap::new(),
        }
    }

    /// Sets everything else.
    #[must_use]
    pub fn with_settings(mut self, settings: DeploymentSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets headers that its answers have in front of clients, made once instead of for each of them.
    #[must_use]
    pub fn with_labels(mut self, labels: HeaderMap) -> Self {
        self.labels = labels;
        self
    }

    /// Headers that its answers have in front of clients.
    #[must_use]
    pub fn labels(&self) -> &HeaderMap {
        &self.labels
    }

    /// Its identifier.
    #[must_use]
    pub fn id(&self) -> &DeploymentId {
        &self.id
    }

    /// The model group it belongs to, as configured.
    #[must_use]
    pub fn group(&self) -> &ModelName {
        &self.group
    }

    /// The provider that answers.
    #[must_use]
    pub fn provider(&self) -> &dyn Provider {
        &*self.provider
    }

    /// Everything else it is configured with.
    #[must_use]
    pub fn settings(&self) -> &DeploymentSettings {
        &self.settings
    }

    /// The provider's name of the model, as configured: it may hold a star.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The provider's name of the model for a request that asks for `requested`.
    #[must_use]
    pub fn model_for(&self, requested: &str) -> Cow<'_, str> {
        if !Pattern::is_pattern(&self.model) {
            return Cow::Borrowed(&self.model);
        }
        let stars = Pattern::new(self.group.as_str()).capture(requested);
        Cow::Owned(Pattern::fill(&self.model, stars.as_deref().unwrap_or(&[requested])))
    }
}

impl fmt::Debug for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deployment")
            .field("id", &self.id)
            .field("group", &self.group)
            .field("model", &self.model)
            .field("provider", &self.provider.name())
            .finish_non_exhaustive()
    }
}
