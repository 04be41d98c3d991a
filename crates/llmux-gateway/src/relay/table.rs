//! Which path leads to which provider: one row for each route.

use llmux_core::Dialect;

/// A route that is always there.
pub(super) struct Row {
    /// What the path begins with.
    pub(super) prefix: &'static str,
    /// The kind of provider.
    pub(super) provider: &'static str,
    /// Whose SDK asks: errors of the gateway's own are told in its words.
    pub(super) sdk: Dialect,
}

const fn row(prefix: &'static str, provider: &'static str, sdk: Dialect) -> Row {
    Row { prefix, provider, sdk }
}

/// Every route. They are LiteLLM's.
pub(super) const ROWS: &[Row] = &[
    row("/openai", "openai", Dialect::OpenAi),
    row("/openai_passthrough", "openai", Dialect::OpenAi),
    row("/anthropic", "anthropic", Dialect::Anthropic),
    row("/gemini", "gemini", Dialect::Gemini),
    row("/vertex_ai", "vertex_ai", Dialect::Gemini),
    row("/vertex-ai", "vertex_ai", Dialect::Gemini),
    row("/bedrock", "bedrock", Dialect::BedrockConverse),
    row("/azure", "azure", Dialect::OpenAi),
    row("/azure_ai", "azure_ai", Dialect::OpenAi),
    row("/cohere", "cohere", Dialect::OpenAi),
    row("/mistral", "mistral", Dialect::OpenAi),
    row("/vllm", "hosted_vllm", Dialect::OpenAi),
    row("/openrouter", "openrouter", Dialect::OpenAi),
    row("/nvidia_nim", "nvidia_nim", Dialect::OpenAi),
    row("/gigachat", "gigachat", Dialect::OpenAi),
    row("/watsonx", "watsonx", Dialect::OpenAi),
    row("/fal_ai", "fal_ai", Dialect::OpenAi),
    row("/assemblyai", "assemblyai", Dialect::OpenAi),
];

/// Paths below a prefix that belong to the models of the gateway, whatever follows.
pub(super) const RESERVED: &[&str] = &["/openai/deployments/", "/bedrock/model/"];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_prefix_is_one_segment_and_stands_once() {
        let prefixes: HashSet<_> = ROWS.iter().map(|row| row.prefix).collect();
        assert_eq!(prefixes.len(), ROWS.len());
        assert!(prefixes.iter().all(|prefix| prefix.rfind('/') == Some(0)));
    }
}
