//! The one description of every key, from which checking, suggestions, the schema and the reference follow.

mod catalogue;
mod cloud;
mod general;
mod health;
mod litellm;
mod model;
mod pass_through;
mod price;
mod request;
mod root;
mod router;
mod routing;
mod server;
mod shape;
mod shared;

pub(crate) use health::shared as shared_health;
pub(crate) use pass_through::ENDPOINT;
pub(crate) use price::ENDING;
pub(crate) use root::ROOT;
pub(crate) use shape::{Choice, Shape, sections};

/// A mapping with known keys.
pub(crate) struct Section {
    /// The name in messages and headings.
    pub(crate) name: &'static str,
    /// What the section is for, one sentence.
    pub(crate) doc: &'static str,
    /// Keys that have an effect, or are accepted for a stated reason without one. In groups, to be shared.
    pub(crate) keys: &'static [&'static [Key]],
    /// Keys of LiteLLM that have no effect yet. A `*` at the end stands for any ending.
    pub(crate) not_yet: &'static [&'static [&'static str]],
    /// Where all keys, known or not, are kept as they are, if the section allows that.
    pub(crate) keep_in: Option<&'static str>,
}

/// One key of a section.
pub(crate) struct Key {
    /// The canonical name.
    pub(crate) name: &'static str,
    /// Other names for the same.
    pub(crate) aliases: &'static [&'static str],
    /// What becomes of it.
    pub(crate) status: Status,
    /// What it does, one sentence.
    pub(crate) doc: &'static str,
    /// The default, in words or as it would be written; empty when there is none.
    pub(crate) default: &'static str,
    /// Whether the section is useless without it.
    pub(crate) required: bool,
    /// Why a reference to a variable that is not set is an error here, and not the same as no value.
    pub(crate) never_unset: Option<&'static str>,
    /// The typed field that gathers this key with others, if it has no field of its own.
    pub(crate) gathered_in: Option<&'static str>,
    /// Whether a threshold and a class of service may follow the name, as after prices.
    pub(crate) takes_endings: bool,
}

/// What becomes of a key.
pub(crate) enum Status {
    /// It has the effect that it describes.
    Supported(Shape),
    /// It is accepted and needs no effect; `doc` says why.
    Ignored,
}

impl Key {
    /// A supported key.
    pub(crate) const fn new(name: &'static str, shape: Shape, doc: &'static str) -> Self {
        Self {
            name,
            aliases: &[],
            status: Status::Supported(shape),
            doc,
            default: "",
            required: false,
            never_unset: None,
            gathered_in: None,
            takes_endings: false,
        }
    }

    /// A key that is accepted without effect.
    pub(crate) const fn ignored(name: &'static str, reason: &'static str) -> Self {
        let mut key = Self::new(name, Shape::Any, reason);
        key.status = Status::Ignored;
        key
    }

    /// A request parameter that a deployment gives a default for.
    pub(crate) const fn request(name: &'static str, shape: Shape, doc: &'static str) -> Self {
        let mut key = Self::new(name, shape, doc);
        key.gathered_in = Some("defaults");
        key
    }

    /// A setting of one kind of provider only, handed on to it under this name.
    pub(crate) const fn option(name: &'static str, shape: Shape, doc: &'static str) -> Self {
        let mut key = Self::new(name, shape, doc);
        key.gathered_in = Some("options");
        key
    }

    /// A key that is gathered with others.
    pub(crate) const fn gathered(
        name: &'static str,
        shape: Shape,
        field: &'static str,
        doc: &'static str,
    ) -> Self {
        let mut key = Self::new(name, shape, doc);
        key.gathered_in = Some(field);
        key
    }

    /// A price in US dollars for one unit.
    pub(crate) const fn price(name: &'static str, doc: &'static str) -> Self {
        let mut key = Self::gathered(name, Shape::Price, "pricing", doc);
        key.takes_endings = true;
        key
    }

