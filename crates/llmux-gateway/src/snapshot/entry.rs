//! What can be told of a deployment to whoever asks: no secret ever comes here.

use std::sync::Arc;

use llmux_catalog::DeploymentFacts;
use llmux_config::{Model, ModelParams};
use serde_json::{Map, Value};

/// A deployment as lists of models show it.
pub(crate) struct Entry {
    /// The name that clients ask for.
    pub(crate) name: String,
    /// The deployment.
    pub(crate) id: String,
    /// The provider that answers.
    pub(crate) provider: String,
    /// How it is called, without keys, headers and whatever else may be secret.
    pub(crate) params: Map<String, Value>,
    /// What `model_info` says.
    pub(crate) info: Map<String, Value>,
    /// What is known of the model.
    pub(crate) facts: Arc<DeploymentFacts>,
    /// Capacity in requests and in tokens per minute.
    pub(crate) capacity: (Option<u64>, Option<u64>),
    /// When it was added and last changed by request, in seconds since 1970; `None` for those of the configuration.
    pub(crate) added: Option<(u64, u64)>,
}

impl Entry {
    pub(crate) fn new(model: &Model, provider: &str, facts: Arc<DeploymentFacts>) -> Self {
        Self {
            name: model.name.clone(),
            id: model.info.id.clone(),
            provider: provider.to_owned(),
            params: shown(&model.params),
            info: (*model.info.extra).clone(),
            facts,
            capacity: (model.params.rpm, model.params.tpm),
            added: None,
        }
    }
}

/// The parameters that tell nobody's secrets: those named here, and prices.
fn shown(params: &ModelParams) -> Map<String, Value> {
    let seconds = |time: Option<std::time::Duration>| time.map(|time| time.as_secs_f64());
    let given = [
        ("model", Value::from(params.model.as_str())),
        ("custom_llm_provider", params.provider.as_deref().into()),
        ("litellm_credential_name", params.litellm_credential_name.as_deref().into()),
        ("api_base", params.api_base.as_ref().map(|base| without_secrets(base.as_str())).into()),
        ("api_version", params.api_version.as_deref().into()),
        ("timeout", seconds(params.timeout).into()),
        ("stream_timeout", seconds(params.stream_timeout).into()),
        ("num_retries", params.num_retries.into()),
        ("rpm", params.rpm.into()),
        ("tpm", params.tpm.into()),
        ("weight", params.weight.into()),
        ("order", params.order.into()),
        ("drop_params", params.drop_params.into()),
    ];
    let given = given.into_iter().map(|(name, value)| (name.to_owned(), value));
    let prices = params.pricing.iter().map(|(name, value)| (name.clone(), number(value)));
    given.chain(prices).filter(|(_, value)| !value.is_null()).collect()
}

/// A price that is kept as text, as the number that clients expect.
fn number(value: &Value) -> Value {
    value.as_str().and_then(|text| text.trim().parse::<f64>().ok()).map_or_else(|| value.clone(), Value::from)
}

/// An address without user, password, query and fragment.
fn without_secrets(address: &str) -> String {
    let address = address.split(['?', '#']).next().unwrap_or_default();
    match address.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
            let host = host.rsplit('@').next().unwrap_or_default();
            path.map_or_else(|| format!("{scheme}://{host}"), |path| format!("{scheme}://{host}/{path}"))
        }
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_what_may_be_secret() {
        let shown = without_secrets("https://user:secret@host:8443/v1/models?key=secret#x");
        assert_eq!(shown, "https://host:8443/v1/models");
        assert_eq!(without_secrets("http://host"), "http://host");
    }

    #[test]
    fn prices_are_shown_as_numbers() {
        assert_eq!(number(&"3e-06".into()), Value::from(3e-6));
        assert_eq!(number(&serde_json::json!([1])), serde_json::json!([1]));
    }
}
