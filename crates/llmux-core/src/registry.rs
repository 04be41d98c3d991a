//! Finding a plug-in by its kind. A registry is a value that is built and passed on; there are no globals.

use std::{collections::BTreeMap, sync::Arc};

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
}

impl<T: ?Sized, C> Family<T, C> {
    /// An empty family; `what` names it in errors, such as `provider`.
    #[must_use]
    pub fn new(what: &'static str) -> Self {
        Self { what, factories: BTreeMap::new(), left_out: BTreeMap::new() }
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
}

impl Registry {
    /// A registry with nothing in it.
    #[must_use]
    pub fn empty() -> Self {
        Self { providers: Family::new("provider"), strategies: Family::new("routing strategy") }
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
    fn a_kind_left_out_of_the_build_names_its_feature() {
        let mut registry = Registry::empty();
        registry.providers.left_out("bedrock", "provider-bedrock");
        let error = registry.providers.build("bedrock", &ProviderSettings::default()).err().unwrap();
        assert!(error.message().contains("provider-bedrock"), "{error}");
    }
}