    /// Adds other names.
    pub(crate) const fn alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// States the default.
    pub(crate) const fn default(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    /// Makes the key mandatory.
    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Makes a reference to an unset variable an error, for this reason.
    pub(crate) const fn never_unset(mut self, why: &'static str) -> Self {
        self.never_unset = Some(why);
        self
    }

    /// The canonical name and the others.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }

    /// The shape of a supported key.
    pub(crate) fn shape(&self) -> Option<&Shape> {
        match &self.status {
            Status::Supported(shape) => Some(shape),
            Status::Ignored => None,
        }
    }
}

/// What a name means in a section.
pub(crate) enum Lookup {
    /// A key of the tables.
    Known(&'static Key),
    /// A key of LiteLLM without effect as yet.
    NotYet,
    /// No key of this section.
    Unknown,
}

impl Section {
    /// All keys with a description.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static Key> {
        self.keys.iter().flat_map(|group| group.iter())
    }

    /// All names and patterns without effect as yet.
    pub(crate) fn not_yet(&self) -> impl Iterator<Item = &'static str> {
        self.not_yet.iter().flat_map(|group| group.iter().copied())
    }

    /// What a name means here.
    pub(crate) fn lookup(&self, name: &str) -> Lookup {
        if let Some(key) = self.keys().find(|key| key.names().any(|known| known == name)) {
            return Lookup::Known(key);
        }
        let longer = |known: &str| name.strip_prefix(known).is_some_and(price::is_ending);
        if let Some(key) = self.keys().find(|key| key.takes_endings && key.names().any(longer)) {
            return Lookup::Known(key);
        }
        let not_yet = self.not_yet().any(|known| match known.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => known == name,
        });
        if not_yet { Lookup::NotYet } else { Lookup::Unknown }
    }

    /// The canonical form of a name; unknown names stay as they are.
    pub(crate) fn canonical<'a>(&self, name: &'a str) -> &'a str {
        match self.lookup(name) {
            // What follows the name of a price is part of what it says.
            Lookup::Known(key) if !key.takes_endings => key.name,
            _ => name,
        }
    }

    /// What to do about an unknown name: the nearest name here, or the section where it belongs.
    pub(crate) fn advice(&self, name: &str) -> Option<String> {
        let home = || {
            let knows = |section: &&Section| matches!(section.lookup(name), Lookup::Known(_));
            HOMES.iter().copied().find(knows).map(|section| format!("it belongs in `{}`", section.name))
        };
        let names =
            self.keys().flat_map(Key::names).chain(self.not_yet().filter(|name| !name.ends_with('*')));
        home().or_else(|| nearest(name, names).map(|nearest| format!("did you mean `{nearest}`?")))
    }
}

/// Where a key can be told to belong.
static HOMES: &[&Section] = &[
    &root::ROOT,
    &general::GENERAL,
    &router::ROUTER,
    &litellm::LITELLM,
    &server::SERVER,
    &server::LOGGING,
    &model::PARAMS,
    &model::INFO,
];

/// The candidate that is close enough to have been meant.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).clamp(1, 4);
    // Comparing is quadratic, and nobody mistypes this much.
    if name.len() > 100 {
        return None;
    }
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_name_is_described_twice_in_a_section() {
        for section in sections() {
            let mut seen = HashSet::new();
            for name in section.keys().flat_map(Key::names).chain(section.not_yet()) {
                assert!(seen.insert(name), "{name} in {}", section.name);
            }
        }
    }

    #[test]
    fn every_key_says_what_it_does() {
        for section in sections() {
            assert!(section.doc.ends_with('.'), "{}", section.name);
            for key in section.keys() {
                assert!(key.doc.ends_with('.'), "{} in {}", key.name, section.name);
            }
        }
    }

    #[test]
    fn the_nearest_name_must_be_near() {
        let names = ["timeout", "num_retries", "rpm"];
        assert_eq!(nearest("num_retires", names.into_iter()), Some("num_retries"));
        assert_eq!(nearest("rmp", names.into_iter()), Some("rpm"));
        assert_eq!(nearest("something", names.into_iter()), None);
    }

    #[test]
    fn a_misplaced_key_is_sent_home() {
        assert_eq!(
            litellm::LITELLM.advice("master_key").as_deref(),
            Some("it belongs in `general_settings`")
        );
        assert_eq!(router::ROUTER.advice("num_retrys").as_deref(), Some("did you mean `num_retries`?"));
    }
}
