//! What a program says of one deployment.

use std::sync::Arc;

use llmux_core::{
    DeploymentId, Environment, Error, ErrorKind, ProviderSettings, Registry, Result, Timeouts, Transport,
};
use llmux_router::DeploymentSettings;
use serde_json::Value;

/// One model of one provider account, behind the name that requests ask for.
///
/// Deployments of the same group share its requests, and stand in for each other when one fails.
///
/// ```
/// use llmux::Deployment;
///
/// let deployment = Deployment::new("chat", "openai/gpt-4o-mini")
///     .key("sk-…")
///     .base_url("https://eu.api.openai.com/v1")
///     .weight(2.0)
///     .provider(|settings| settings.organization = Some("org-1".to_owned()))
///     .routing(|settings| settings.order = Some(1));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Deployment {
    id: Option<DeploymentId>,
    group: String,
    model: String,
    provider: ProviderSettings,
    routing: DeploymentSettings,
}

impl Deployment {
    /// A deployment of `group`, answered by `model`, which is written `provider/model`. Both names may hold `*`:
    /// what the group's star stands for in a request takes the place of the model's.
    pub fn new(group: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            id: None,
            group: group.into(),
            model: model.into(),
            provider: ProviderSettings::default(),
            routing: DeploymentSettings::default(),
        }
    }

    /// Sets its identifier, by which it can be asked for alone; otherwise it is the group's name and a number.
    pub fn id(mut self, id: impl Into<DeploymentId>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets the provider's key.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.provider.api_key = Some(key.into().into());
        self
    }

    /// Sets the base URL, where it is not the provider's own.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.provider.base_url = Some(url.into());
        self
    }

    /// Sets an option that only its provider understands, such as `vertex_project` or `aws_region_name`. The
    /// names are those of `litellm_params` in the gateway's configuration.
    pub fn option(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.provider.options.set(name, value);
        self
    }

    /// Sets its share of the group's requests, beside the weights of the others.
    pub fn weight(mut self, weight: f64) -> Self {
        self.routing.weight = Some(weight);
        self
    }

    /// Sets its time limits, for whole answers and streams.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.routing.timeouts = timeouts;
        self
    }

    /// Changes anything else that its provider takes: headers, API version, request defaults, own options.
    pub fn provider(mut self, change: impl FnOnce(&mut ProviderSettings)) -> Self {
        change(&mut self.provider);
        self
    }

    /// Changes anything else that the router takes: order, capacities, retries, limits of streams.
    pub fn routing(mut self, change: impl FnOnce(&mut DeploymentSettings)) -> Self {
        change(&mut self.routing);
        self
    }

    /// Binds it to its provider. `number` tells it from the others where it has no id of its own.
    pub(super) fn bind(
        mut self,
        number: usize,
        registry: &Registry,
        environment: &Environment,
        transport: &Arc<dyn Transport>,
    ) -> Result<llmux_router::Deployment> {
        let id = self.id.unwrap_or_else(|| format!("{}-{number}", self.group).into());
        let named = |error: Error| error.with_param(format!("deployment `{id}`"));
        let split = registry.split_model(&self.model, None);
        let (provider, model) = match split.or_else(|| self.model.split_once('/')) {
            Some(parts) => parts,
            None => {
                let message = format!("`{}` names no provider: write it as provider/model", self.model);
                return Err(named(Error::new(ErrorKind::InvalidRequest, message)));
            }
        };
        self.provider.environment = environment.clone();
        self.provider.transport = Some(Arc::clone(transport));
        let provider = registry.providers.build(provider, &self.provider).map_err(named)?;
        let deployment = llmux_router::Deployment::new(id.clone(), self.group, model, provider);
        Ok(deployment.with_settings(self.routing))
    }
}
