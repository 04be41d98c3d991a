//! What `router_settings` says beside retries and time limits.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use crate::JsonObject;

/// Counts by the class of a failure, under LiteLLM's keys such as `TimeoutErrorRetries`.
pub type ByClass = BTreeMap<String, u32>;

/// What may be spent in a period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Budget {
    /// US dollars.
    pub budget_limit: f64,
    /// The period's length.
    pub time_period: Duration,
}

/// How many further attempts all requests together may make.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RetryBudget {
    /// As a share of the requests.
    pub share: f64,
    /// However few requests there are.
    pub least: u64,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { share: 0.2, least: 10 }
    }
}

/// Models whose deployments are chosen by a strategy of their own.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RoutingGroup {
    /// The group's name.
    pub group_name: String,
    /// The models.
    pub models: Vec<String>,
    /// The strategy.
    pub routing_strategy: String,
    /// Settings of the strategy.
    pub routing_strategy_args: JsonObject,
    /// Numbers by model: lower ones are asked first.
    pub model_priorities: JsonObject,
}

impl Default for RoutingGroup {
    fn default() -> Self {
        Self {
            group_name: String::new(),
            models: Vec::new(),
            routing_strategy: "simple-shuffle".to_owned(),
            routing_strategy_args: JsonObject::default(),
            model_priorities: JsonObject::default(),
        }
    }
}

/// `router_settings`, with what `litellm_settings` says about the same.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Router {
    /// How one of several deployments is chosen.
    pub routing_strategy: String,
    /// Settings of the strategy.
    pub routing_strategy_args: JsonObject,
    /// Other strategies for some models.
    pub routing_groups: Vec<RoutingGroup>,
    /// Further attempts within a model group.
    pub num_retries: u32,
    /// Further attempts by the class of the failure.
    pub retry_policy: ByClass,
    /// The same for single models.
    pub model_group_retry_policy: BTreeMap<String, ByClass>,
    /// An end to storms of retries.
    pub retry_budget: Option<RetryBudget>,
    /// Time for a whole call.
    pub timeout: Duration,
    /// Time for a whole streamed call; `timeout` if not given.
    pub stream_timeout: Option<Duration>,
    /// Least time between two attempts.
    pub retry_after: Duration,
    /// Other names for models, by that name.
    pub model_group_alias: BTreeMap<String, super::Alias>,
    /// Models to ask when one has failed, as given.
    pub fallbacks: Option<Value>,
    /// Models to ask when one without `fallbacks` has failed.
    pub default_fallbacks: Vec<String>,
    /// Models to ask when a prompt does not fit, as given.
    pub context_window_fallbacks: Option<Value>,
    /// Models to ask when the content is refused, as given.
    pub content_policy_fallbacks: Option<Value>,
    /// Other models to ask at most.
    pub max_fallbacks: u32,
    /// Failures that are tolerated before a deployment is left alone.
    pub allowed_fails: Option<u32>,
    /// The same by the class of the failure.
    pub allowed_fails_policy: ByClass,
    /// Time for which a deployment is left alone after failures.
    pub cooldown_time: Duration,
    /// Leave no deployment alone.
    pub disable_cooldowns: bool,
    /// After a cooldown, let one request at a time find out whether the deployment works again.
    pub half_open_probes: bool,
    /// Leave out deployments that the prompt does not fit or that are at their limits.
    pub enable_pre_call_checks: bool,
    /// Further checks, by LiteLLM's names.
    pub optional_pre_call_checks: Vec<String>,
    /// Time for which callers and conversations are remembered.
    pub deployment_affinity_ttl_seconds: Duration,
    /// Choose deployments by tags.
    pub enable_tag_filtering: bool,
    /// Whether one tag of a request is enough.
    pub tag_filtering_match_any: bool,
    /// Only tags that begin so choose deployments.
    pub tag_routing_prefix: String,
    /// What may be spent, by provider.
    pub provider_budget_config: BTreeMap<String, Budget>,
    /// Shares of the load by the id of a deployment.
    pub weights: JsonObject,
    /// Requests at once at a deployment that has no such number.
    pub default_max_parallel_requests: Option<usize>,
    /// Requests at once by model.
    pub model_group_max_parallel_requests: JsonObject,
    /// Requests that wait at most.
    pub max_queued_requests: usize,
    /// Ask a second deployment when the first takes longer.
    pub hedge_after: Option<Duration>,
    /// The same after the time that this share of the deployment's answers took at most.
    pub hedge_percentile: Option<f64>,
    /// The Redis that replicas share what they know in.
    pub redis_host: Option<String>,
    /// Its port.
    pub redis_port: Option<u16>,
    /// Its user.
    pub redis_username: Option<String>,
    /// Its password.
    pub redis_password: Option<SecretString>,
    /// The number of its database.
    pub redis_db: Option<u8>,
    /// Reach it over TLS.
    pub redis_ssl: Option<bool>,
    /// PEM file with certificates to trust beside those of the system.
    pub redis_ssl_ca_certs: Option<String>,
    /// All of that as one address.
    pub redis_url: Option<SecretString>,
    /// Nodes of a Redis cluster, as given.
    pub redis_startup_nodes: Option<Value>,
    /// Sentinels, as given.
    pub redis_sentinel_nodes: Option<Value>,
    /// What the sentinels call the server.
    pub redis_service_name: Option<String>,
    /// The password of the sentinels.
    pub redis_sentinel_password: Option<SecretString>,
    /// The same under the names of Python's client, as given.
    pub cache_kwargs: JsonObject,
    /// How replicas share what they know.
    pub shared_state: Option<Shared>,
}

