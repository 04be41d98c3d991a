//! The typed configuration.

mod endpoint;
mod health;
mod model;
mod pass_through;
mod routing;
mod sections;

use serde::Deserialize;

pub use endpoint::Endpoint;
pub use health::HealthChecks;
pub use model::{Echo, Headers, Model, ModelInfo, ModelParams};
pub use pass_through::PassThrough;
pub use routing::{Budget, ByClass, RetryBudget, Router, RoutingGroup, Shared};
pub use sections::{
    Alias, Catalogue, Cors, Format, General, Level, LiteLlm, Logging, Responses, Server, Tls,
};

/// A whole configuration: checked, references resolved, defaults filled in.
///
/// `Debug` shows no secrets, so it can be logged.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// The deployments, in file order; those of the same name share its load.
    #[serde(rename = "model_list")]
    pub models: Vec<Model>,
    /// Who may call, and what is true of every request.
    #[serde(rename = "general_settings")]
    pub general: General,
    /// The listener.
    pub server: Server,
    /// How a deployment is chosen, and what happens when it fails.
    #[serde(rename = "router_settings")]
    pub router: Router,
    /// Settings of the whole gateway, as LiteLLM names them.
    #[serde(rename = "litellm_settings")]
    pub litellm: LiteLlm,
    /// What is kept of OpenAI's Responses.
    pub responses: Responses,
    /// Where facts of models come from beside the built-in ones.
    pub catalogue: Catalogue,
    /// The log.
    pub logging: Logging,
}
