//! From an entry of the model list to a deployment.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use llmux_catalog::DeploymentFacts;
use llmux_config::{Config, Echo, Model, ModelParams};
use llmux_core::{
    Capability, Error, ErrorKind, ExposeSecret, ModelFacts, Operation, Options, Provider, ProviderSettings,
    Result, Shaping, Terms, Timeouts, TokenPrices, Usage,
};
use llmux_router::{Deployment, DeploymentSettings, HealthCheck, TierTimeouts, closest};
use regex::Regex;
use serde_json::Value;

use super::{Entry, Parts, facts, inferred::Inferred, routing};
use crate::headers::labels;

/// The provider that answers `mock_response` without calling anybody.
const BUILT_IN: &str = "llmux";

/// Builds the deployment and what can be told of it; `None` when its provider does not exist yet.
pub(super) fn build(model: &Model, config: &Config, parts: &Parts) -> Result<Option<(Deployment, Entry)>> {
    let params = &model.params;
    let registry = &parts.registry;
    let routing = deployment_settings(model, config)?;
    if params.model == "*" && params.provider.is_none() && params.mock_response.is_none() {
        let inferred = Inferred::new(registry, &provider_settings(params, config, parts)?);
        let facts = facts::build(model, ("", "*"), config, parts)?;
        return Ok(Some(deployment(model, "*", Arc::new(inferred), routing, facts)));
    }
    let Some((provider, name)) = registry.split_model(&params.model, params.provider.as_deref()) else {
        return Err(unknown_provider(&params.model, parts));
    };
    let asked = provider;
    let provider = if params.mock_response.is_some() { BUILT_IN } else { provider };
    if registry.providers.is_planned(provider) {
        return Ok(None);
    }
    if !registry.providers.contains(provider) {
        return Err(unknown_provider(&params.model, parts));
    }
    let mut settings = provider_settings(params, config, parts)?;
    if let Some(base) = &model.info.base_model {
        settings.options.set("base_model", base.as_str());
    }
    let provider = registry.providers.build(provider, &settings)?;
    // A canned answer costs what the model would that it stands for.
    let priced = if params.mock_response.is_some() { asked } else { provider.name() };
    let facts = facts::build(model, (priced, name), config, parts)?;
    Ok(Some(deployment(model, name, provider, routing, facts)))
}

fn deployment(
    model: &Model,
    name: &str,
    provider: Arc<dyn Provider>,
    mut settings: DeploymentSettings,
    facts: Arc<DeploymentFacts>,
) -> (Deployment, Entry) {
    let entry = Entry::new(model, provider.name(), Arc::clone(&facts));
    known(name, &facts, &mut settings);
    settings.facts = Some(facts);
    let deployment =
        Deployment::new(model.info.id.as_str(), model.name.as_str(), name, provider).with_settings(settings);
    let labels = labels(&deployment);
    (deployment.with_labels(labels), entry)
}

fn unknown_provider(model: &str, parts: &Parts) -> Error {
    let prefix = model.split('/').next().unwrap_or_default();
    let close = closest(prefix, parts.registry.providers.kinds());
    let hint = match close.as_slice() {
        [] => "write it as `provider/model`, or set `custom_llm_provider`".to_owned(),
        names => format!("did you mean {}?", names.join(" or ")),
    };
    Error::new(ErrorKind::InvalidRequest, format!("`{model}` names no known provider; {hint}"))
        .with_param("model")
}

/// What a deployment tells its provider.
pub(crate) fn provider_settings(
    params: &ModelParams,
    config: &Config,
    parts: &Parts,
) -> Result<ProviderSettings> {
    let mut settings = ProviderSettings::default();
    settings.base_url = params.api_base.as_ref().map(|base| base.as_str().to_owned());
    settings.api_key = params.api_key.clone();
    settings.api_version = params.api_version.clone();
    settings.organization = params.organization.clone();
    settings.headers = headers(params)?;
    settings.environment = parts.environment.clone();
    settings.transport = Some(Arc::clone(&parts.transport));
    settings.tokens = Some(Arc::clone(&parts.tokens));
    settings.options = options(params);
    let mut shaping = Shaping::default();
    shaping.drop_params = params.drop_params.unwrap_or(config.litellm.drop_params);
    shaping.modify_params = params.modify_params.unwrap_or(config.litellm.modify_params);
    shaping.additional_drop_params = params.additional_drop_params.clone();
    shaping.allowed_params = params.allowed_openai_params.clone();
    shaping.defaults = (*params.defaults).clone();
    shaping.extra_body = (*params.extra_body).clone();
    settings.shaping = shaping;
    Ok(settings)
}

fn headers(params: &ModelParams) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in &params.extra_headers {
        let wrong = |what: &str| {
            let message = format!("`{name}` is not a valid header {what}");
            Error::new(ErrorKind::InvalidRequest, message).with_param("extra_headers")
        };
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("name"))?;
        let mut value = HeaderValue::from_str(value.expose_secret()).map_err(|_| wrong("value"))?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}

/// What only the provider understands; the built-in one is told its latency and faults.
fn options(params: &ModelParams) -> Options {
    let milliseconds = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let mut options = Options::from((*params.options).clone());
    let echo = &params.echo;
    if *echo != Echo::default() {
        options.set("first_byte_ms", milliseconds(echo.first_byte));
        options.set("between_ms", milliseconds(echo.between));
        options.set("status", echo.status);
        options.set("retry_after_ms", echo.retry_after.map(milliseconds));
        options.set("cut_after", echo.cut_after);
    }
    if let Some(text) = &params.mock_response {
        options.set("text", text.as_str());
    }
    options
}

