//! The table of hosts that speak OpenAI's chat dialect, with what each does differently, as data.
//!
//! A host is one row in one of the group files below; nothing else has to change to add one. Rows name
//! facts about a host as a whole. What depends on a model (whether it sees images, whether it reasons) is
//! not here.

use llmux_wire::rerank::RerankForm;

mod china;
mod clouds;
mod gateways;
mod labs;
mod local;
mod media;
mod quirks;
#[cfg(test)]
mod tests;

pub use media::Media;
pub use quirks::{
    MaxTokens, Quirks, ReasoningControl, ReasoningField, Structured, ToolChoice, UsageInStream,
};

/// One OpenAI-compatible host: where it is, how a request proves who sends it, what it offers and what it
/// does differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Host {
    /// The prefix of model names that selects this host, as in `groq/llama-3.3-70b-versatile`.
    pub name: &'static str,
    /// Other prefixes that mean the same host.
    pub aliases: &'static [&'static str],
    /// The name people know the host by.
    pub title: &'static str,
    /// Where the paths start, without a slash at the end. `None`: every user has another one, so the
    /// configuration or the environment must name it. Parts in braces are filled from [`Host::variables`].
    pub base_url: Option<&'static str>,
    /// Values for the parts of [`Host::base_url`] in braces.
    pub variables: &'static [Variable],
    /// Environment variables that may hold the key, the first that is set wins.
    pub key_env: &'static [&'static str],
    /// Environment variables that may hold another base URL, the first that is set wins.
    pub base_env: &'static [&'static str],
    /// How the key travels.
    pub auth: Auth,
    /// What the host offers, and under which paths.
    pub paths: Paths,
    /// Headers, by name and value, that every request to the host carries besides the key.
    pub headers: &'static [(&'static str, &'static str)],
    /// Where the host departs from OpenAI's own API.
    pub quirks: Quirks,
}

/// A part of a base URL that differs by account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Variable {
    /// The name as it stands in the braces.
    pub name: &'static str,
    /// Environment variables that may hold the value, the first that is set wins.
    pub env: &'static [&'static str],
}

/// How a host takes the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Auth {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// As [`Auth::Bearer`] when there is a key, but the host also answers without one.
    OptionalBearer,
    /// The key alone, in the header of this name.
    Header(&'static str),
}

/// What a host offers: the path of each operation after the base URL, or `None` where it has no such
/// operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Paths {
    /// Chat completions. Every host has them.
    pub chat: &'static str,
    /// Legacy text completions.
    pub completions: Option<&'static str>,
    /// Embeddings.
    pub embeddings: Option<&'static str>,
    /// The list of models.
    pub models: Option<&'static str>,
    /// Responses. A host without them serves them from its chat completions.
    pub responses: Option<&'static str>,
    /// Images, sound and moderations.
    pub media: Media,
    /// Rankings of documents, and the form in which the host is asked for them.
    pub rerank: Option<(&'static str, RerankForm)>,
}

impl Paths {
    /// Chat, completions, embeddings and models, under OpenAI's paths.
    pub const ALL: Self = Self {
        chat: "/chat/completions",
        completions: Some("/completions"),
        embeddings: Some("/embeddings"),
        models: Some("/models"),
        responses: None,
        media: Media::NONE,
        rerank: None,
    };
    /// Chat and models, under OpenAI's paths.
    pub const CHAT: Self = Self { completions: None, embeddings: None, ..Self::ALL };
    /// Chat, embeddings and models, under OpenAI's paths.
    pub const CHAT_EMBEDDINGS: Self = Self { completions: None, ..Self::ALL };
    /// Chat, completions and models, under OpenAI's paths.
    pub const CHAT_COMPLETIONS: Self = Self { embeddings: None, ..Self::ALL };
    /// Everything, for hosts whose base URL is told without the `/v1` that all their paths begin with.
    pub const ALL_BELOW_V1: Self = Self {
        chat: "/v1/chat/completions",
        completions: Some("/v1/completions"),
        embeddings: Some("/v1/embeddings"),
        models: Some("/v1/models"),
        responses: None,
        media: Media::NONE,
        rerank: None,
    };
}

impl Host {
    /// A host of which nothing is known: what a row leaves out. It is also what `openai_like` is, so it
    /// assumes only what practically every server of this kind does.
    pub const DEFAULT: Self = Self {
        name: "",
        aliases: &[],
        title: "",
        base_url: None,
        variables: &[],
        key_env: &[],
        base_env: &[],
        auth: Auth::Bearer,
        paths: Paths::CHAT,
        headers: &[],
        quirks: Quirks::DEFAULT,
    };

    /// A chat host without known quirks, at `base_url`, whose key is in one of `key_env` and whose base URL
    /// can be changed by one of `base_env`.
    const fn plain(
        name: &'static str,
        title: &'static str,
        base_url: &'static str,
        key_env: &'static [&'static str],
        base_env: &'static [&'static str],
    ) -> Self {
        Self { name, title, base_url: Some(base_url), key_env, base_env, ..Self::DEFAULT }
    }

    /// Whether `name` is this host's name or one of its aliases.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

/// Hosts of one kind, sorted by name.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Group {
    /// What the hosts have in common, as a heading.
    pub title: &'static str,
    /// The hosts.
    pub hosts: &'static [Host],
}

static GROUPS: &[Group] = &[
    Group { title: "Model makers", hosts: labs::HOSTS },
    Group { title: "Inference clouds", hosts: clouds::HOSTS },
    Group { title: "Chinese platforms", hosts: china::HOSTS },
    Group { title: "Gateways and resellers", hosts: gateways::HOSTS },
    Group { title: "Your own servers", hosts: local::HOSTS },
];

/// Every known host, by kind.
#[must_use]
pub fn groups() -> &'static [Group] {
    GROUPS
}

/// Every known host.
pub fn hosts() -> impl Iterator<Item = &'static Host> {
    GROUPS.iter().flat_map(|group| group.hosts)
}

/// The host that `name`, a model's prefix without the slash, stands for; `None` if there is none.
#[must_use]
pub fn find(name: &str) -> Option<&'static Host> {
    hosts().find(|host| host.is_called(name))
}
