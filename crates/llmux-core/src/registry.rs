//! Finding a plug-in by its kind. A registry is a value that is built and passed on; there are no globals.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{Error, ErrorKind, Provider, ProviderSettings, Result, Strategy};

/// An implementation that can be registered: its kind, its own configuration and how it is built.
pub trait Component {
    /// The trait it implements, such as `dyn Provider`.
    type Output: ?Sized;
    /// What it is built from.
    type Config;
    /// The name under which configuration asks for it.
    const KIND: &'static str;

    /// Builds it.
    ///
    /// # Errors
    /// When the configuration is incomplete or contradicts itself; the error names the setting.
    fn build(config: &Self::Config) -> Result<Arc<Self::Output>>;
}

type Factory<T, C> = Arc<dyn Fn(&C) -> Result<Arc<T>> + Send + Sync>;

/// All registered implementations of one trait, by kind.
pub struct Family<T: ?Sized, C> {
    what: &'static str,
    factories: BTreeMap<String, Factory<T, C>>,
    left_out: BTreeMap<&'static str, &'static str>,
    planned: BTreeSet<&'static str>,
}

impl<T: ?Sized, C> Family<T, C> {
    /// An empty family; `what` names it in errors, such as `provider`.
    #[must_use]
    pub fn new(what: &'static str) -> Self {
        Self { what, factories: BTreeMap::new(), left_out: BTreeMap::new(), planned: BTreeSet::new() }
    }

    /// Adds a component under its own kind. A later one replaces an earlier one of the same kind.
    pub fn register<P>(&mut self) -> &mut Self
    where
        P: Component<Output = T, Config = C> + 'static,
    {
        self.register_as(P::KIND, P::build)
    }

    /// Adds a factory under any kind: for families whose members are rows of a table.
    pub fn register_as<F>(&mut self, kind: impl Into<String>, factory: F) -> &mut Self
    where
        F: Fn(&C) -> Result<Arc<T>> + Send + Sync + 'static,
    {
        self.factories.insert(kind.into(), Arc::new(factory));
        self
    }

    /// Remembers a kind that exists but was not compiled in, and the Cargo feature that brings it.
    pub fn left_out(&mut self, kind: &'static str, feature: &'static str) -> &mut Self {
        self.left_out.insert(kind, feature);
        self
    }

    /// Remembers kinds that users of LiteLLM know and that do not exist here yet, so that configuration which
    /// names them can be told apart from a mistake.
    pub fn plan(&mut self, kinds: impl IntoIterator<Item = &'static str>) -> &mut Self {
        self.planned.extend(kinds);
        self
    }

    /// Whether this kind is known, but does not exist yet.
    #[must_use]
    pub fn is_planned(&self, kind: &str) -> bool {
        self.planned.contains(kind) && !self.contains(kind)
    }

    /// Whether this kind can be built.
    #[must_use]
    pub fn contains(&self, kind: &str) -> bool {
        self.factories.contains_key(kind)
    }

    /// The kinds that can be built, sorted.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.factories.keys().map(String::as_str)
    }

    /// Builds the component of this kind.
    ///
    /// # Errors
    /// When the kind is unknown (the error lists the known ones), was left out of this build (the error
    /// names the Cargo feature), or refuses its configuration.
    pub fn build(&self, kind: &str, config: &C) -> Result<Arc<T>> {
        if let Some(factory) = self.factories.get(kind) {
            return factory(config);
        }
        let message = match self.left_out.get(kind) {
            Some(feature) => {
                format!("{} `{kind}` is not part of this build: enable the feature `{feature}`", self.what)
            }
            None => {
                let known = self.kinds().collect::<Vec<_>>().join(", ");
                format!("unknown {} `{kind}`; known: {known}", self.what)
            }
        };
        Err(Error::new(ErrorKind::InvalidRequest, message).with_param(self.what))
    }
}

/// Every plug-in that this program can use, one family for each kind of plug-in.
#[non_exhaustive]
pub struct Registry {
    /// Providers, by the name before the slash in `provider/model`.
    pub providers: Family<dyn Provider, ProviderSettings>,
    /// Routing strategies, by their configuration name.
    pub strategies: Family<dyn Strategy, serde_json::Value>,
    /// Beginnings of model names that tell the provider on their own, such as `gpt-`, and the provider.
    pub model_hints: Vec<(&'static str, &'static str)>,
}

impl Registry {
    /// A registry with nothing in it.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            providers: Family::new("provider"),
            strategies: Family::new("routing strategy"),
            model_hints: Vec::new(),
        }
    }

    /// Takes `provider/model` apart: the provider, and the provider's own name of the model.
    ///
    /// A prefix before the first slash counts if it is a known provider; `provider` given apart beats it and
    /// takes its own prefix off. Without either, the beginnings in [`model_hints`](Self::model_hints) decide.
    /// `None` when nothing tells.
    #[must_use]
    pub fn split_model<'a>(&self, model: &'a str, provider: Option<&'a str>) -> Option<(&'a str, &'a str)> {
        let prefixed = model.split_once('/');
        if let Some(provider) = provider {
            let rest = prefixed.filter(|(prefix, _)| *prefix == provider).map_or(model, |(_, rest)| rest);
            return Some((provider, rest));
        }
        let known = |prefix: &str| self.providers.contains(prefix) || self.providers.is_planned(prefix);
        if let Some((prefix, rest)) = prefixed.filter(|(prefix, _)| known(prefix)) {
            return Some((prefix, rest));
        }
        let hint = self.model_hints.iter().find(|(start, _)| model.starts_with(start));
        hint.map(|(_, provider)| (*provider, model))
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Candidate, PickContext};

    struct First;

    impl Strategy for First {
        fn pick(&self, candidates: &[Candidate<'_>], _: &PickContext) -> Option<usize> {
            (!candidates.is_empty()).then_some(0)
        }
    }

    impl Component for First {
        type Output = dyn Strategy;
        type Config = serde_json::Value;
        const KIND: &'static str = "first";

        fn build(_: &Self::Config) -> Result<Arc<dyn Strategy>> {
            Ok(Arc::new(Self))
        }
    }

    #[test]
    fn a_registered_kind_is_built_and_an_unknown_one_lists_the_known() {
        let mut registry = Registry::empty();
        registry.strategies.register::<First>();
        assert!(registry.strategies.build("first", &serde_json::Value::Null).is_ok());
        let error = registry.strategies.build("last", &serde_json::Value::Null).err().unwrap();
        assert!(error.message().contains("known: first"), "{error}");
    }

    #[test]
    fn a_model_is_taken_apart_by_prefix_by_setting_or_by_its_beginning() {
        let mut registry = Registry::empty();
        registry.providers.plan(["groq"]);
        registry.model_hints.push(("claude-", "anthropic"));
        assert_eq!(registry.split_model("groq/llama", None), Some(("groq", "llama")));
        assert_eq!(registry.split_model("meta/llama", Some("groq")), Some(("groq", "meta/llama")));
        assert_eq!(registry.split_model("groq/llama", Some("groq")), Some(("groq", "llama")));
        assert_eq!(registry.split_model("claude-x", None), Some(("anthropic", "claude-x")));
        assert_eq!(registry.split_model("mystery", None), None);
    }

    #[test]
    fn a_kind_left_out_of_the_build_names_its_feature() {
        let mut registry = Registry::empty();
        registry.providers.left_out("bedrock", "provider-bedrock");
        let error = registry.providers.build("bedrock", &ProviderSettings::default()).err().unwrap();
        assert!(error.message().contains("provider-bedrock"), "{error}");
    }
}
