//! Companies that serve their own models.

use super::{
    Auth, Host, MaxTokens, Media, Paths, Quirks, ReasoningControl, ReasoningField, Structured, UsageInStream,
};

/// Mistral's published interface description closes its request types, so whatever it does not list is
/// answered with 422.
const MISTRAL: Quirks = Quirks {
    stream_options: false,
    // Recorded traffic: usage comes unasked, beside the finish reason.
    usage_in_stream: UsageInStream::LastChoiceChunk,
    message_name: false,
    // Recorded traffic: a list of `thinking` and `text` parts, streamed in the same form.
    reasoning: ReasoningField::ContentParts,
    replay_reasoning: true,
    required_tool_choice: "any",
    unsupported: &[
        "audio",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "modalities",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "top_logprobs",
        "user",
        "verbosity",
        "web_search_options",
    ],
    renames: &[("seed", "random_seed")],
    embedding_renames: &[("dimensions", "output_dimension")],
    ..Quirks::DEFAULT
};

pub(super) static HOSTS: &[Host] = &[
    Host {
        name: "ai21",
        aliases: &["ai21_chat"],
        title: "AI21",
        base_url: Some("https://api.ai21.com/studio/v1"),
        key_env: &["AI21_API_KEY"],
        base_env: &["AI21_API_BASE"],
        paths: Paths { models: None, ..Paths::CHAT },
        quirks: Quirks {
            stream_options: false,
            // AI21's reference: the last chunk of a stream has the usage.
            usage_in_stream: UsageInStream::LastChoiceChunk,
            reasoning: ReasoningField::None,
            reasoning_control: ReasoningControl::None,
            structured: Structured::JsonObject,
            // Absent from AI21's reference.
            unsupported: &["logit_bias", "logprobs", "top_logprobs"],
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host::plain(
        "amazon_nova",
        "Amazon Nova API",
        "https://api.nova.amazon.com/v1",
        &["AMAZON_NOVA_API_KEY"],
        &["AMAZON_NOVA_API_BASE"],
    ),
    Host {
        name: "codestral",
        title: "Codestral (Mistral)",
        base_url: Some("https://codestral.mistral.ai/v1"),
        key_env: &["CODESTRAL_API_KEY"],
        base_env: &["CODESTRAL_API_BASE"],
        paths: Paths { models: None, ..Paths::CHAT },
        quirks: MISTRAL,
        ..Host::DEFAULT
    },
    Host::plain(
        "cognition",
        "Cognition",
        "https://api.cognition.ai/v1",
        &["COGNITION_API_KEY"],
        &["COGNITION_API_BASE"],
    ),
    Host {
        name: "inception",
        title: "Inception",
        base_url: Some("https://api.inceptionlabs.ai/v1"),
        key_env: &["INCEPTION_API_KEY"],
        base_env: &["INCEPTION_API_BASE"],
        ..Host::DEFAULT
    },
    Host {
        name: "meta",
        title: "Meta Model API",
        base_url: Some("https://api.meta.ai/v1"),
        key_env: &["META_API_KEY"],
        base_env: &["META_API_BASE"],
        quirks: Quirks { max_tokens: MaxTokens::Either, ..Quirks::DEFAULT },
        ..Host::DEFAULT
    },
    Host {
        name: "meta_llama",
        aliases: &["llama_api"],
        title: "Llama API (Meta)",
        base_url: Some("https://api.llama.com/compat/v1"),
        key_env: &["LLAMA_API_KEY"],
        base_env: &["LLAMA_API_BASE"],
        quirks: Quirks {
            reasoning: ReasoningField::None,
            reasoning_control: ReasoningControl::None,
            // Meta's compatibility page: of the response formats only schemas work.
            structured: Structured::SchemaOnly,
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host {
        name: "mistral",
        aliases: &["mistralai"],
        title: "Mistral",
        base_url: Some("https://api.mistral.ai/v1"),
        // Azure's names first, so that its address and its key are taken together.
        key_env: &["MISTRAL_AZURE_API_KEY", "MISTRAL_API_KEY"],
        base_env: &["MISTRAL_AZURE_API_BASE", "MISTRAL_API_BASE"],
        paths: Paths {
            media: Media {
                transcriptions: Media::ALL.transcriptions,
                moderations: Media::ALL.moderations,
                ocr: Some("/ocr"),
                ..Media::NONE
            },
            ..Paths::CHAT_EMBEDDINGS
        },
        quirks: MISTRAL,
        ..Host::DEFAULT
    },
    Host {
        name: "morph",
        title: "Morph",
        base_url: Some("https://api.morphllm.com/v1"),
        key_env: &["MORPH_API_KEY"],
        base_env: &["MORPH_API_BASE"],
        ..Host::DEFAULT
    },
    Host {
        name: "perplexity",
        title: "Perplexity",
        base_url: Some("https://api.perplexity.ai"),
        key_env: &["PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"],
        base_env: &["PERPLEXITY_API_BASE"],
        paths: Paths { embeddings: Some("/v1/embeddings"), models: None, ..Paths::CHAT },
        quirks: Quirks {
            stream_options: false,
            // Recorded traffic: each chunk has the usage so far, and the citations.
            usage_in_stream: UsageInStream::EveryChunk,
            // Perplexity's documentation: the reasoning models open their answer with a think section.
            reasoning: ReasoningField::ThinkTags,
            // Perplexity's documentation offers schemas and regular expressions.
            structured: Structured::SchemaOnly,
            parallel_tool_calls: false,
            strict_tools: false,
            many_choices: false,
            // Perplexity's reference has no tools at all.
            unsupported: &["function_call", "functions", "logit_bias", "seed", "tool_choice", "tools"],
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host::plain("reka", "Reka", "https://api.reka.ai/v1", &["REKA_API_KEY"], &["REKA_API_BASE"]),
    Host {
        name: "sarvam",
        title: "Sarvam",
        base_url: Some("https://api.sarvam.ai/v1"),
        key_env: &["SARVAM_API_KEY"],
        // Sarvam's documentation names this header for its keys on every API.
        auth: Auth::Header("api-subscription-key"),
        paths: Paths { models: None, ..Paths::CHAT },
        ..Host::DEFAULT
    },
    Host {
        name: "v0",
        title: "v0 (Vercel)",
        base_url: Some("https://api.v0.dev/v1"),
        key_env: &["V0_API_KEY"],
        base_env: &["V0_API_BASE"],
        quirks: Quirks {
            reasoning_control: ReasoningControl::None,
            // v0's reference lists messages, model, stream, tools and tool choice only.
            structured: Structured::None,
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host {
        name: "xai",
        aliases: &["grok", "x_ai"],
        title: "xAI",
        base_url: Some("https://api.x.ai/v1"),
        key_env: &["XAI_API_KEY"],
        base_env: &["XAI_API_BASE"],
        paths: Paths { media: Media { images: Media::ALL.images, ..Media::NONE }, ..Paths::CHAT_COMPLETIONS },
        quirks: Quirks {
            // xAI's reference: the older name is deprecated but works; reasoning is not counted by either.
            max_tokens: MaxTokens::Either,
            // xAI's reference knows names in user messages only.
            message_name: false,
            // xAI's tool type has no such field.
            strict_tools: false,
            // Search was taken off this endpoint; asking for it is an error.
            unsupported: &["web_search_options"],
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
];
