//! One deployment: one provider account, endpoint and model behind a model group.

use std::{borrow::Cow, fmt, sync::Arc};

use http::{HeaderName, HeaderValue};
use llmux_core::{Candidate, DeploymentId, ModelFacts, ModelName, Provider, Timeouts};

use crate::pattern::Pattern;

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
    /// What is known of the model: limits, capabilities, prices.
    pub facts: Option<Arc<dyn ModelFacts>>,
}

/// A deployment: immutable, shared by the requests that use it.
pub struct Deployment {
    id: DeploymentId,
    group: ModelName,
    model: String,
    provider: Arc<dyn Provider>,
    settings: DeploymentSettings,
    labels: Vec<(HeaderName, HeaderValue)>,
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
            labels: Vec::new(),
        }
    }

    /// Sets everything else.
    #[must_use]
    pub fn with_settings(mut self, settings: DeploymentSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets headers that name the deployment in front of clients, made once instead of for each answer.
    #[must_use]
    pub fn with_labels(mut self, labels: Vec<(HeaderName, HeaderValue)>) -> Self {
        self.labels = labels;
        self
    }

    /// Headers that name the deployment in front of clients.
    #[must_use]
    pub fn labels(&self) -> &[(HeaderName, HeaderValue)] {
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

    pub(crate) fn candidate(&self) -> Candidate<'_> {
        Candidate::new(&self.id)
            .with_weight(self.settings.weight)
            .with_capacity(self.settings.rpm, self.settings.tpm)
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
