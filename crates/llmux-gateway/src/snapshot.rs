//! Everything that requests are served from, built from a configuration and never changed afterwards.

mod deployments;
mod entry;
mod facts;
mod find;
mod inferred;
mod routing;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use http::HeaderName;
use llmux_catalog::Catalogue;
use llmux_config::{Config, HealthChecks};
use llmux_core::{
    Environment, Error, ErrorKind, Estimate, MediaSource, Registry, ResponseStore, TokenCounter, Transport,
};
use llmux_router::{Router, RouterState};
use llmux_telemetry::Scrubber;

pub(crate) use deployments::provider_settings;
pub(crate) use entry::Entry;
pub(crate) use facts::of_provider as provider_facts;

use crate::{access::Access, cors::CorsPolicy, relay::Relays, tenancy::Tenancy};

/// What a snapshot is built with beside the configuration.
#[derive(Clone)]
#[non_exhaustive]
pub struct Parts {
    /// The plug-ins that configuration can name.
    pub registry: Arc<Registry>,
    /// What carries requests to providers.
    pub transport: Arc<dyn Transport>,
    /// Where providers look up keys that the configuration leaves out.
    pub environment: Environment,
    /// Where responses and conversations are kept; `None` keeps nothing.
    pub responses: Option<Arc<dyn ResponseStore>>,
    /// What the router remembers. Snapshots that are built with the same parts go on with what was before.
    pub state: Arc<RouterState>,
    /// What is known of models.
    pub catalogue: Arc<Catalogue>,
    /// What counts tokens where no provider is asked.
    pub tokens: Arc<dyn TokenCounter>,
    /// What fetches images and documents for providers that take bytes only.
    pub media: Option<Arc<dyn MediaSource>>,
    /// Virtual keys, limits and spend; `None` where there is no database.
    pub tenancy: Option<Arc<Tenancy>>,
}

impl Parts {
    /// Puts the parts together.
    #[must_use]
    pub fn new(registry: Arc<Registry>, transport: Arc<dyn Transport>, environment: Environment) -> Self {
        let (catalogue, tokens) = (Arc::new(Catalogue::builtin()), Arc::new(Estimate));
        Self {
            registry,
            transport,
            environment,
            catalogue,
            tokens,
            state: RouterState::new(),
            responses: None,
            media: None,
            tenancy: None,
        }
    }

    /// Goes on with what another router remembered.
    #[must_use]
    pub fn with_state(mut self, state: Arc<RouterState>) -> Self {
        self.state = state;
        self
    }

    /// Sets what is known of models; what is built in if not called.
    #[must_use]
    pub fn with_catalogue(mut self, catalogue: Arc<Catalogue>) -> Self {
        self.catalogue = catalogue;
        self
    }

    /// Sets what counts tokens; an estimate if not called.
    #[must_use]
    pub fn with_tokens(mut self, tokens: Arc<dyn TokenCounter>) -> Self {
        self.tokens = tokens;
        self
    }

    /// Sets what fetches images and documents; nothing is fetched if not called.
    #[must_use]
    pub fn with_media(mut self, media: Option<Arc<dyn MediaSource>>) -> Self {
        self.media = media;
        self
    }

    /// Sets who knows virtual keys; only the master key is known if not called.
    #[must_use]
    pub fn with_tenancy(mut self, tenancy: Option<Arc<Tenancy>>) -> Self {
        self.tenancy = tenancy;
        self
    }

    /// Sets where responses and conversations of OpenAI's Responses are kept for providers that keep none.
    #[must_use]
    pub fn with_responses(mut self, store: Option<Arc<dyn ResponseStore>>) -> Self {
        self.responses = store;
        self
    }
}

/// Limits on what a client may send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) body_size: usize,
    pub(crate) body_time: Duration,
}

/// What the operator wants of every request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    /// The model that serves every chat, whatever the request names.
    pub(crate) chat_model: Option<String>,
    /// End streams with usage even if nobody asked.
    pub(crate) stream_usage: bool,
    /// Hand the client's own headers on to providers.
    pub(crate) forward_headers: bool,
    /// Name the call in the body of errors.
    pub(crate) call_in_errors: bool,
    /// Whether tags of requests are of any use.
    pub(crate) tags: bool,
    /// Whether conversations are remembered.
    pub(crate) sessions: bool,
    /// Whether callers are remembered.
    pub(crate) callers: bool,
    /// Tell the cost in the usage of streams.
    pub(crate) stream_cost: bool,
    /// Serve only models of which a price is known.
    pub(crate) priced_only: bool,
    /// Models that everybody may see.
    pub(crate) public_models: Vec<String>,
}

/// Everything that requests are served from.
pub struct Snapshot {
    pub(crate) router: Router,
    pub(crate) relays: Relays,
    /// What can be told of each deployment, in the order of the configuration.
    pub(crate) entries: Vec<Entry>,
    /// Other names of models.
    pub(crate) aliases: BTreeMap<String, String>,
    /// What counts tokens.
    pub(crate) tokens: Arc<dyn TokenCounter>,
    pub(crate) access: Access,
    pub(crate) cors: CorsPolicy,
    pub(crate) limits: Limits,
    pub(crate) wishes: Wishes,
    pub(crate) health: HealthChecks,
    pub(crate) scrubber: Arc<Scrubber>,
    pub(crate) responses: Option<Arc<dyn ResponseStore>>,
    pub(crate) tenancy: Option<Arc<Tenancy>>,
}

