//! Gateways and resellers: one address for the models of many makers. They pass most things on, so a request
//! goes to them the way OpenAI would take it.

use super::{Auth, Host, Media, Paths, Quirks, ReasoningControl, ReasoningField};

/// A gateway without known quirks; the arguments are those of [`Host::plain`].
const fn relay(
    name: &'static str,
    title: &'static str,
    base_url: &'static str,
    key_env: &'static [&'static str],
    base_env: &'static [&'static str],
) -> Host {
    Host { quirks: Quirks::RELAY, ..Host::plain(name, title, base_url, key_env, base_env) }
}

pub(super) static HOSTS: &[Host] = &[
    relay("aihubmix", "AIHubMix", "https://aihubmix.com/v1", &["AIHUBMIX_API_KEY"], &["AIHUBMIX_API_BASE"]),
    Host {
        name: "aiml",
        title: "AI/ML API",
        base_url: Some("https://api.aimlapi.com/v1"),
        key_env: &["AIML_API_KEY", "AIMLAPI_KEY"],
        base_env: &["AIML_API_BASE"],
        paths: Paths::CHAT_EMBEDDINGS,
        ..Host::DEFAULT
    },
    Host::plain("apertis", "Apertis", "https://api.stima.tech/v1", &["STIMA_API_KEY"], &[]),
    relay(
        "assemblyai",
        "AssemblyAI LLM gateway",
        "https://llm-gateway.assemblyai.com/v1",
        &["ASSEMBLYAI_API_KEY"],
        &[],
    ),
    Host {
        name: "cometapi",
        title: "CometAPI",
        base_url: Some("https://api.cometapi.com/v1"),
        key_env: &["COMETAPI_API_KEY", "COMETAPI_KEY"],
        base_env: &["COMETAPI_API_BASE", "COMETAPI_BASE_URL"],
        paths: Paths::CHAT_EMBEDDINGS,
        quirks: Quirks::RELAY,
        ..Host::DEFAULT
    },
    relay("cortecs", "Cortecs", "https://api.cortecs.ai/v1", &["CORTECS_API_KEY"], &["CORTECS_API_BASE"]),
    Host {
        name: "edenai",
        title: "Eden AI",
        base_url: Some("https://api.edenai.run/v3"),
        key_env: &["EDENAI_API_KEY"],
        base_env: &["EDENAI_API_BASE"],
        paths: Paths::CHAT_EMBEDDINGS,
        quirks: Quirks::RELAY,
        ..Host::DEFAULT
    },
    Host::plain(
        "empiriolabs",
        "EmpirioLabs",
        "https://api.empiriolabs.ai/v1",
        &["EMPIRIOLABS_API_KEY"],
        &["EMPIRIOLABS_API_BASE"],
    ),
    Host {
        name: "github",
        aliases: &["github_models"],
        title: "GitHub Models",
        // GitHub retired the address under azure.com that came before.
        base_url: Some("https://models.github.ai/inference"),
        // Not `GITHUB_TOKEN`, though it would work: people have that one set for other things.
        key_env: &["GITHUB_API_KEY"],
        base_env: &["GITHUB_API_BASE"],
        // The catalogue is elsewhere, in another form.
        paths: Paths { models: None, ..Paths::CHAT_EMBEDDINGS },
        headers: &[("x-github-api-version", "2022-11-28")],
        quirks: Quirks::RELAY,
        ..Host::DEFAULT
    },
    relay("helicone", "Helicone AI gateway", "https://ai-gateway.helicone.ai", &["HELICONE_API_KEY"], &[]),
    Host {
        name: "hostinger_router",
        title: "Hostinger router",
        base_url: Some("https://router.hostinger.com/v1"),
        key_env: &["HOSTINGER_ROUTER_API_KEY"],
        base_env: &["HOSTINGER_ROUTER_API_BASE"],
        paths: Paths::CHAT_EMBEDDINGS,
        quirks: Quirks::RELAY,
        ..Host::DEFAULT
    },
    relay(
        "inferenceapis",
        "InferenceAPIs",
        "https://api.inferenceapis.com/v1",
        &["INFERENCEAPIS_API_KEY"],
        &["INFERENCEAPIS_API_BASE"],
    ),
    relay("kyma", "Kyma", "https://kymaapi.com/v1", &["KYMA_API_KEY"], &[]),
    Host {
        name: "litellm_proxy",
        aliases: &["litellm", "llmux_proxy"],
        title: "A LiteLLM or LLMux proxy",
        // Everyone's is somewhere else.
        base_url: None,
        key_env: &["LITELLM_PROXY_API_KEY"],
        base_env: &["LITELLM_PROXY_API_BASE"],
        auth: Auth::OptionalBearer,
        paths: Paths { media: Media::ALL, ..Paths::ALL },
        quirks: Quirks { reasoning: ReasoningField::ThinkingBlocks, replay_reasoning: true, ..Quirks::RELAY },
        ..Host::DEFAULT
    },
    Host::plain("llamagate", "LlamaGate", "https://api.llamagate.dev/v1", &["LLAMAGATE_API_KEY"], &[]),
    Host::plain("nano-gpt", "NanoGPT", "https://nano-gpt.com/api/v1", &["NANOGPT_API_KEY"], &[]),
    Host::plain(
        "neosantara",
        "Neosantara",
        "https://api.neosantara.xyz/v1",
        &["NEOSANTARA_API_KEY"],
        &["NEOSANTARA_API_BASE"],
    ),
    Host {
        name: "openrouter",
        title: "OpenRouter",
        base_url: Some("https://openrouter.ai/api/v1"),
        key_env: &["OPENROUTER_API_KEY", "OR_API_KEY"],
        base_env: &["OPENROUTER_API_BASE"],
        paths: Paths::ALL,
        quirks: Quirks {
            // Recorded traffic: `reasoning` and the details beside it; OpenRouter's guide wants the details
            // back unchanged.
            reasoning: ReasoningField::ReasoningDetails,
            replay_reasoning: true,
            reasoning_control: ReasoningControl::ReasoningObject,
            ..Quirks::RELAY
        },
        ..Host::DEFAULT
    },
    Host::plain("poe", "Poe", "https://api.poe.com/v1", &["POE_API_KEY"], &[]),
    relay("refuseless", "Refuseless", "https://api.refuseless.com/v1", &["REFUSELESS_API_KEY"], &[]),
    Host {
        name: "vercel_ai_gateway",
        aliases: &["vercel"],
        title: "Vercel AI gateway",
        base_url: Some("https://ai-gateway.vercel.sh/v1"),
        key_env: &["VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"],
        base_env: &["VERCEL_AI_GATEWAY_API_BASE"],
        paths: Paths::CHAT_EMBEDDINGS,
        quirks: Quirks {
            // Vercel's reference follows OpenRouter in this.
            reasoning: ReasoningField::ReasoningDetails,
            replay_reasoning: true,
            reasoning_control: ReasoningControl::ReasoningObject,
            ..Quirks::RELAY
        },
        ..Host::DEFAULT
    },
];
