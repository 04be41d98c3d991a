//! Providers found through the environment, for a start without a file.

use serde_json::{Map, Value as Json, json};
use url::Url;

use crate::problem::Problems;
use crate::source::Position;

/// Where the environment keeps the credentials of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WellKnown {
    /// The provider, as in `provider/model`.
    pub provider: &'static str,
    /// The variable that holds its key.
    pub env_key: &'static str,
    /// The variable that may hold its address.
    pub env_base: Option<&'static str>,
}

/// A model list with a wildcard for each provider that has a key, and the echo model.
pub(crate) fn models(
    providers: &[WellKnown],
    environment: &dyn Fn(&str) -> Option<String>,
    at: &Position,
    problems: &mut Problems,
) -> Vec<Json> {
    let set = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
    let mut seen = Vec::new();
    let mut models = Vec::new();
    for known in providers {
        let Some(key) = set(known.env_key) else { continue };
        if seen.contains(&known.provider) {
            continue;
        }
        seen.push(known.provider);
        let name = format!("{}/*", known.provider);
        let mut params = Map::new();
        params.insert("model".to_owned(), json!(name));
        params.insert("api_key".to_owned(), json!(key));
        if let Some((variable, base)) = known.env_base.and_then(|variable| Some((variable, set(variable)?))) {
            if Url::parse(&base).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
                params.insert("api_base".to_owned(), json!(base));
            } else {
                problems.warn(at, variable, "expected an `http://` or `https://` address; it is not used");
            }
        }
        models.push(json!({ "model_name": name, "litellm_params": params }));
    }
    models.push(json!({ "model_name": "llmux/echo", "litellm_params": { "model": "llmux/echo" } }));
    models
}