/// What came of building a snapshot.
#[non_exhaustive]
pub struct Built {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// What was left out, and why.
    pub warnings: Vec<String>,
}

impl Snapshot {
    /// Builds a snapshot.
    ///
    /// # Errors
    /// Every mistake at once, each naming the setting.
    pub fn build(config: &Config, parts: &Parts) -> Result<Built, Vec<Error>> {
        let mut errors = Vec::new();
        let mut warnings = Vec::new();
        let mut entries = Vec::new();
        let router = router(config, parts, &mut entries, &mut warnings, &mut errors);
        let cors = match &config.server.cors {
            Some(section) => CorsPolicy::new(section).map_err(|error| errors.push(error)).ok(),
            // Without a key any page that somebody looks at could spend the operator's money.
            None if config.general.master_key.is_none() => Some(CorsPolicy::none()),
            None => Some(CorsPolicy::any()),
        };
        let header = config.general.litellm_key_header_name.as_deref().map(key_header).transpose();
        let header = header.map_err(|error| errors.push(error)).ok();
        let scrubber = Scrubber::new().map(Arc::new).map_err(|error| errors.push(error)).ok();
        match (router, cors, header, scrubber) {
            (Some(router), Some(cors), Some(header), Some(scrubber)) if errors.is_empty() => {
                let access = Access::new(config.general.master_key.as_ref(), header);
                let (limits, wishes) = (limits(config), wishes(config));
                let aliases = config.router.model_group_alias.iter();
                let aliases = aliases.map(|(alias, target)| (alias.clone(), target.model.clone())).collect();
                let tokens = Arc::clone(&parts.tokens);
                let relays = Relays::new(config, parts, &router, &mut warnings)?;
                let (responses, health) = (parts.responses.clone(), config.general.health.clone());
                let snapshot = Self {
                    router,
                    relays,
                    entries,
                    aliases,
                    tokens,
                    access,
                    cors,
                    limits,
                    wishes,
                    health,
                    scrubber,
                    responses,
                    tenancy: parts.tenancy.clone(),
                };
                Ok(Built { snapshot, warnings })
            }
            _ => Err(errors),
        }
    }

    /// The router.
    #[must_use]
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// Whether anybody may call, without a key.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.access.is_open()
    }
}

fn router(
    config: &Config,
    parts: &Parts,
    entries: &mut Vec<Entry>,
    warnings: &mut Vec<String>,
    errors: &mut Vec<Error>,
) -> Option<Router> {
    let settings = &config.router;
    let mut builder = routing::builder(config, parts, warnings, errors)?;
    for (alias, target) in &settings.model_group_alias {
        builder = builder.alias(alias.as_str(), target.model.as_str(), target.hidden);
    }
    for (at, model) in config.models.iter().enumerate() {
        match deployments::build(model, config, parts) {
            Ok(Some((deployment, entry))) => {
                builder = builder.deployment(deployment);
                entries.push(entry);
            }
            Ok(None) => warnings.push(format!(
                "model_list[{at}]: the provider of `{}` is known but not supported yet; the deployment is left out",
                model.params.model
            )),
            Err(error) => errors.push(located(at, &error)),
        }
    }
    builder.build().map_err(|error| errors.push(error)).ok()
}

/// The error, with the place of the deployment in the file.
fn located(at: usize, error: &Error) -> Error {
    let setting = error.param().unwrap_or("model");
    let section = if setting.starts_with("model_info.") { "" } else { "litellm_params." };
    Error::new(ErrorKind::InvalidRequest, format!("model_list[{at}].{section}{setting}: {}", error.message()))
        .with_param(setting)
}

fn limits(config: &Config) -> Limits {
    let by_file = usize::try_from(config.server.max_body_size).unwrap_or(usize::MAX);
    Limits {
        body_size: config.general.max_request_size_mb.map_or(by_file, bytes),
        body_time: config.server.body_timeout,
    }
}

fn wishes(config: &Config) -> Wishes {
    let (general, router) = (&config.general, &config.router);
    let by_group = routing::affinity_by_group(&router.model_group_affinity_config).unwrap_or_default();
    let checks = |name: &str| router.optional_pre_call_checks.iter().any(|check| check == name);
    let sessions = checks("session_affinity") || by_group.values().any(|of| of.session);
    let callers = checks("deployment_affinity") || by_group.values().any(|of| of.caller);
    let by_tags = config.models.iter().any(|model| model.info.enable_tag_filtering == Some(true));
    Wishes {
        tags: router.enable_tag_filtering || by_tags || !config.litellm.tag_budget_config.is_empty(),
        sessions,
        callers: sessions || callers,
        chat_model: general.completion_model.clone(),
        forward_headers: general.forward_client_headers_to_llm_api,
        stream_usage: general.always_include_stream_usage,
        call_in_errors: general.include_call_id_in_error_body,
        stream_cost: config.litellm.include_cost_in_streaming_usage,
        priced_only: config.litellm.block_requests_for_models_without_pricing,
        public_models: config.litellm.public_model_groups.clone(),
    }
}

fn bytes(megabytes: f64) -> usize {
    (megabytes * 1_048_576.0) as usize
}

fn key_header(name: &str) -> Result<HeaderName, Error> {
    name.to_ascii_lowercase().parse().map_err(|_| {
        let message = format!("general_settings.litellm_key_header_name: `{name}` is not a header name");
        Error::new(ErrorKind::InvalidRequest, message)
    })
}
