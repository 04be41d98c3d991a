//! OpenAI itself: the dialect's home, and so a host without quirks.

use llmux_core::{Family, Provider, ProviderSettings};

use crate::compatible::{
    self,
    table::{Host, Media, Paths, Quirks},
};

/// OpenAI, by its API reference.
pub(crate) static HOST: Host = Host {
    name: "openai",
    aliases: &["text-completion-openai"],
    title: "OpenAI",
    base_url: Some("https://api.openai.com/v1"),
    key_env: &["OPENAI_API_KEY"],
    base_env: &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
    paths: Paths { responses: Some("/responses"), media: Media::ALL, ..Paths::ALL },
    quirks: Quirks::OPENAI,
    ..Host::DEFAULT
};

/// Adds OpenAI under its name and aliases.
pub(crate) fn register(providers: &mut Family<dyn Provider, ProviderSettings>) {
    compatible::register_host(providers, &HOST);
}
