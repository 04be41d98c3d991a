//! Deployments.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use super::{ByClass, Endpoint};
use crate::JsonObject;

/// Headers by name. Their values may be secrets.
pub type Headers = BTreeMap<String, SecretString>;

/// One deployment: a model at a provider under the name that clients ask for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Model {
    /// The name that clients ask for; may contain `*`.
    #[serde(rename = "model_name")]
    pub name: String,
    /// Where the model is and how it is called.
    #[serde(rename = "litellm_params")]
    pub params: ModelParams,
    /// What is known about the deployment.
    #[serde(rename = "model_info")]
    pub info: ModelInfo,
}

/// Where a model is and how it is called. Credentials and router defaults are filled in.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ModelParams {
    /// `provider/model` or the model alone; may contain the `*` of the name.
    pub model: String,
    /// The provider, if `model` does not name it.
    #[serde(rename = "custom_llm_provider")]
    pub provider: Option<String>,
    /// The credential that was used, already merged into the other fields.
    pub litellm_credential_name: Option<String>,
    /// The key that the provider wants.
    pub api_key: Option<SecretString>,
    /// The address of the provider.
    pub api_base: Option<Endpoint>,
    /// The version of the provider's API.
    pub api_version: Option<String>,
    /// The organization at the provider.
    pub organization: Option<String>,
    /// Headers to add to requests.
    pub extra_headers: Headers,
    /// Time for the whole call.
    pub timeout: Option<Duration>,
    /// Time for the whole of a streamed call; `timeout` if not given.
    pub stream_timeout: Option<Duration>,
    /// Time until the connection stands.
    pub connect_timeout: Option<Duration>,
    /// Time until the answer begins.
    pub first_byte_timeout: Option<Duration>,
    /// Time between two pieces of an answer.
    pub idle_timeout: Option<Duration>,
    /// Further attempts after a failure here; beats the router's.
    pub num_retries: Option<u32>,
    /// Requests a minute: the share of the load without `weight`.
    pub rpm: Option<u64>,
    /// Tokens a minute: the share of the load without `weight` and `rpm`.
    pub tpm: Option<u64>,
    /// Tokens of prompts a minute.
    pub itpm: Option<u64>,
    /// Tokens of answers a minute.
    pub otpm: Option<u64>,
    /// Time for the whole call by its class of service, in seconds.
    pub timeout_by_service_tier: JsonObject,
    /// The same for streams.
    pub stream_timeout_by_service_tier: JsonObject,
    /// Share of the load among deployments of the same name.
    pub weight: Option<f64>,
    /// The lowest is tried first.
    pub order: Option<u64>,
    /// Largest form with a file, in MB.
    pub max_file_size_mb: Option<f64>,
    /// Requests at once at most.
    pub max_parallel_requests: Option<usize>,
    /// Time for which it is left alone after failures.
    pub cooldown_time: Option<Duration>,
    /// Tags that requests can ask for.
    pub tags: Vec<String>,
    /// Patterns for the user agent, which count as tags.
    pub tag_regex: Vec<String>,
    /// US dollars that may be spent in `budget_duration`.
    pub max_budget: Option<f64>,
    /// The period of `max_budget`.
    pub budget_duration: Option<Duration>,
    /// Whether what the provider lacks is left out; the global setting if not given.
    pub drop_params: Option<bool>,
    /// Whether conversations are put right that the provider would refuse; the global setting if not given.
    pub modify_params: Option<bool>,
    /// Further parameters to leave out.
    pub additional_drop_params: Vec<String>,
    /// Parameters to send on even if the provider should lack them.
    pub allowed_openai_params: Vec<String>,
    /// Members to add to the body of requests.
    pub extra_body: JsonObject,
    /// Use key and address for the provider's pass-through route.
    pub use_in_pass_through: bool,
    /// Answer with this text and call nobody.
    pub mock_response: Option<String>,
    /// Prices in US dollars, under LiteLLM's keys; numbers are texts, exactly as they were written.
    pub pricing: JsonObject,
    /// What the built-in echo model does.
    pub echo: Echo,
    /// What only the provider understands: accounts, regions and identities of clouds, by their own names.
    pub options: JsonObject,
    /// Request parameters for requests that do not set them.
    pub defaults: JsonObject,
}

/// Latency and faults of the built-in echo model.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Echo {
    /// Wait this long before answering.
    pub first_byte: Duration,
    /// Wait this long between two events of a stream.
    pub between: Duration,
    /// Answer with this HTTP status.
    pub status: Option<u16>,
    /// The `Retry-After` of an error.
    pub retry_after: Option<Duration>,
    /// Break the connection after so many events.
    pub cut_after: Option<usize>,
}

/// What is known about a deployment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ModelInfo {
    /// Name of the deployment, unique among all.
    pub id: String,
    /// What the model is for, such as `chat`.
    pub mode: Option<String>,
    /// Whether it is paused.
    pub blocked: bool,
    /// The lowest is tried first, where the parameters do not say it.
    pub order: Option<u64>,
    /// Whether its group is chosen from by tags; the router's setting if not given.
    pub enable_tag_filtering: Option<bool>,
    /// Whether requests whose conditions on tags nobody fulfils take the default deployments.
    pub allow_fail_open: bool,
    /// Failures that are tolerated before it is left alone.
    pub allowed_fails: Option<u32>,
    /// The same by the class of the failure.
    pub allowed_fails_policy: ByClass,
    /// Time for a health check.
    pub health_check_timeout: Option<Duration>,
    /// The model to ask in a health check.
    pub health_check_model: Option<String>,
    /// Longest answer to a health check.
    pub health_check_max_tokens: Option<u64>,
    /// The voice that a health check of speech asks for.
    pub health_check_voice: Option<String>,
    /// Members to add to the body of a health check.
    pub health_check_params: JsonObject,
    /// Time between two health checks in the background.
    pub health_check_interval: Option<Duration>,
    /// Whether it is not asked in the background.
    pub disable_background_health_check: bool,
    /// The model whose prices and limits these are.
    pub base_model: Option<String>,
    /// Most tokens of a prompt.
    pub max_input_tokens: Option<u64>,
    /// Most tokens of an answer.
    pub max_output_tokens: Option<u64>,
    /// Most tokens of a prompt, if not told by the others.
    pub max_tokens: Option<u64>,
    /// Numbers in a vector.
    pub output_vector_size: Option<u64>,
    /// Prices in US dollars, under LiteLLM's keys; numbers are texts, exactly as they were written.
    pub pricing: JsonObject,
    /// All keys as they were given, these and any other.
    pub extra: JsonObject,
}
