//! Providers of LLMux: pure translations between clients and each kind of provider.
//!
//! A native provider is one file here; an OpenAI-compatible host is one row of [`compatible::table`]. Both are
//! registered by [`register`], and found by the name before the slash in `provider/model`.
//!
//! ```
//! use llmux_core::{ProviderSettings, Registry};
//!
//! let mut registry = Registry::empty();
//! llmux_providers::register(&mut registry);
//! let echo = registry.providers.build("llmux", &ProviderSettings::default())?;
//! assert_eq!(echo.name(), "llmux");
//! # Ok::<(), llmux_core::Error>(())
//! ```

pub mod compatible;

mod account;
mod anthropic;
mod assemblyai;
mod azure;
mod bedrock;
mod black_forest_labs;
mod cartesia;
mod cohere;
mod deepgram;
mod drawing;
mod echo;
mod elevenlabs;
mod estimate;
mod fal;
mod gemini;
mod gladia;
mod hearing;
mod huggingface;
mod known;
mod ollama;
mod openai;
mod recraft;
mod replicate;
mod rerank;
mod retrieval;
mod revai;
mod sagemaker;
mod shape;
mod speak;
mod speaking;
mod stability;
mod target;
mod vertex;
mod watsonx;

use llmux_core::{Component, Registry};

use crate::account::Hosted;

/// Adds every provider of this crate.
pub fn register(registry: &mut Registry) {
    let providers = &mut registry.providers;
    compatible::register(providers);
    openai::register(providers);
    providers.register_as(huggingface::NAME, huggingface::HuggingFace::build);
    providers.register_as(huggingface::ALIAS, huggingface::HuggingFace::build);
    retrieval::register(providers);
    providers.register::<anthropic::Anthropic>();
    providers.register::<Hosted<assemblyai::AssemblyAi>>();
    providers.register::<azure::Azure>();
    providers.register_as("azure_text", azure::Azure::build);
    providers.register::<azure::Foundry>();
    providers.register::<Hosted<cartesia::Cartesia>>();
    providers.register::<cohere::Cohere>();
    providers.register_as(cohere::ALIAS, <cohere::Cohere as Component>::build);
    providers.register::<Hosted<black_forest_labs::BlackForestLabs>>();
    providers.register::<bedrock::Bedrock>();
    providers.register_as("bedrock_converse", bedrock::Bedrock::build);
    providers.register::<Hosted<deepgram::Deepgram>>();
    providers.register::<echo::Echo>();
    providers.register::<Hosted<elevenlabs::ElevenLabs>>();
    providers.register::<Hosted<fal::Fal>>();
    providers.register::<gemini::Gemini>();
    providers.register::<Hosted<gladia::Gladia>>();
    providers.register::<recraft::Recraft>();
    providers.register::<Hosted<replicate::Replicate>>();
    providers.register::<Hosted<revai::RevAi>>();
    providers.register::<sagemaker::SageMaker>();
    providers.register_as(sagemaker::CHAT, sagemaker::SageMaker::chatting);
    providers.register::<Hosted<stability::Stability>>();
    providers.register::<vertex::VertexAi>();
    providers.register_as(vertex::BETA, vertex::VertexAi::build);
    providers.register::<watsonx::Watsonx>();
    providers.register_as(watsonx::TEXT, <watsonx::Watsonx as Component>::build);
    providers.register::<ollama::Ollama>();
    providers.register_as(ollama::ALIAS, <ollama::Ollama as Component>::build);
    providers.plan(PLANNED.iter().copied());
    registry.model_hints.extend(MODEL_HINTS);
}

/// Beginnings of model names that tell the provider on their own, as LiteLLM's users rely on.
const MODEL_HINTS: &[(&str, &str)] = &[
    ("gpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("chatgpt-", "openai"),
    ("text-embedding-", "openai"),
    ("davinci-", "openai"),
    ("babbage-", "openai"),
    ("claude-", "anthropic"),
    ("command-", "cohere"),
    ("gemini-", "gemini"),
    ("anthropic.claude-", "bedrock"),
    ("us.anthropic.", "bedrock"),
    ("eu.anthropic.", "bedrock"),
    ("amazon.", "bedrock"),
];

/// Providers of LiteLLM that speak a dialect of their own and are not here yet.
const PLANNED: &[&str] = &["aleph_alpha", "github_copilot", "oci", "palm", "petals", "predibase", "triton"];

/// Where the environment keeps the credentials of a provider: its name, the variables of its key and those of
/// its base URL, the first that is set wins.
pub type Variables = (&'static str, &'static [&'static str], &'static [&'static str]);

/// The providers that can be used as soon as their key is in the environment.
pub fn well_known() -> impl Iterator<Item = Variables> {
    let compatible = compatible::table::hosts()
        .filter(|host| host.base_url.is_some_and(|url| url.starts_with("https://") && !url.contains('{')))
        .map(|host| (host.name, host.key_env, host.base_env));
    let native = [
        (openai::HOST.name, openai::HOST.key_env, openai::HOST.base_env),
        (anthropic::NAME, anthropic::KEY_ENV, anthropic::BASE_ENV),
        (cohere::NAME, cohere::KEY_ENV, cohere::BASE_ENV),
        (gemini::NAME, gemini::KEY_ENV, gemini::BASE_ENV),
        (bedrock::NAME, bedrock::KEY_ENV, bedrock::BASE_ENV),
    ];
    let accounts = [
        &assemblyai::ACCOUNT,
        &black_forest_labs::ACCOUNT,
        &cartesia::ACCOUNT,
        &deepgram::ACCOUNT,
        &elevenlabs::ACCOUNT,
        &fal::ACCOUNT,
        &gladia::ACCOUNT,
        &recraft::ACCOUNT,
        &replicate::ACCOUNT,
        &revai::ACCOUNT,
        &stability::ACCOUNT,
    ];
    let native = native.into_iter().chain(accounts.into_iter().map(account::Account::variables));
    native.chain(retrieval::well_known()).chain(compatible)
}
