//! Everything but the deployments.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use super::health::HealthChecks;
use super::routing::Budget;

use super::{Endpoint, PassThrough};
use crate::JsonObject;

/// `general_settings`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct General {
    /// The key that clients present, from the file or the environment.
    pub master_key: Option<SecretString>,
    /// Let anybody in who can reach the port, also from other machines.
    #[serde(rename = "dangerously_permit_weak_or_unset_master_key")]
    pub allow_unauthenticated: bool,
    /// Where identities and spend are kept.
    pub database_url: Option<SecretString>,
    /// Largest request body in MB; beats [`Server::max_body_size`].
    pub max_request_size_mb: Option<f64>,
    /// Largest answer of a provider, streams excepted, in MB.
    pub max_response_size_mb: Option<f64>,
    /// The model that serves every chat.
    pub completion_model: Option<String>,
    /// Hand `x-*` and `anthropic-beta` headers on to providers.
    pub forward_client_headers_to_llm_api: bool,
    /// Another header in which clients may present their key.
    pub litellm_key_header_name: Option<String>,
    /// End streams with usage even if nobody asked.
    pub always_include_stream_usage: bool,
    /// Name the call in the body of errors.
    pub include_call_id_in_error_body: bool,
    /// Fetch what clients name by its address from public addresses only.
    pub user_url_validation: bool,
    /// Hosts from which it may be fetched wherever they are.
    pub user_url_allowed_hosts: Vec<String>,
    /// Time for a whole request that is passed through.
    pub pass_through_request_timeout: Duration,
    /// Paths that lead to servers of one's choice.
    pub pass_through_endpoints: Vec<PassThrough>,
    /// How deployments are asked whether they work.
    pub health: HealthChecks,
}

impl Default for General {
    fn default() -> Self {
        Self {
            master_key: None,
            allow_unauthenticated: false,
            database_url: None,
            max_request_size_mb: None,
            max_response_size_mb: None,
            completion_model: None,
            forward_client_headers_to_llm_api: false,
            litellm_key_header_name: None,
            always_include_stream_usage: false,
            include_call_id_in_error_body: false,
            pass_through_request_timeout: Duration::from_secs(600),
            user_url_validation: true,
            user_url_allowed_hosts: Vec::new(),
            pass_through_endpoints: Vec::new(),
            health: HealthChecks::default(),
        }
    }
}

/// `server`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Server {
    /// Address to listen on.
    pub host: String,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// The certificate, for HTTPS.
    pub tls: Option<Tls>,
    /// Connections served at once.
    pub max_connections: usize,
    /// Time a client has for the head of a request.
    pub header_timeout: Duration,
    /// Longest silence between two pieces of a request's body.
    pub body_timeout: Duration,
    /// Time after which an unused connection is closed.
    pub idle_timeout: Duration,
    /// Time at shutdown for which requests are still taken while readiness says 503.
    pub drain_delay: Duration,
    /// Time that running requests have to end at shutdown.
    pub drain_timeout: Duration,
    /// Largest request body in bytes.
    pub max_body_size: u64,
    /// What pages of other origins may do. If not given: all that is served when there is a master key, else nothing.
    pub cors: Option<Cors>,
    /// Threads that serve; one per processor if not given.
    pub workers: Option<usize>,
    /// Reload when a configuration file changes.
    pub watch: bool,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 4000,
            tls: None,
            max_connections: 65_536,
            header_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(75),
            drain_delay: Duration::ZERO,
            drain_timeout: Duration::from_secs(30),
            max_body_size: 32 << 20,
            cors: None,
            workers: None,
            watch: true,
        }
    }
}

/// `server.tls`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Tls {
    /// PEM file with the certificate and its chain.
    pub cert_file: std::path::PathBuf,
    /// PEM file with the private key.
    pub key_file: std::path::PathBuf,
}

/// `server.cors`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Cors {
    /// Origins that may call; `*` means any.
    pub allow_origins: Vec<String>,
    /// Methods they may use; all that are served if empty.
    pub allow_methods: Vec<String>,
    /// Request headers they may send; `*` means any.
    pub allow_headers: Vec<String>,
    /// Answer headers that their scripts may read.
    pub expose_headers: Vec<String>,
    /// Whether browsers send cookies and certificates.
    pub allow_credentials: bool,
    /// Time for which browsers may remember the permission.
    pub max_age: Option<Duration>,
}

