//! What is known of a deployment's model, and what its answers are billed.

use std::sync::Arc;

use llmux_catalog::{DeploymentFacts, Facts, Query};
use llmux_config::{Config, Model};
use llmux_core::{Error, ErrorKind, Margin, ModelFacts, Money, Result, money::Share};
use serde_json::Value;

use super::Parts;

/// Looks a deployment's model up, by its provider and name. What the deployment says itself comes first.
pub(super) fn build(
    model: &Model,
    (provider, name): (&str, &str),
    config: &Config,
    parts: &Parts,
) -> Result<Arc<DeploymentFacts>> {
    let mut custom = Facts::default();
    let settings = [
        ("model_info.", &*model.info.extra),
        // The same prices once more, with all the digits that were written.
        ("model_info.", &*model.info.pricing),
        ("", &*model.params.pricing),
    ];
    for (section, (key, value)) in
        settings.iter().flat_map(|(name, map)| map.iter().map(move |kv| (*name, kv)))
    {
        custom.set(key, value).map_err(|wrong| {
            Error::new(ErrorKind::InvalidRequest, wrong.to_string()).with_param(format!("{section}{key}"))
        })?;
    }
    let margin = margin(provider, config)?;
    let base = model.info.base_model.as_deref();
    let query = Query::new(provider, name);
    Ok(Arc::new(DeploymentFacts::new(&parts.catalogue, &query, base, custom, margin)))
}

/// What is known of all models of a provider, for answers that no deployment makes.
pub(crate) fn of_provider(provider: &str, config: &Config, parts: &Parts) -> Result<Arc<dyn ModelFacts>> {
    let (query, margin) = (Query::new(provider, "*"), margin(provider, config)?);
    Ok(Arc::new(DeploymentFacts::new(&parts.catalogue, &query, None, Facts::default(), margin)))
}

/// What is taken off and put on a provider's prices.
fn margin(provider: &str, config: &Config) -> Result<Margin> {
    const DISCOUNT: &str = "cost_discount_config";
    const MARGIN: &str = "cost_margin_config";
    let settings = &config.litellm;
    let discount = match settings.cost_discount_config.get(provider) {
        Some(value) => {
            share(value).filter(|share| share.is_part()).ok_or_else(|| wrong(DISCOUNT, provider))?
        }
        None => Share::ZERO,
    };
    let margins = &settings.cost_margin_config;
    let (markup, fee) = match margins.get(provider).or_else(|| margins.get("global")) {
        None => (Share::ZERO, Money::ZERO),
        Some(Value::Object(parts)) => {
            let wrong = || wrong(MARGIN, provider);
            let markup = parts.get("percentage").map(|value| share(value).ok_or_else(wrong)).transpose()?;
            let fee = parts.get("fixed_amount").map(|value| amount(value).ok_or_else(wrong)).transpose()?;
            (markup.unwrap_or_default(), fee.unwrap_or_default())
        }
        Some(value) => (share(value).ok_or_else(|| wrong(MARGIN, provider))?, Money::ZERO),
    };
    Ok(Margin::new(discount, markup, fee))
}

fn share(value: &Value) -> Option<Share> {
    text(value).parse().ok()
}

fn amount(value: &Value) -> Option<Money> {
    text(value).parse().ok().filter(|amount: &Money| !amount.is_negative())
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn wrong(setting: &str, provider: &str) -> Error {
    let message = format!(
        "litellm_settings.{setting}: what it says for `{provider}` must be a share such as `0.05`, a discount at most 1"
    );
    Error::new(ErrorKind::InvalidRequest, message)
}
