//! Taking `provider/model` apart.

/// Beginnings of model names that tell the provider on their own, as LiteLLM's users rely on.
const BY_PREFIX: &[(&str, &[&str])] = &[
    ("openai", &["gpt-", "o1", "o3", "o4", "chatgpt-", "text-embedding-", "davinci-", "babbage-"]),
    ("anthropic", &["claude-"]),
];

/// The provider and the provider's name of a model.
///
/// A prefix before the first slash counts if `is_known` knows it as a provider; `provider` given apart beats it
/// and takes its own prefix off. Without either, well-known beginnings such as `gpt-` decide. `None` when nothing
/// tells.
///
/// ```
/// use llmux_providers::model_name::split;
///
/// let known = |name: &str| name == "groq";
/// assert_eq!(split("groq/llama", None, known), Some(("groq", "llama")));
/// assert_eq!(split("meta/llama", Some("groq"), known), Some(("groq", "meta/llama")));
/// assert_eq!(split("claude-x", None, known), Some(("anthropic", "claude-x")));
/// assert_eq!(split("mystery", None, known), None);
/// ```
pub fn split<'a>(
    model: &'a str,
    provider: Option<&'a str>,
    is_known: impl Fn(&str) -> bool,
) -> Option<(&'a str, &'a str)> {
    let prefixed = model.split_once('/');
    if let Some(provider) = provider {
        let rest = prefixed.filter(|(prefix, _)| *prefix == provider).map_or(model, |(_, rest)| rest);
        return Some((provider, rest));
    }
    if let Some((prefix, rest)) = prefixed.filter(|(prefix, _)| is_known(prefix)) {
        return Some((prefix, rest));
    }
    let by_name = BY_PREFIX.iter().find(|(_, starts)| starts.iter().any(|start| model.starts_with(start)));
    by_name.map(|(provider, _)| (*provider, model))
}
