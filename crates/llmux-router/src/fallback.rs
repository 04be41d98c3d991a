//! Where a request goes when its model group has failed: data and pure functions.

use std::collections::HashMap;

use llmux_core::{Error, ErrorKind};
use serde_json::{Map, Value};

/// Where to go instead: another model, and what to change in the request for it.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Fallback {
    /// The model group, alias or deployment id.
    pub model: String,
    /// Fields of the request's body to set, such as other `messages`.
    pub changes: Map<String, Value>,
}

impl Fallback {
    /// To this model, with the same request.
    #[must_use]
    pub fn to(model: impl Into<String>) -> Self {
        Self { model: model.into(), changes: Map::new() }
    }

    /// Sets fields of the request's body on the way.
    #[must_use]
    pub fn with_changes(mut self, changes: Map<String, Value>) -> Self {
        self.changes = changes;
        self
    }
}

/// Fallbacks by the model that failed; `*` stands for all that are not named.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FallbackList(HashMap<String, Vec<Fallback>>);

impl FallbackList {
    /// No fallbacks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds where to go when this model has failed.
    pub fn add(&mut self, model: impl Into<String>, to: impl IntoIterator<Item = Fallback>) -> &mut Self {
        self.0.entry(model.into()).or_default().extend(to);
        self
    }

    /// Whether nothing is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every model with fallbacks, and where they lead.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Fallback])> {
        self.0.iter().map(|(model, to)| (model.as_str(), to.as_slice()))
    }

    /// Every model that is led to.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.0.values().flatten().map(|fallback| fallback.model.as_str())
    }

    /// Where to go when a model has failed that has no row of its own.
    pub(crate) fn star(&self) -> &[Fallback] {
        self.0.get("*").map_or(&[], Vec::as_slice)
    }

    /// Where to go when this model has failed: by its name, by its name without or with the provider before it,
    /// or by `*`.
    #[must_use]
    pub fn find(&self, model: &str) -> Option<&[Fallback]> {
        let bare = || model.split_once('/').and_then(|(_, bare)| self.0.get(bare));
        let prefixed = || {
            let same = |key: &&String| key.split_once('/').is_some_and(|(_, bare)| bare == model);
            self.0.keys().filter(same).min().and_then(|key| self.0.get(key))
        };
        let found = self.0.get(model).or_else(bare).or_else(prefixed).or_else(|| self.0.get("*"));
        found.map(Vec::as_slice)
    }
}

/// All lists of fallbacks.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FallbackPolicy {
    /// After any failure.
    pub general: FallbackList,
    /// After a prompt that did not fit the model.
    pub context_window: FallbackList,
    /// After a refusal of the content.
    pub content_policy: FallbackList,
    /// How many other models are tried at most.
    pub max: u32,
    /// Whether errors name the groups that were tried.
    pub explain: bool,
}

impl Default for FallbackPolicy {
    /// No fallbacks, and at most LiteLLM's five.
    fn default() -> Self {
        let none = FallbackList::new;
        Self { general: none(), context_window: none(), content_policy: none(), max: 5, explain: false }
    }
}

impl FallbackPolicy {
    /// Whether any are configured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.general.is_empty() && self.context_window.is_empty() && self.content_policy.is_empty()
    }

    /// The list for this very kind of failure, if one is configured.
    fn typed(&self, error: &Error) -> Option<&FallbackList> {
        let list = match error.kind() {
            ErrorKind::ContextWindowExceeded => &self.context_window,
            ErrorKind::ContentPolicy => &self.content_policy,
            _ => return None,
        };
        Some(list).filter(|list| !list.is_empty())
    }

    /// Whether this kind of failure has a list of its own, so that repeating the request makes no sense.
    pub(crate) fn has_own(&self, error: &Error) -> bool {
        self.typed(error).is_some()
    }

    /// Where to go after this failure of this model.
    pub(crate) fn after(&self, error: &Error, model: &str) -> &[Fallback] {
        let list = self.typed(error).unwrap_or(&self.general);
        list.find(model).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(rows: &[(&str, &str)]) -> FallbackList {
        let mut list = FallbackList::new();
        for (from, to) in rows {
            list.add(*from, [Fallback::to(*to)]);
        }
        list
    }

    fn found<'a>(list: &'a FallbackList, model: &str) -> Option<&'a str> {
        Some(list.find(model)?.first()?.model.as_str())
    }

    #[test]
    fn a_model_is_found_with_and_without_its_provider_and_else_by_the_star() {
        let named = list(&[("gpt-4o", "a"), ("azure/o1", "b"), ("openai/x", "c")]);
        assert_eq!(found(&named, "gpt-4o"), Some("a"));
        assert_eq!(found(&named, "openai/gpt-4o"), Some("a"));
        assert_eq!(found(&named, "o1"), Some("b"));
        assert_eq!(found(&named, "other"), None);
        assert_eq!(found(&list(&[("*", "d"), ("o1", "b")]), "other"), Some("d"));
    }

    #[test]
    fn a_typed_list_without_the_model_is_no_reason_to_take_the_general_one() {
        let mut policy = FallbackPolicy { general: list(&[("m", "general")]), ..FallbackPolicy::default() };
        let long = Error::upstream(ErrorKind::ContextWindowExceeded, "too long");
        assert_eq!(policy.after(&long, "m"), [Fallback::to("general")]);
        policy.context_window = list(&[("m", "longer")]);
        assert_eq!(policy.after(&long, "m"), [Fallback::to("longer")]);
        assert!(policy.after(&long, "n").is_empty());
        let broken = Error::upstream(ErrorKind::ProviderFault, "broken");
        assert_eq!(policy.after(&broken, "m"), [Fallback::to("general")]);
    }
}
