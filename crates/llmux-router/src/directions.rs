//! Where one request wants to go, and where not.

use std::collections::HashMap;

use llmux_core::{DeploymentId, Error, ErrorKind};
use serde_json::{Map, Value};

use crate::fallback::{Fallback, FallbackList};

/// Where one request wants to go, and where not. Most requests have none of this.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Directions {
    /// Fallbacks after any failure, in place of the configured ones.
    pub fallbacks: Option<FallbackList>,
    /// Fallbacks after a prompt that did not fit.
    pub context_window_fallbacks: Option<FallbackList>,
    /// Fallbacks after a refusal of the content.
    pub content_policy_fallbacks: Option<FallbackList>,
    /// Take no fallback, whatever is configured.
    pub disable_fallbacks: bool,
    /// Tell the errors of earlier models with the last one's.
    pub include_fallback_errors: bool,
    /// A failure to pretend at the first model.
    pub mock: Option<MockFailure>,
    /// Tags for routing and for budgets.
    pub tags: Vec<String>,
    /// Whether deployments are chosen by tags, where the router does not do so anyway.
    pub tag_filtering: bool,
    /// The region that deployments must be in, such as `eu`.
    pub region: Option<String>,
    /// A number for who asks: the same for the same caller.
    pub caller: Option<u64>,
    /// The conversation that the request belongs to.
    pub session: Option<String>,
    /// Its place among requests that wait: the lowest number first.
    pub priority: Option<u8>,
    /// Shares of the traffic by deployment, in place of the configured ones.
    pub weights: HashMap<DeploymentId, f64>,
    /// Tell how the deployment was chosen, with the answer.
    pub trace: bool,
}

impl Directions {
    /// Every other model that the request itself wishes to go to.
    pub fn fallback_models(&self) -> impl Iterator<Item = &str> {
        let lists = [&self.fallbacks, &self.context_window_fallbacks, &self.content_policy_fallbacks];
        lists.into_iter().flatten().flat_map(FallbackList::targets)
    }
}

/// A failure that a test pretends at the first model, to see where the request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MockFailure {
    /// `mock_testing_fallbacks`: a fault of the provider.
    Fault,
    /// `mock_testing_context_fallbacks`: the prompt does not fit.
    ContextWindow,
    /// `mock_testing_content_policy_fallbacks`: the content is refused.
    ContentPolicy,
    /// `mock_testing_rate_limit_error`: too many requests.
    RateLimit,
}

impl MockFailure {
    pub(crate) fn error(self, model: &str) -> Error {
        let (kind, what) = match self {
            Self::Fault => (ErrorKind::ProviderFault, "to trigger a fallback"),
            Self::ContextWindow => (ErrorKind::ContextWindowExceeded, "to trigger a fallback"),
            Self::ContentPolicy => (ErrorKind::ContentPolicy, "to trigger a fallback"),
            Self::RateLimit => (ErrorKind::RateLimited, "to trigger a rate limit error"),
        };
        // LiteLLM's words, which tests look for.
        Error::new(kind, format!("This is a mock exception for model={model}, {what}."))
    }
}

impl FallbackList {
    /// Reads the forms that LiteLLM takes: a list of models, of mappings with `model`, or of mappings from a
    /// model to such a list. What is not under a model's name is for every model.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn read(value: &Value) -> Result<Self, String> {
        const FORM: &str = "expected a list of models, or of mappings from a model to a list of models";
        let mut list = Self::new();
        for item in value.as_array().ok_or(FORM)? {
            match item {
                Value::String(model) => _ = list.add("*", [Fallback::to(model.as_str())]),
                Value::Object(map) if map.get("model").is_some_and(Value::is_string) => {
                    list.add("*", [target(item).ok_or(FORM)?]);
                }
                Value::Object(map) => {
                    for (model, targets) in map {
                        let targets = targets.as_array().ok_or(FORM)?;
                        let targets: Option<Vec<_>> = targets.iter().map(target).collect();
                        list.add(model.as_str(), targets.ok_or(FORM)?);
                    }
                }
                _ => return Err(FORM.to_owned()),
            }
        }
        Ok(list)
    }
}

/// A model, or a mapping with `model` and what to change.
fn target(value: &Value) -> Option<Fallback> {
    match value {
        Value::String(model) => Some(Fallback::to(model.as_str())),
        Value::Object(map) => {
            let mut changes: Map<String, Value> = map.clone();
            let Value::String(model) = changes.remove("model")? else { return None };
            Some(Fallback::to(model).with_changes(changes))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_of_fallbacks_is_read() {
        let all = json!(["a", {"model": "b", "temperature": 0}, {"m": ["c", {"model": "d", "n": 2}]}]);
        let list = FallbackList::read(&all).unwrap();
        let anywhere = list.find("other").unwrap();
        assert_eq!(anywhere[0], Fallback::to("a"));
        assert_eq!((anywhere[1].model.as_str(), &anywhere[1].changes["temperature"]), ("b", &json!(0)));
        let named = list.find("m").unwrap();
        assert_eq!((named[0].model.as_str(), &named[1].changes["n"]), ("c", &json!(2)));
        for wrong in [json!("a"), json!([7]), json!([{"m": "a"}]), json!([{"m": [{"n": 1}]}])] {
            assert!(FallbackList::read(&wrong).is_err(), "{wrong}");
        }
    }
}
