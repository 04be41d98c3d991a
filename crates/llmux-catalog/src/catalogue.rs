//! The catalogue: what is built in, and what was put over it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{
    builtin,
    facts::{Facts, WrongFact},
    names,
};

/// Whose model is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Query<'a> {
    /// The provider, by the name before the slash; empty if only the model's name tells.
    pub provider: &'a str,
    /// The model, with or without the provider before it.
    pub model: &'a str,
    /// Where it runs, for providers whose prices depend on it: `eu`, `us-east-1`.
    pub region: Option<&'a str>,
}

impl<'a> Query<'a> {
    /// A model of a provider.
    #[must_use]
    pub fn new(provider: &'a str, model: &'a str) -> Self {
        Self { provider, model, region: None }
    }

    /// A model by its whole name, such as `groq/llama-3.1-8b-instant` or `gpt-4o`.
    #[must_use]
    pub fn named(name: &'a str) -> Self {
        Self::new(name.split_once('/').map_or("", |(provider, _)| provider), name)
    }

    /// Says where it runs.
    #[must_use]
    pub fn in_region(mut self, region: &'a str) -> Self {
        self.region = Some(region);
        self
    }
}

/// What is known of models. Look-ups do no I/O, take no lock and keep nothing.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// Facts that were put over the built-in ones, by name; those of each layer over those before it.
    over: BTreeMap<String, Facts>,
}

impl Catalogue {
    /// What is built in.
    #[must_use]
    pub fn builtin() -> Self {
        Self::default()
    }

    /// Puts a price map in LiteLLM's form over what is known: `{"model": {"input_cost_per_token": …, …}, …}`. Facts
    /// that an entry leaves out stay as they are, see [`Facts::replace`].
    ///
    /// # Errors
    /// The first entry that cannot be, with its name; nothing has been changed then.
    pub fn overlay(&mut self, map: &Map<String, Value>) -> Result<(), (String, WrongFact)> {
        let mut over = self.over.clone();
        // LiteLLM's map begins with an entry that explains the others.
        for (name, entry) in map.iter().filter(|(name, _)| *name != "sample_spec") {
            let named = |wrong| (name.clone(), wrong);
            let wrong = || WrongFact { key: name.clone(), expected: "a mapping of facts" };
            let entry = entry.as_object().ok_or_else(|| named(wrong()))?;
            let mut given = Facts::default();
            for (key, value) in entry {
                given.set(key, value).map_err(named)?;
            }
            let mut facts = self.exact(name).unwrap_or_default();
            facts.replace(&given);
            facts.name = name.clone().into();
            if facts.provider.is_empty() {
                facts.provider = names::family(&facts.label).to_owned().into();
            }
            over.insert(name.clone(), facts);
        }
        self.over = over;
        Ok(())
    }

    /// The facts of a model, by the first of its possible names that stands in the catalogue with this provider.
    #[must_use]
    pub fn find(&self, query: &Query<'_>) -> Option<Facts> {
        let family = names::family(query.provider);
        let fits = |facts: &Facts| {
            query.provider.is_empty() || facts.provider.is_empty() || facts.provider == family
        };
        let names = names::candidates(query.provider, query.model, query.region);
        names.iter().find_map(|name| self.exact(name).filter(fits))
    }

    /// The facts of a model by a name that somebody chose to look under: exactly this one, whoever provides it, or
    /// one that stands for it at the provider.
    #[must_use]
    pub fn find_base(&self, provider: &str, name: &str) -> Option<Facts> {
        self.exact(name).or_else(|| self.find(&Query::new(provider, name)))
    }

    /// The facts of an image model for pictures of one quality and size, such as `1024x1536`, where they have their
    /// own price; else those of the model.
    #[must_use]
    pub fn find_image(&self, query: &Query<'_>, quality: Option<&str>, size: &str) -> Option<Facts> {
        let names = names::image_candidates(query.provider, query.model, quality, size);
        let family = names::family(query.provider);
        let sized = names.iter().find_map(|name| self.exact(name).filter(|facts| facts.provider == family));
        sized.or_else(|| self.find(query))
    }

    /// The facts of the model that has exactly this name.
    #[must_use]
    pub fn exact(&self, name: &str) -> Option<Facts> {
        self.over.get(name).cloned().or_else(|| builtin::find(name))
    }

    /// Everything, sorted by name. This reads all of it: it is for listings, not for requests.
    #[must_use]
    pub fn all(&self) -> Vec<Facts> {
        let mut all: BTreeMap<_, _> = builtin::all().map(|facts| (facts.name.to_string(), facts)).collect();
        all.extend(self.over.iter().map(|(name, facts)| (name.clone(), facts.clone())));
        all.into_values().collect()
    }
}
