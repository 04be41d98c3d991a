//! Under which names a model may stand in the catalogue.

/// Providers of deployments, and the name under which the catalogue has their models.
const FAMILIES: &[(&str, &str)] = &[
    ("amazon_nova", "bedrock"),
    ("azure_text", "azure"),
    ("bedrock_converse", "bedrock"),
    ("bedrock_mantle", "bedrock"),
    ("codestral", "mistral"),
    ("cohere_chat", "cohere"),
    ("ollama_chat", "ollama"),
    ("text-completion-codestral", "mistral"),
    ("text-completion-openai", "openai"),
    ("vertex_ai_beta", "vertex_ai"),
    ("watsonx_text", "watsonx"),
];

/// The name under which the catalogue has a provider's models.
pub(crate) fn family(provider: &str) -> &str {
    let known = FAMILIES.iter().find(|(name, _)| *name == provider);
    // LiteLLM's map tells families of Vertex AI apart: `vertex_ai-anthropic_models`.
    let base = || if provider.starts_with("vertex_ai-") { "vertex_ai" } else { provider };
    known.map_or_else(base, |(_, family)| family)
}

/// Bedrock's ways to call a model, which LiteLLM's users write before its name.
const BEDROCK_ROUTES: &[&str] = &["converse/", "converse_like/", "invoke/", "mantle/"];
/// Beginnings of the names of Bedrock's cross-region profiles.
const BEDROCK_GEOGRAPHIES: &[&str] =
    &["us.", "eu.", "apac.", "global.", "au.", "jp.", "ca.", "us-gov.", "sa."];

/// Every name to look for, the most exact first.
pub(crate) fn candidates(provider: &str, model: &str, region: Option<&str>) -> Vec<String> {
    let family = family(provider);
    let prefixed = |prefix: &str| model.strip_prefix(prefix)?.strip_prefix('/');
    let bare = prefixed(provider).or_else(|| prefixed(family)).unwrap_or(model);
    let mut names = Vec::new();
    let mut add = |name: &str| {
        for name in [format!("{family}/{name}"), name.to_owned()] {
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
    };
    let regional = region.filter(|_| matches!(family, "azure" | "bedrock" | "vertex_ai"));
    for form in forms(family, bare) {
        if let Some(region) = regional {
            add(&format!("{region}/{form}"));
        }
        add(form);
    }
    if family == "fireworks_ai" {
        add(&format!("accounts/fireworks/models/{bare}"));
    }
    names
}

/// A model's name, and what remains of it without the parts that do not change what it is.
fn forms<'a>(family: &str, bare: &'a str) -> Vec<&'a str> {
    let mut forms = vec![bare];
    let mut form = bare;
    let mut next = |shorter: Option<&'a str>| {
        if let Some(shorter) = shorter.filter(|shorter| *shorter != form && !shorter.is_empty()) {
            form = shorter;
            forms.push(shorter);
        }
        form
    };
    match family {
        "bedrock" => {
            let route = BEDROCK_ROUTES.iter().find_map(|route| bare.strip_prefix(route));
            let named = next(route);
            // `us-east-1/model`, and `arn:aws:bedrock:…:inference-profile/model`.
            let named = next(named.rsplit_once('/').map(|(_, name)| name)).to_owned();
            let geography = BEDROCK_GEOGRAPHIES.iter().find(|start| named.starts_with(**start));
            next(geography.and_then(|start| form_after(bare, &named, start.len())));
        }
        "openai" | "azure" => {
            // A model of one's own: `ft:gpt-4o-mini-2024-07-18:organization::id`.
            let base = bare.strip_prefix("ft:").and_then(|rest| rest.split(':').next());
            next(base.and_then(|base| bare.get(..base.len().saturating_add(3))));
        }
        "gemini" | "vertex_ai" => {
            let named = next(bare.rsplit_once('/').map(|(_, name)| name));
            let named = next(named.split_once('@').map(|(name, _)| name));
            next(without_version(named));
        }
        "ollama" => _ = next(bare.strip_suffix(":latest")),
        _ => {}
    }
    forms
}

