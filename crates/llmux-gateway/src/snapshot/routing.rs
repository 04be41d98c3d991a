//! From `router_settings` to what the router goes by.

use std::{collections::HashMap, time::Duration};

use llmux_config::{ByClass, Config, JsonObject, Router as Section};
use llmux_core::{Error, ErrorKind, LimitUse, Result, Timeouts};
use llmux_router::{
    Budget, Exception, Fallback, FallbackList, HedgePolicy, PerException, Remembered, RetryBudget,
    RouterBuilder, RouterPolicy, RoutingGroup,
};
use serde_json::Value;

use super::Parts;

/// LiteLLM's name for budgets without a strategy of their own.
const BUDGETS_ONLY: &str = "provider-budget-routing";

/// A router builder with everything but deployments and aliases.
pub(super) fn builder(
    config: &Config,
    parts: &Parts,
    warnings: &mut Vec<String>,
    errors: &mut Vec<Error>,
) -> Option<RouterBuilder> {
    let settings = &config.router;
    let wanted = settings.routing_strategy.as_str();
    let kind = if wanted == BUDGETS_ONLY { "simple-shuffle" } else { wanted };
    let args = Value::Object((*settings.routing_strategy_args).clone());
    let strategy = parts.registry.strategies.build(kind, &args).map_err(|error| errors.push(error)).ok()?;
    let mut policy = RouterPolicy::default();
    policy.token_counter = Some(parts.tokens.clone());
    policy.media.clone_from(&parts.media);
    failures(config, &mut policy);
    if let Err(error) = fallbacks(config, &mut policy) {
        errors.push(error);
    }
    choice(settings, &mut policy, warnings, errors);
    let health = &config.general.health;
    policy.health_routing =
        health.routing.then(|| health.staleness.unwrap_or(health.interval.saturating_mul(2)));
    policy.health_ignore_transient = health.ignore_transient;
    policy.tag_budgets = budgets(&config.litellm.tag_budget_config);
    if let Some(megabytes) = config.general.max_response_size_mb {
        policy.max_answer = super::bytes(megabytes);
    }
    let mut whole = Timeouts::default();
    whole.total = Some(settings.timeout);
    policy.timeouts = whole.or(policy.timeouts);
    policy.stream_timeouts.total = settings.stream_timeout;
    let mut builder = RouterBuilder::new(parts.transport.clone(), strategy)
        .policy(|target| *target = policy)
        .state(parts.state.clone());
    for group in &settings.routing_groups {
        match routing_group(group, parts) {
            Ok(group) => builder = builder.routing_group(group),
            Err(error) => errors.push(error),
        }
    }
    Some(builder)
}

/// Retries and cooldowns.
fn failures(config: &Config, policy: &mut RouterPolicy) {
    let settings = &config.router;
    policy.retry.retries = settings.num_retries;
    policy.retry.min_pause = settings.retry_after;
    policy.retry.by_class = per_exception(&settings.retry_policy, "Retries");
    let groups = settings.model_group_retry_policy.iter();
    policy.retry.by_group =
        groups.map(|(group, counts)| (group.clone(), per_exception(counts, "Retries"))).collect();
    policy.retry.budget =
        settings.retry_budget.map(|budget| RetryBudget { share: budget.share, least: budget.least });
    let cooldown = &mut policy.cooldown;
    cooldown.time = settings.cooldown_time;
    cooldown.allowed_fails = settings.allowed_fails;
    cooldown.allowed_fails_by_class = per_exception(&settings.allowed_fails_policy, "AllowedFails");
    cooldown.disabled = settings.disable_cooldowns;
    cooldown.half_open_probes = settings.half_open_probes;
}

/// Counts by class, from keys such as `TimeoutErrorRetries`.
pub(super) fn per_exception(counts: &ByClass, ending: &str) -> PerException {
    let of = |name: &str| counts.get(&format!("{name}{ending}")).copied();
    let mut out = PerException::default();
    for class in Exception::ALL {
        if let Some(count) = of(class.name()) {
            out = out.with(class, count);
        }
    }
    out.default = of("Default");
    out
}

