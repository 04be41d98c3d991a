//! Which recordings are replayed, and through which provider.

use std::sync::Arc;

use bytes::Bytes;
use llmux_core::{Dialect, Environment, Operation, Provider, ProviderSettings, Registry};
use llmux_testkit::{fixtures, fixtures::Case};

/// The recordings' names of providers, and ours where they differ.
const RENAMED: &[(&str, &str)] =
    &[("alibaba", "dashscope"), ("ollama", "ollama_openai"), ("vertex", "vertex_ai")];
/// The kinds of recordings that this crate's providers answer.
const KINDS: &[(&str, Operation)] = &[
    ("chat", Operation::Chat),
    ("text_completion", Operation::Completion),
    ("embedding", Operation::Embeddings),
    ("count_tokens", Operation::CountTokens),
];
/// Providers among the recordings that speak dialects of their own, whatever they offer besides.
const OWN_DIALECTS: &[&str] = &["voyage"];

/// Every dialect of clients.
pub(crate) const DIALECTS: [Dialect; 6] = [
    Dialect::OpenAi,
    Dialect::Anthropic,
    Dialect::Gemini,
    Dialect::Cohere,
    Dialect::Ollama,
    Dialect::BedrockConverse,
];

/// The key that providers are bound with.
pub(crate) const KEY: &str = "sk-replay-secret";

/// All providers, by name.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::empty();
    llmux_providers::register(&mut registry);
    registry
}

/// A provider at its own address, with whatever the environment must tell about the account.
pub(crate) fn provider(kind: &str) -> Arc<dyn Provider> {
    bind(kind, ProviderSettings::default())
}

/// A provider that leaves out what it cannot carry.
pub(crate) fn dropping_provider(kind: &str) -> Arc<dyn Provider> {
    let mut settings = ProviderSettings::default();
    settings.shaping.drop_params = true;
    bind(kind, settings)
}

fn bind(kind: &str, mut settings: ProviderSettings) -> Arc<dyn Provider> {
    settings.api_key = Some(KEY.into());
    // The names that recordings have in place of the account's own.
    settings.options.set("vertex_project", "example-project").set("vertex_location", "global");
    settings.options.set("watsonx_region_name", "us-south").set("project_id", "example-project");
    settings.environment = Environment::new(|name| {
        ["_BASE", "_URL", "_HOST", "_ENDPOINT"].iter().all(|end| !name.ends_with(end)).then(|| "me".into())
    });
    let built = registry().providers.build(kind, &settings);
    built.unwrap_or_else(|_| {
        settings.base_url = Some("https://server.invalid/v1".into());
        registry().providers.build(kind, &settings).unwrap()
    })
}

/// One recording and the provider that it is replayed through.
pub(crate) struct Recording {
    pub(crate) case: Case,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) operation: Operation,
    /// What the provider speaks.
    pub(crate) dialect: Dialect,
}

impl Recording {
    fn new(case: Case) -> Option<Self> {
        let operation = KINDS.iter().find(|(kind, _)| *kind == case.kind)?.1;
        // Their form depends on the model, see `bedrock`.
        if case.provider == "bedrock" && operation != Operation::Chat {
            return None;
        }
        Self::of(case, operation)
    }

    /// A recording of one of our providers.
    fn of(case: Case, operation: Operation) -> Option<Self> {
        let renamed = RENAMED.iter().find(|(name, _)| *name == case.provider);
        let kind = renamed.map_or(&*case.provider, |(_, ours)| ours);
        if OWN_DIALECTS.contains(&kind) || !registry().providers.contains(kind) {
            return None;
        }
        let dialect = match kind {
            "anthropic" => Dialect::Anthropic,
            "cohere" => Dialect::Cohere,
            "gemini" | "vertex_ai" if operation != Operation::Embeddings => Dialect::Gemini,
            "bedrock" => Dialect::BedrockConverse,
            _ => Dialect::OpenAi,
        };
        Some(Self { provider: provider(kind), operation, dialect, case })
    }

    pub(crate) fn name(&self) -> &str {
        &self.case.name
    }

    /// The dialects that the provider does not speak.
    pub(crate) fn other_dialects(&self) -> impl Iterator<Item = Dialect> {
        let own = self.dialect;
        DIALECTS.into_iter().filter(move |dialect| *dialect != own)
    }

    /// The recorded stream. A few recordings hold the answers of several requests one after another; their
    /// facts are about the last one.
    pub(crate) fn stream(&self) -> Option<Bytes> {
        let stream = self.case.stream.clone()?;
        if self.dialect == Dialect::BedrockConverse {
            return Some(stream);
        }
        let text = std::str::from_utf8(&stream).unwrap();
        let later = text
            .match_indices("event: message_start")
            .map(|(at, _)| at)
            .filter(|at| text[..*at].contains("event: message_stop"))
            .last();
        Some(stream.slice(later.unwrap_or(0)..))
    }
}

/// Every recording of chats, text completions, embeddings and token counts of our providers, refusals
/// included. A provider that is not registered is no provider of ours.
pub(crate) fn all() -> Vec<Recording> {
    fixtures::cases().into_iter().filter_map(Recording::new).collect()
}

/// Every refusal of our providers, whatever was asked.
pub(crate) fn refused() -> Vec<Recording> {
    let refused = fixtures::cases().into_iter().filter(|case| case.status >= 400 && case.response.is_some());
    refused.filter_map(|case| Recording::of(case, Operation::Chat)).collect()
}

/// Those that the provider answered.
pub(crate) fn answered() -> Vec<Recording> {
    all().into_iter().filter(|recording| recording.case.status == 200).collect()
}

/// Those chats that the provider answered.
pub(crate) fn chats() -> Vec<Recording> {
    answered().into_iter().filter(|recording| recording.operation == Operation::Chat).collect()
}

/// Recorded responses that the provider answered, whoever made them: Azure's pass through Azure, all others through
/// OpenAI.
pub(crate) fn responses() -> Vec<Recording> {
    let (openai, azure) = (provider("openai"), provider("azure"));
    let recorded =
        fixtures::cases().into_iter().filter(|case| case.kind == "responses" && case.status == 200);
    let recording = |case: Case| Recording {
        provider: if case.provider == "azure" { azure.clone() } else { openai.clone() },
        case,
        operation: Operation::Chat,
        dialect: Dialect::OpenAiResponses,
    };
    recorded.map(recording).collect()
}
