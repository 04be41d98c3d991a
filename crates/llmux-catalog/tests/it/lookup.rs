//! Finding a model under the names that people write.

use llmux_catalog::{Catalogue, Query};
use llmux_core::Capability;

fn name(provider: &str, model: &str) -> Option<String> {
    Catalogue::builtin().find(&Query::new(provider, model)).map(|facts| facts.name.into_owned())
}

#[test]
fn a_model_is_found_under_the_names_of_litellms_configurations() {
    for (provider, model, found) in [
        ("openai", "gpt-4o", "gpt-4o"),
        ("openai", "openai/gpt-4o", "gpt-4o"),
        ("anthropic", "anthropic/claude-sonnet-4-5", "claude-sonnet-4-5"),
        ("groq", "whisper-large-v3", "groq/whisper-large-v3"),
        ("gemini", "gemini-2.5-pro", "gemini/gemini-2.5-pro"),
        ("vertex_ai", "gemini-2.5-pro", "gemini-2.5-pro"),
        ("vertex_ai_beta", "gemini-2.5-pro", "gemini-2.5-pro"),
        ("cohere_chat", "command-r-plus-08-2024", "command-r-plus-08-2024"),
        ("bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-sonnet-4-5-20250929-v1:0"),
        (
            "bedrock",
            "bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        (
            "bedrock",
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        (
            "bedrock",
            "bedrock/no-where-1/anthropic.claude-sonnet-4-5-20250929-v1:0",
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        ("fireworks_ai", "deepseek-r1-0528", "fireworks_ai/accounts/fireworks/models/deepseek-r1-0528"),
        ("perplexity", "perplexity/openai/gpt-5.2", "perplexity/openai/gpt-5.2"),
    ] {
        assert_eq!(name(provider, model).as_deref(), Some(found), "{provider} {model}");
    }
}

#[test]
fn a_model_of_another_provider_does_not_lend_its_price() {
    assert_eq!(name("groq", "gpt-4o"), None);
    assert_eq!(name("hosted_vllm", "claude-sonnet-4-5"), None);
    assert_eq!(name("openai", "no-such-model"), None);
    assert_eq!(name("openai", ""), None);
}

#[test]
fn a_region_has_its_own_price_where_it_has_one() {
    let catalogue = Catalogue::builtin();
    let find = |region| {
        let query = Query::new("azure", "gpt-5.4-nano");
        catalogue.find(&region_of(query, region)).map(|facts| facts.name.into_owned())
    };
    assert_eq!(find(Some("eu")).as_deref(), Some("azure/eu/gpt-5.4-nano"));
    assert_eq!(find(Some("mars")).as_deref(), Some("azure/gpt-5.4-nano"));
    assert_eq!(find(None).as_deref(), Some("azure/gpt-5.4-nano"));
}

fn region_of<'a>(query: Query<'a>, region: Option<&'a str>) -> Query<'a> {
    region.map_or(query, |region| query.in_region(region))
}

#[test]
fn a_base_model_is_looked_up_by_its_own_name() {
    let catalogue = Catalogue::builtin();
    let base = |provider, name| catalogue.find_base(provider, name).map(|facts| facts.name.into_owned());
    assert_eq!(base("azure", "azure/gpt-4o").as_deref(), Some("azure/gpt-4o"));
    assert_eq!(base("azure", "gpt-4o").as_deref(), Some("gpt-4o"));
    assert_eq!(base("hosted_vllm", "claude-sonnet-4-5").as_deref(), Some("claude-sonnet-4-5"));
    assert_eq!(base("azure", "nothing"), None);
}

#[test]
fn facts_are_those_of_the_table() {
    let catalogue = Catalogue::builtin();
    let facts = catalogue.find(&Query::named("claude-sonnet-4-5")).unwrap();
    assert_eq!((facts.max_input_tokens, facts.max_output_tokens), (Some(200_000), Some(64_000)));
    assert_eq!(facts.mode.as_deref(), Some("chat"));
    assert_eq!(facts.retires.as_deref(), Some("2026-11-30"));
    assert_eq!(facts.supports(Capability::Vision), Some(true));
    assert_eq!(facts.supports(Capability::AudioInput), None);
    let opus = catalogue.find(&Query::named("anthropic/claude-opus-5-5")).unwrap();
    assert_eq!(opus.supports(Capability::Prefill), Some(false));
    let embedding = catalogue.exact("text-embedding-3-small").unwrap();
    assert_eq!(embedding.vector_size, Some(1536));
    let gpt = catalogue.exact("gpt-5.4").unwrap();
    assert_eq!(gpt.endpoints, ["/v1/chat/completions", "/v1/batch", "/v1/responses"]);
}

#[test]
fn images_are_priced_by_quality_and_size_where_they_are() {
    let catalogue = Catalogue::builtin();
    let query = Query::new("azure", "gpt-image-1-mini");
    let sized = catalogue.find_image(&query, Some("high"), "1024x1024").unwrap();
    assert_eq!(sized.name, "azure/high/1024-x-1024/gpt-image-1-mini");
    let general = catalogue.find_image(&query, Some("high"), "7x7");
    assert_eq!(general, catalogue.find(&query));
}

#[test]
fn facts_are_told_under_litellms_keys() {
    let facts = Catalogue::builtin().exact("gpt-4o-mini").unwrap();
    let told = facts.to_litellm();
    assert_eq!(told["input_cost_per_token"], 1.5e-7);
    assert_eq!(told["cache_read_input_token_cost"], 7.5e-8);
    assert_eq!(told["search_context_cost_per_query"]["search_context_size_low"], 0.025);
    assert_eq!(told["litellm_provider"], "openai");
    assert_eq!(told["max_tokens"], 16_384);
    assert_eq!(told["supports_vision"], true);
    assert!(told["supports_reasoning"].is_null() && told.contains_key("supports_reasoning"));
}