fn fallbacks(config: &Config, policy: &mut RouterPolicy) -> Result<()> {
    let settings = &config.router;
    let read = |name: &str, value: &Option<Value>| match value {
        None => Ok(FallbackList::new()),
        Some(value) => {
            FallbackList::read(value).map_err(|form| wrong(&format!("router_settings.{name}: {form}"), name))
        }
    };
    let lists = &mut policy.fallbacks;
    lists.general = read("fallbacks", &settings.fallbacks)?;
    lists.context_window = read("context_window_fallbacks", &settings.context_window_fallbacks)?;
    lists.content_policy = read("content_policy_fallbacks", &settings.content_policy_fallbacks)?;
    if !settings.default_fallbacks.is_empty() {
        lists.general.add("*", settings.default_fallbacks.iter().map(Fallback::to));
    }
    lists.max = settings.max_fallbacks;
    lists.explain = config.litellm.expose_router_debug_in_errors.unwrap_or(true);
    Ok(())
}

/// Everything that decides which deployment is chosen.
fn choice(
    settings: &Section,
    policy: &mut RouterPolicy,
    warnings: &mut Vec<String>,
    errors: &mut Vec<Error>,
) {
    policy.pre_call_checks = settings.enable_pre_call_checks;
    policy.affinity.ttl = settings.deployment_affinity_ttl_seconds;
    policy.default_priority = settings.default_priority;
    policy.polling_interval = settings.polling_interval;
    let mut remembered = Remembered::default();
    for check in &settings.optional_pre_call_checks {
        match check.as_str() {
            check if remember(check, &mut remembered) => {}
            "enforce_model_rate_limits" => policy.limits = LimitUse::Enforce,
            // Budgets are looked at wherever there are any.
            "router_budget_limiting" => {}
            // A response goes on where it was made, always.
            "responses_api_deployment_check" => {}
            other => warnings.push(format!(
                "router_settings.optional_pre_call_checks: `{other}` is not supported: it has no effect"
            )),
        }
    }
    let affinity = &mut policy.affinity;
    (affinity.caller, affinity.session, affinity.prompt_cache) =
        (remembered.caller, remembered.session, remembered.prompt_cache);
    match affinity_by_group(&settings.model_group_affinity_config) {
        Ok(by_group) => affinity.by_group = by_group,
        Err(error) => errors.push(error),
    }
    policy.tags.enabled = settings.enable_tag_filtering;
    policy.tags.match_any = settings.tag_filtering_match_any;
    policy.tags.prefix.clone_from(&settings.tag_routing_prefix);
    policy.provider_budgets = budgets(&settings.provider_budget_config);
    policy.max_queued_requests = settings.max_queued_requests;
    let widths = numbers("model_group_max_parallel_requests", &settings.model_group_max_parallel_requests);
    match widths {
        Ok(widths) => {
            let width = |(name, width): (String, f64)| (name, (width as usize).max(1));
            policy.max_parallel_requests = widths.into_iter().map(width).collect();
        }
        Err(error) => errors.push(error),
    }
    policy.hedge = match (settings.hedge_after, settings.hedge_percentile) {
        (Some(time), _) => Some(HedgePolicy::After(time)),
        (None, Some(p)) if p > 0.0 && p <= 1.0 => Some(HedgePolicy::Percentile(p)),
        (None, Some(_)) => {
            let message = "router_settings.hedge_percentile: must be above 0 and at most 1";
            errors.push(wrong(message, "hedge_percentile"));
            None
        }
        (None, None) => None,
    };
}

/// Notes what is to be remembered by the name of a check; `false` for other checks.
fn remember(check: &str, remembered: &mut Remembered) -> bool {
    match check {
        "prompt_caching" => remembered.prompt_cache = true,
        "deployment_affinity" => remembered.caller = true,
        "session_affinity" => remembered.session = true,
        _ => return false,
    }
    true
}