/// The end of `bare` that is `named` without its first bytes.
fn form_after<'a>(bare: &'a str, named: &str, skipped: usize) -> Option<&'a str> {
    let begin = bare.len().checked_sub(named.len())?.checked_add(skipped)?;
    bare.get(begin..)
}

/// A name of Google's without the number of its stable version, as `-002`.
fn without_version(name: &str) -> Option<&str> {
    let (base, version) = name.rsplit_once('-')?;
    (version.len() == 3 && version.bytes().all(|byte| byte.is_ascii_digit())).then_some(base)
}

/// The names under which image models of this quality and size may have their own price.
pub(crate) fn image_candidates(
    provider: &str,
    model: &str,
    quality: Option<&str>,
    size: &str,
) -> Vec<String> {
    let family = family(provider);
    let bare = model.strip_prefix(family).and_then(|rest| rest.strip_prefix('/')).unwrap_or(model);
    let size = size.replace('x', "-x-");
    let mut names = Vec::new();
    for name in quality
        .map(|quality| format!("{quality}/{size}/{bare}"))
        .into_iter()
        .chain([format!("{size}/{bare}")])
    {
        names.extend([format!("{family}/{name}"), name]);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(provider: &str, model: &str) -> Vec<String> {
        candidates(provider, model, None)
    }

    #[test]
    fn the_provider_is_tried_before_the_bare_name() {
        assert_eq!(all("groq", "groq/llama-3.1-8b"), ["groq/llama-3.1-8b", "llama-3.1-8b"]);
        assert_eq!(all("groq", "llama-3.1-8b"), ["groq/llama-3.1-8b", "llama-3.1-8b"]);
        assert_eq!(all("cohere_chat", "command-r")[1], "command-r");
    }

    #[test]
    fn bedrocks_routes_regions_and_profiles_are_left_out_one_by_one() {
        let names = all("bedrock", "bedrock/converse/us-east-1/eu.anthropic.claude-x-v1:0");
        let bare: Vec<_> = names.iter().filter(|name| !name.starts_with("bedrock/")).collect();
        assert_eq!(
            bare,
            [
                "converse/us-east-1/eu.anthropic.claude-x-v1:0",
                "us-east-1/eu.anthropic.claude-x-v1:0",
                "eu.anthropic.claude-x-v1:0",
                "anthropic.claude-x-v1:0",
            ]
        );
        let arn = "arn:aws:bedrock:us-west-2:1234:inference-profile/us.amazon.nova-pro-v1:0";
        assert!(all("bedrock", arn).contains(&"amazon.nova-pro-v1:0".to_owned()));
    }

    #[test]
    fn a_region_beats_the_general_price() {
        let names = candidates("azure", "gpt-4o", Some("eu"));
        assert_eq!(names[0], "azure/eu/gpt-4o");
        assert_eq!(names[2], "azure/gpt-4o");
    }

    #[test]
    fn fine_tuned_versioned_and_published_models_are_known_by_their_base() {
        assert!(
            all("openai", "ft:gpt-4o-mini-2024-07-18:me::x").contains(&"ft:gpt-4o-mini-2024-07-18".into())
        );
        assert!(all("vertex_ai", "publishers/google/models/gemini-x-002").contains(&"gemini-x".into()));
        assert!(all("vertex_ai", "claude-x@20250101").contains(&"vertex_ai/claude-x".into()));
        assert!(all("ollama_chat", "llama3:latest").contains(&"ollama/llama3".into()));
        assert_eq!(family("vertex_ai-anthropic_models"), "vertex_ai");
    }

    #[test]
    fn images_are_looked_for_by_quality_and_size() {
        let names = image_candidates("azure", "gpt-image-1", Some("high"), "1024x1536");
        assert_eq!(names[0], "azure/high/1024-x-1536/gpt-image-1");
        assert_eq!(names[3], "1024-x-1536/gpt-image-1");
    }
}