/// `responses`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Responses {
    /// Whether responses and conversations are kept for providers that keep none.
    pub keep: bool,
    /// Most that are kept.
    pub max_entries: usize,
    /// Most memory that they may take, in bytes.
    pub max_size: u64,
    /// Time after its last use at which one is forgotten.
    pub max_age: Duration,
}

impl Default for Responses {
    fn default() -> Self {
        Self { keep: true, max_entries: 10_000, max_size: 64 << 20, max_age: Duration::from_secs(24 * 3600) }
    }
}

/// Another name for a model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Alias {
    /// The model that is meant.
    pub model: String,
    /// Whether model lists leave the alias out.
    pub hidden: bool,
}

/// `litellm_settings`. What the router and the log need is already in `Router` and [`Logging`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LiteLlm {
    /// Leave out what a provider lacks instead of refusing the request.
    pub drop_params: bool,
    /// Put conversations right that the provider would refuse.
    pub modify_params: bool,
    /// Refuse requests for models of which no price is known.
    pub block_requests_for_models_without_pricing: bool,
    /// Add the cost to the usage of streams in OpenAI's dialect.
    pub include_cost_in_streaming_usage: bool,
    /// What is taken off a provider's prices, by provider.
    pub cost_discount_config: JsonObject,
    /// What is put on a provider's prices, by provider or `global`.
    pub cost_margin_config: JsonObject,
    /// Models that everybody may see.
    pub public_model_groups: Vec<String>,
    /// As given; [`General::user_url_validation`] is what counts.
    pub user_url_validation: Option<bool>,
    /// As given; [`General::user_url_allowed_hosts`] is what counts.
    pub user_url_allowed_hosts: Vec<String>,
    /// As given; [`super::Router::num_retries`] is what counts.
    pub num_retries: Option<u32>,
    /// As given; [`super::Router::timeout`] is what counts.
    pub request_timeout: Option<Duration>,
    /// As given; [`super::Router::allowed_fails`] is what counts.
    pub allowed_fails: Option<u32>,
    /// As given; [`super::Router::max_fallbacks`] is what counts.
    pub max_fallbacks: Option<u32>,
    /// As given; [`super::Router::fallbacks`] is what counts.
    pub fallbacks: Option<Value>,
    /// As given; [`super::Router::default_fallbacks`] is what counts.
    pub default_fallbacks: Vec<String>,
    /// As given; [`super::Router::context_window_fallbacks`] is what counts.
    pub context_window_fallbacks: Option<Value>,
    /// As given; [`super::Router::content_policy_fallbacks`] is what counts.
    pub content_policy_fallbacks: Option<Value>,
    /// Name the models that were tried in errors after fallbacks; yes if not given.
    pub expose_router_debug_in_errors: Option<bool>,
    /// What may be spent, by tag.
    pub tag_budget_config: BTreeMap<String, Budget>,
    /// As given; [`Logging::format`] is what counts.
    pub json_logs: bool,
    /// As given; [`Logging::level`] is what counts.
    pub set_verbose: bool,
}

/// `catalogue`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Catalogue {
    /// A price map in LiteLLM's form that is put over the built-in facts.
    pub file: Option<std::path::PathBuf>,
    /// Where a newer price map is fetched from.
    pub url: Option<Endpoint>,
    /// The key that signs it: Ed25519, base64.
    pub public_key: Option<String>,
    /// Time between two fetches.
    pub refresh: Duration,
    /// Where the last good map from the address is kept.
    pub copy: Option<std::path::PathBuf>,
}

impl Default for Catalogue {
    fn default() -> Self {
        let refresh = Duration::from_secs(24 * 3600);
        Self { file: None, url: None, public_key: None, refresh, copy: None }
    }
}

/// `logging`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Logging {
    /// The least important messages to log.
    pub level: Level,
    /// How a message is written.
    pub format: Format,
}

/// The importance of log messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Failures.
    Error,
    /// And what is odd.
    Warn,
    /// And what happens.
    #[default]
    Info,
    /// And how.
    Debug,
    /// And everything else.
    Trace,
}

impl Level {
    /// The level's name in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// How log messages are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Lines for people.
    #[default]
    Text,
    /// JSON objects for machines.
    Json,
}