/// What single models remember.
pub(super) fn affinity_by_group(config: &JsonObject) -> Result<HashMap<String, Remembered>> {
    const NAME: &str = "model_group_affinity_config";
    let read = |(group, checks): (&String, &Value)| {
        let mut remembered = Remembered::default();
        let known = |check: &Value| match check.as_str() {
            // A response goes on where it was made, always.
            Some("responses_api_deployment_check") => true,
            Some(check) => remember(check, &mut remembered),
            None => false,
        };
        let all_known = checks.as_array().is_some_and(|checks| checks.iter().all(known));
        let message = || {
            format!(
                "router_settings.{NAME}.{group}: expected a list of `prompt_caching`, `deployment_affinity` and \
                 `session_affinity`"
            )
        };
        if all_known { Ok((group.clone(), remembered)) } else { Err(wrong(&message(), NAME)) }
    };
    config.iter().map(read).collect()
}

/// Times in seconds by class of service.
pub(super) fn tiers(setting: &str, object: &JsonObject) -> Result<HashMap<String, Duration>> {
    let read = |(tier, value): (&String, &Value)| {
        let time = value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let time = time.filter(|time| !time.is_zero()).ok_or_else(|| {
            let message = format!("`{tier}` must be a time in seconds above 0");
            wrong(&message, setting)
        })?;
        Ok((tier.clone(), time))
    };
    object.iter().map(read).collect()
}

fn budgets<'a>(
    section: impl IntoIterator<Item = (&'a String, &'a llmux_config::Budget)>,
) -> HashMap<String, Budget> {
    let budget =
        |budget: &llmux_config::Budget| Budget { limit: budget.budget_limit, period: budget.time_period };
    section.into_iter().map(|(name, section)| (name.clone(), budget(section))).collect()
}

/// Numbers by name.
pub(super) fn numbers(setting: &str, object: &JsonObject) -> Result<HashMap<String, f64>> {
    let number = |(name, value): (&String, &Value)| {
        let number = value.as_f64().filter(|number| *number >= 0.0);
        let message = || format!("router_settings.{setting}.{name}: expected a number from 0");
        number.map(|number| (name.clone(), number)).ok_or_else(|| wrong(&message(), setting))
    };
    object.iter().map(number).collect()
}

fn routing_group(section: &llmux_config::RoutingGroup, parts: &Parts) -> Result<RoutingGroup> {
    let args = Value::Object((*section.routing_strategy_args).clone());
    let strategy = parts.registry.strategies.build(&section.routing_strategy, &args)?;
    let mut priorities: HashMap<String, u32> =
        numbers("routing_groups.model_priorities", &section.model_priorities)?
            .into_iter()
            .map(|(model, number)| (model, number as u32))
            .collect();
    if section.routing_strategy == "priority" {
        // Whoever has no number comes last.
        section.models.iter().for_each(|model| _ = priorities.entry(model.clone()).or_insert(u32::MAX));
    } else {
        priorities.clear();
    }
    Ok(RoutingGroup {
        name: section.group_name.clone(),
        models: section.models.clone(),
        strategy,
        priorities,
    })
}

/// How many requests a deployment works on at once: as told, or so many that its capacity lasts.
pub(super) fn parallel(params: &llmux_config::ModelParams, settings: &Section) -> Option<usize> {
    let whole = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).clamp(1, MOST_PARALLEL);
    params
        .max_parallel_requests
        .or(params.rpm.map(whole))
        .or(params.tpm.map(|tpm| whole(tpm / 1_000 / 6)))
        .or(settings.default_max_parallel_requests)
        .map(|width| width.min(MOST_PARALLEL))
}

/// More requests at once than any deployment takes.
const MOST_PARALLEL: usize = 1_000_000;

/// A budget of a deployment's own.
pub(super) fn own_budget(params: &llmux_config::ModelParams) -> Option<Budget> {
    let period = params.budget_duration.unwrap_or(Duration::from_secs(86_400));
    params.max_budget.map(|limit| Budget { limit, period })
}

fn wrong(message: &str, param: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, message).with_param(param)
}