/// `router_settings.shared_state`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Shared {
    /// How limits are kept together: `leased`, `exact` or `local`.
    pub limits: String,
    /// The share of a limit by which leases may exceed it.
    pub overshoot: f64,
    /// Send nothing to deployments with limits while Redis cannot be reached.
    pub fail_closed: bool,
    /// How often a replica tells the others what it knows.
    pub sync_interval: Duration,
    /// Time for a command; what the client's settings say if not given.
    pub command_timeout: Option<Duration>,
    /// The beginning of all names in Redis.
    pub namespace: String,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            limits: "leased".to_owned(),
            overshoot: 0.1,
            fail_closed: false,
            sync_interval: Duration::from_millis(50),
            command_timeout: None,
            namespace: "llmux".to_owned(),
        }
    }
}

impl Default for Router {
    fn default() -> Self {
        Self {
            routing_strategy: "simple-shuffle".to_owned(),
            routing_strategy_args: JsonObject::default(),
            routing_groups: Vec::new(),
            num_retries: 2,
            retry_policy: ByClass::new(),
            model_group_retry_policy: BTreeMap::new(),
            retry_budget: None,
            timeout: Duration::from_secs(6000),
            stream_timeout: None,
            retry_after: Duration::ZERO,
            model_group_alias: BTreeMap::new(),
            fallbacks: None,
            default_fallbacks: Vec::new(),
            context_window_fallbacks: None,
            content_policy_fallbacks: None,
            max_fallbacks: 5,
            allowed_fails: None,
            allowed_fails_policy: ByClass::new(),
            cooldown_time: Duration::from_secs(5),
            disable_cooldowns: false,
            half_open_probes: false,
            enable_pre_call_checks: false,
            optional_pre_call_checks: Vec::new(),
            deployment_affinity_ttl_seconds: Duration::from_secs(3600),
            enable_tag_filtering: false,
            tag_filtering_match_any: true,
            tag_routing_prefix: String::new(),
            provider_budget_config: BTreeMap::new(),
            weights: JsonObject::default(),
            default_max_parallel_requests: None,
            model_group_max_parallel_requests: JsonObject::default(),
            max_queued_requests: 1_000,
            hedge_after: None,
            hedge_percentile: None,
            redis_host: None,
            redis_port: None,
            redis_username: None,
            redis_password: None,
            redis_db: None,
            redis_ssl: None,
            redis_ssl_ca_certs: None,
            redis_url: None,
            redis_startup_nodes: None,
            redis_sentinel_nodes: None,
            redis_service_name: None,
            redis_sentinel_password: None,
            cache_kwargs: JsonObject::default(),
            shared_state: None,
        }
    }
}