fn deployment_settings(model: &Model, config: &Config) -> Result<DeploymentSettings> {
    let (params, info) = (&model.params, &model.info);
    let mut settings = DeploymentSettings::default();
    settings.weight = routing::numbers("weights", &config.router.weights)?.remove(&info.id).or(params.weight);
    settings.rpm = params.rpm;
    settings.tpm = params.tpm;
    (settings.itpm, settings.otpm) = (params.itpm, params.otpm);
    let whole = routing::tiers("timeout_by_service_tier", &params.timeout_by_service_tier)?;
    let stream = routing::tiers("stream_timeout_by_service_tier", &params.stream_timeout_by_service_tier)?;
    if !whole.is_empty() || !stream.is_empty() {
        let mut tiers = TierTimeouts::default();
        (tiers.whole, tiers.stream) = (whole, stream);
        settings.tier_timeouts = Some(Box::new(tiers));
    }
    settings.order = params.order.or(info.order);
    settings.num_retries = params.num_retries;
    settings.max_upload = params.max_file_size_mb.map(|megabytes| (megabytes * 1_048_576.0) as u64);
    let mut timeouts = Timeouts::default();
    timeouts.connect = params.connect_timeout;
    timeouts.first_byte = params.first_byte_timeout;
    timeouts.between_bytes = params.idle_timeout;
    timeouts.total = params.timeout;
    settings.timeouts = timeouts;
    settings.stream_timeouts.total = params.stream_timeout;
    settings.cooldown.time = params.cooldown_time;
    settings.cooldown.allowed_fails = info.allowed_fails;
    settings.cooldown.allowed_fails_by_class =
        routing::per_exception(&info.allowed_fails_policy, "AllowedFails");
    settings.max_parallel_requests = routing::parallel(params, &config.router);
    settings.budget = routing::own_budget(params);
    settings.tags.clone_from(&params.tags);
    settings.tag_patterns = params.tag_regex.iter().map(|pattern| regex(pattern)).collect::<Result<_>>()?;
    settings.tag_filtering = info.enable_tag_filtering;
    settings.tags_fail_open = info.allow_fail_open;
    settings.blocked = info.blocked;
    settings.health_check = health_check(info);
    let regions = ["region_name", "aws_region_name", "vertex_location"];
    let region = regions.iter().find_map(|name| params.options.get(*name)?.as_str());
    settings.region = region.map(str::to_owned);
    // Only where the deployment says so itself: nobody is left when all are said not to search.
    settings.capabilities.web_search = info.extra.get("supports_web_search").and_then(Value::as_bool);
    settings.prompt_cache_min_tokens = info.extra.get("prompt_cache_min_tokens").and_then(Value::as_u64);
    Ok(settings)
}

/// How the deployment is asked whether it works.
fn health_check(info: &llmux_config::ModelInfo) -> HealthCheck {
    let mut check = HealthCheck::default();
    check.operation = match info.mode.as_deref() {
        Some("completion") => Operation::Completion,
        Some("embedding") => Operation::Embeddings,
        Some("image_generation") => Operation::ImageGeneration,
        Some("image_edit") => Operation::ImageEdit,
        Some("audio_transcription") => Operation::Transcription,
        Some("audio_speech") => Operation::Speech,
        Some("moderation") => Operation::Moderation,
        Some("rerank") => Operation::Rerank,
        _ => Operation::Chat,
    };
    if let Some(voice) = &info.health_check_voice {
        check.voice.clone_from(voice);
    }
    check.params = (*info.health_check_params).clone();
    check.interval = info.health_check_interval;
    check.background = !info.disable_background_health_check;
    check.model.clone_from(&info.health_check_model);
    check.max_tokens = info.health_check_max_tokens.unwrap_or(check.max_tokens);
    check.timeout = info.health_check_timeout.unwrap_or(check.timeout);
    check
}

/// What is known of the model itself: what filters and strategies look at, looked up once.
fn known(name: &str, facts: &DeploymentFacts, settings: &mut DeploymentSettings) {
    let can = |capability| facts.supports(name, capability);
    settings.max_input_tokens = facts.max_input_tokens(name);
    settings.capabilities.vision = can(Capability::Vision);
    settings.capabilities.tools = can(Capability::Tools);
    settings.capabilities.response_schema = can(Capability::ResponseSchema);
    // The price of a million tokens of each, so that no digit of a small price is lost.
    let price = |input, output| {
        let mut usage = Usage::default();
        (usage.input, usage.output) = (input, output);
        let bill = facts.bill(&usage, &Terms::new().with_models(Some(name), None))?;
        Some(bill.total.to_f64() / MILLION as f64)
    };
    let prices = (price(MILLION, 0), price(0, MILLION));
    if let (Some(input), Some(output)) = prices {
        settings.prices = Some(TokenPrices { input, output });
    }
}

const MILLION: u64 = 1_000_000;

fn regex(pattern: &str) -> Result<Regex> {
    Regex::new(pattern).map_err(|error| {
        let message = format!("`{pattern}` is no pattern: {error}");
        Error::new(ErrorKind::InvalidRequest, message).with_param("tag_regex")
    })
}
