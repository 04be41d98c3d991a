//! In what ways Azure departs from OpenAI's own API.

use llmux_wire::rerank::RerankForm;

use crate::compatible::table::{Auth, Host, MaxTokens, Media, Paths, Quirks};

/// Azure moderates by its content filter, and its image models make no variations.
const MEDIA: Media = Media { moderations: None, image_variations: None, ..Media::ALL };

/// Azure OpenAI. Its paths are those of the v1 route; the route puts the deployment into them where it must.
pub(super) static AZURE: Host = Host {
    name: super::NAME,
    title: "Azure OpenAI",
    auth: Auth::Header("api-key"),
    paths: Paths { responses: Some("/responses"), media: MEDIA, ..Paths::ALL },
    quirks: Quirks::OPENAI,
    ..Host::DEFAULT
};

/// API versions before 2024-09 refuse fields that came later, by "API version changes" of Microsoft's documentation.
pub(super) static AZURE_OLD: Host = Host {
    quirks: Quirks {
        max_tokens: MaxTokens::OldOnly,
        stream_options: false,
        developer_role: false,
        ..Quirks::OPENAI
    },
    ..AZURE
};

/// Reasoning models refuse `max_tokens`, by "Azure OpenAI reasoning models".
pub(super) static AZURE_REASONING: Host =
    Host { quirks: Quirks { max_tokens: MaxTokens::NewOnly, ..Quirks::OPENAI }, ..AZURE };

/// What the same page lists as not supported by the o-series. Azure says so itself; this is for those who want it
/// left out.
pub(super) static AZURE_REASONING_LIMITED: Host = Host {
    quirks: Quirks {
        max_tokens: MaxTokens::NewOnly,
        unsupported: &[
            "temperature",
            "top_p",
            "presence_penalty",
            "frequency_penalty",
            "logprobs",
            "top_logprobs",
            "logit_bias",
        ],
        ..Quirks::OPENAI
    },
    ..AZURE
};

/// Models of other makers in Azure AI Foundry, by "Azure AI Model Inference REST API reference". Fields that it
/// does not know go on to the model.
pub(super) static FOUNDRY: Host = Host {
    name: super::foundry::NAME,
    title: "Azure AI Foundry",
    auth: Auth::Header("api-key"),
    paths: Paths { rerank: Some(("/rerank", RerankForm::Cohere)), ..Paths::CHAT_EMBEDDINGS },
    headers: &[("extra-parameters", "pass-through")],
    quirks: Quirks::DEFAULT,
    ..Host::DEFAULT
};

/// The same at endpoints of one model, which take a bearer token.
pub(super) static FOUNDRY_ENDPOINT: Host = Host { auth: Auth::Bearer, headers: &[], ..FOUNDRY };

/// OpenAI's v1 route of a Foundry resource, where its models are deployed under their names.
pub(super) static FOUNDRY_V1: Host = Host {
    headers: &[],
    paths: Paths { responses: Some("/responses"), media: MEDIA, rerank: FOUNDRY.paths.rerank, ..Paths::ALL },
    quirks: Quirks::OPENAI,
    ..FOUNDRY
};
