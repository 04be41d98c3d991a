//! From method and path to what is asked. This is the whole public surface of the data plane.

use std::borrow::Cow;

use http::{Method, Uri};
use llmux_core::{Dialect, Operation};
use llmux_wire::responses::ResponseId;

/// What a request wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint<'a> {
    /// A model's work; the model when the path names it.
    Model(Operation, Dialect, Option<Cow<'a, str>>),
    /// A response or conversation that is kept.
    Kept(Kept<'a>),
    /// The list of models.
    Models,
    /// One model of the list.
    ModelInfo(Cow<'a, str>),
    /// The list of models, as Ollama's clients read it.
    OllamaModels,
    /// One model that the body names, for Ollama's clients.
    OllamaShow,
    /// The models in memory, for Ollama's clients.
    OllamaRunning,
    /// Which release of Ollama is spoken.
    OllamaVersion,
    /// How a deployment would be chosen for a request.
    Explain,
    /// Whether the deployments work.
    Health,
    /// How they did when they were last asked.
    LatestHealth,
    /// What is known of the models.
    Facts(FactsPage),
    /// A question about a request that is not sent. These take POST.
    Utility(Utility),
    /// A change of the models that are served.
    Manage(Manage<'a>),
    /// Whether the process is alive.
    Liveness,
    /// Whether it takes requests.
    Readiness,
    /// The page that says what this is.
    Landing,
    /// The path exists, but for these methods only.
    WrongMethod(&'static str),
    /// Nothing is there.
    Unknown,
}

/// Something that is kept, by its id in the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept<'a> {
    /// A response.
    Response(&'a str),
    /// The end of a response that runs in the background.
    Cancel(&'a str),
    /// What a response was made from.
    Input(&'a str),
    /// New conversations.
    Conversations,
    /// A conversation.
    Conversation(&'a str),
    /// What was said in a conversation.
    Items(&'a str),
    /// One thing of it.
    Item(&'a str, &'a str),
}

impl<'a> Kept<'a> {
    /// Reads a path without its prefix.
    fn read(path: &'a str) -> Option<Self> {
        let mut parts = path.split('/');
        let (kind, id, below) = (parts.next()?, parts.next(), parts.next());
        let (last, more) = (parts.next(), parts.next());
        let kept = match (kind, id, below, last) {
            ("responses", Some(id), None, None) => Self::Response(id),
            ("responses", Some(id), Some("cancel"), None) => Self::Cancel(id),
            ("responses", Some(id), Some("input_items"), None) => Self::Input(id),
            ("conversations", None, None, None) => Self::Conversations,
            ("conversations", Some(id), None, None) => Self::Conversation(id),
            ("conversations", Some(id), Some("items"), None) => Self::Items(id),
            ("conversations", Some(id), Some("items"), Some(item)) => Self::Item(id, item),
            _ => return None,
        };
        (more.is_none() && id != Some("") && last != Some("")).then_some(kept)
    }

    /// Whether it is a response whose id a gateway gave out.
    fn was_named_here(self) -> bool {
        match self {
            Self::Response(id) | Self::Cancel(id) | Self::Input(id) => {
                ResponseId::read(id) != ResponseId::Foreign
            }
            _ => false,
        }
    }

    /// The methods that the path takes.
    const fn methods(self) -> &'static str {
        match self {
            Self::Response(_) | Self::Item(..) => "GET, DELETE",
            Self::Cancel(_) | Self::Conversations => "POST",
            Self::Input(_) => "GET",
            Self::Conversation(_) => "GET, POST, DELETE",
            Self::Items(_) => "GET, POST",
        }
    }
}

/// What is told of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactsPage {
    /// Each deployment.
    Deployments,
    /// Each deployment, a page of them at a time.
    Paged,
    /// Each model that clients can ask for.
    Groups,
    /// The models that everybody may see.
    Public,
}

/// A change of the models that are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manage<'a> {
    /// Adds one.
    New,
    /// Changes the one that the body names.
    Update,
    /// Changes the one that the path names. This one takes PATCH, the others POST.
    Patch(Cow<'a, str>),
    /// Removes one.
    Delete,
    /// Pauses one.
    Block,
    /// Ends a pause.
    Unblock,
}

impl<'a> Manage<'a> {
    /// Reads what stands behind `/model/`.
    fn read(below: &'a str) -> Option<Self> {
        Some(match below {
            "new" => Self::New,
            "update" => Self::Update,
            "delete" => Self::Delete,
            "block" => Self::Block,
            "unblock" => Self::Unblock,
            _ => Self::Patch(decode(below.strip_suffix("/update").filter(|id| !id.is_empty())?)),
        })
    }

    fn method(&self) -> &'static str {
        if matches!(self, Self::Patch(_)) { "PATCH" } else { "POST" }
    }
}

/// What can be asked about a request that is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Utility {
    /// How many tokens it has.
    CountTokens,
    /// What would go to the provider.
    Transform,
    /// What so many tokens cost.
    EstimateCost,
}

/// Every path below a prefix, and what it stands for. All of them take POST.
const OPERATIONS: &[(&str, Operation, Dialect)] = &[
    ("chat/completions", Operation::Chat, Dialect::OpenAi),
    ("completions", Operation::Completion, Dialect::OpenAi),
    ("embeddings", Operation::Embeddings, Dialect::OpenAi),
    ("responses", Operation::Chat, Dialect::OpenAiResponses),
    ("openai/v1/responses", Operation::Chat, Dialect::OpenAiResponses),
    ("messages", Operation::Chat, Dialect::Anthropic),
    ("messages/count_tokens", Operation::CountTokens, Dialect::Anthropic),
    ("images/generations", Operation::ImageGeneration, Dialect::OpenAi),
    ("images/edits", Operation::ImageEdit, Dialect::OpenAi),
    ("images/variations", Operation::ImageVariation, Dialect::OpenAi),
    ("audio/transcriptions", Operation::Transcription, Dialect::OpenAi),
    ("audio/translations", Operation::Translation, Dialect::OpenAi),
    ("audio/speech", Operation::Speech, Dialect::OpenAi),
    ("moderations", Operation::Moderation, Dialect::OpenAi),
    ("ocr", Operation::Ocr, Dialect::OpenAi),
    ("v2/chat", Operation::Chat, Dialect::Cohere),
    ("v2/embed", Operation::Embeddings, Dialect::Cohere),
    ("rerank", Operation::Rerank, Dialect::Cohere),
    ("v2/rerank", Operation::Rerank, Dialect::Cohere),
    ("api/chat", Operation::Chat, Dialect::Ollama),
    ("api/generate", Operation::Completion, Dialect::Ollama),
    ("api/embed", Operation::Embeddings, Dialect::Ollama),
    ("api/embeddings", Operation::Embeddings, Dialect::Ollama),
];

/// Google's methods, behind the model in the path: `{model}:{method}`. All of them take POST.
const GOOGLE_METHODS: &[(&str, Operation)] = &[
    ("generateContent", Operation::Chat),
    (STREAM, Operation::Chat),
    ("countTokens", Operation::CountTokens),
    ("embedContent", Operation::Embeddings),
    ("batchEmbedContents", Operation::Embeddings),
];

/// Google's method that streams.
const STREAM: &str = "streamGenerateContent";

/// Where Bedrock's clients find models: at the root, and where LiteLLM has them.
const BEDROCK_PREFIXES: &[&str] = &["/model/", "/bedrock/model/"];

/// Bedrock's methods, behind the model in the path: `{model}/{method}`. All of them take POST. Those that wrap
/// another dialect's bodies are served in Anthropic's.
const BEDROCK_METHODS: &[(&str, Operation, Dialect)] = &[
    ("converse", Operation::Chat, Dialect::BedrockConverse),
    ("converse-stream", Operation::Chat, Dialect::BedrockConverse),
    ("count-tokens", Operation::CountTokens, Dialect::BedrockConverse),
    ("invoke", Operation::Chat, Dialect::Anthropic),
    ("invoke-with-response-stream", Operation::Chat, Dialect::Anthropic),
];

/// How the stream is framed that a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// As server-sent events.
    Events,
    /// As one JSON array: Google's way unless the query says `alt=sse`.
    Array,
    /// As Amazon's event stream, which Converse's streams are already.
    EventStream,
    /// As chunks in Amazon's event stream.
    Chunks,
}

/// What a path says about streaming; `None` where it is left to the body. The inner `None` is an answer in one piece.
pub(crate) fn streamed(uri: &Uri) -> Option<Option<Framing>> {
    let path = uri.path().trim_end_matches('/');
    if let Some((_, method)) = bedrock_method(path) {
        return Some(match method {
            "converse-stream" => Some(Framing::EventStream),
            "invoke-with-response-stream" => Some(Framing::Chunks),
            _ => None,
        });
    }
    let (_, method) = path.rsplit_once(':').or_else(|| path.rsplit_once("%3A"))?;
    if !GOOGLE_METHODS.iter().any(|(name, _)| *name == method) {
        return None;
    }
    let events = || uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"));
    Some((method == STREAM).then(|| if events() { Framing::Events } else { Framing::Array }))
}

/// Whose SDK asks at a path that wraps another dialect.
pub(crate) fn wraps(path: &str) -> Option<Dialect> {
    bedrock_method(path.trim_end_matches('/')).map(|_| Dialect::BedrockConverse)
}

/// The model and the method in a path of Bedrock's.
fn bedrock_method(path: &str) -> Option<(&str, &str)> {
    let rest = BEDROCK_PREFIXES.iter().find_map(|prefix| path.strip_prefix(prefix))?;
    let (model, method) = rest.rsplit_once('/').filter(|(model, _)| !model.is_empty())?;
    BEDROCK_METHODS.iter().any(|(name, ..)| *name == method).then_some((model, method))
}

/// Prefixes behind which the path names the model.
const MODEL_PREFIXES: &[&str] =
    &["/engines/", "/v1/engines/", "/openai/deployments/", "/v1/openai/deployments/"];

/// Finds out what a request wants.
#[must_use]
pub fn dispatch<'a>(method: &Method, path: &'a str) -> Endpoint<'a> {
    let path = path.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(path);
    let endpoint = find(path);
    let reads = matches!(*method, Method::GET | Method::HEAD);
    match &endpoint {
        Endpoint::Unknown => endpoint,
        Endpoint::Model(..) | Endpoint::Utility(_) | Endpoint::Explain | Endpoint::OllamaShow
            if *method != Method::POST =>
        {
            Endpoint::WrongMethod("POST")
        }
        Endpoint::Model(..) | Endpoint::Utility(_) | Endpoint::Explain | Endpoint::OllamaShow => endpoint,
        Endpoint::Kept(kept) if kept.methods().split(", ").any(|one| one == method.as_str()) => endpoint,
        Endpoint::Kept(kept) => Endpoint::WrongMethod(kept.methods()),
        Endpoint::Manage(change) if change.method() == method.as_str() => endpoint,
        Endpoint::Manage(change) => Endpoint::WrongMethod(change.method()),
        _ if !reads => Endpoint::WrongMethod("GET"),
        _ => endpoint,
    }
}

fn find(path: &str) -> Endpoint<'_> {
    match path {
        "/" => return Endpoint::Landing,
        "/health/liveliness" | "/health/liveness" => return Endpoint::Liveness,
        "/health/readiness" => return Endpoint::Readiness,
        "/health/latest" => return Endpoint::LatestHealth,
        "/health" => return Endpoint::Health,
        "/router/explain" | "/v1/router/explain" => return Endpoint::Explain,
        "/v1/models" | "/models" | "/v1beta/models" => return Endpoint::Models,
        "/api/tags" => return Endpoint::OllamaModels,
        "/api/show" => return Endpoint::OllamaShow,
        "/api/ps" => return Endpoint::OllamaRunning,
        "/api/version" => return Endpoint::OllamaVersion,
        "/v2/model/info" => return Endpoint::Facts(FactsPage::Paged),
        "/v1/model/info" | "/model/info" => return Endpoint::Facts(FactsPage::Deployments),
        "/model_group/info" => return Endpoint::Facts(FactsPage::Groups),
        "/public/model_hub" => return Endpoint::Facts(FactsPage::Public),
        "/utils/token_counter" => return Endpoint::Utility(Utility::CountTokens),
        "/utils/transform_request" => return Endpoint::Utility(Utility::Transform),
        "/cost/estimate" => return Endpoint::Utility(Utility::EstimateCost),
        _ => {}
    }
    if let Some((model, method)) = bedrock_method(path) {
        let known = BEDROCK_METHODS.iter().find(|(name, ..)| *name == method);
        return known.map_or(Endpoint::Unknown, |(_, operation, dialect)| {
            Endpoint::Model(*operation, *dialect, Some(decode(model)))
        });
    }
    if let Some(change) = path.strip_prefix("/model/").and_then(Manage::read) {
        return Endpoint::Manage(change);
    }
    let relative = path.strip_prefix("/v1/").or_else(|| path.strip_prefix('/')).unwrap_or(path);
    let google = relative.strip_prefix("v1beta/").unwrap_or(relative);
    if let Some(endpoint) = google.strip_prefix("models/").and_then(google_method) {
        return endpoint;
    }
    if let Some(id) = google.strip_prefix("models/") {
        return Endpoint::ModelInfo(decode(id));
    }
    if let Some((_, operation, dialect)) = OPERATIONS.iter().find(|(suffix, ..)| *suffix == relative) {
        return Endpoint::Model(*operation, *dialect, None);
    }
    let kept = match relative.strip_prefix("openai/v1/") {
        // What the gateway knows nothing of is passed through to OpenAI from here.
        Some(below) => Kept::read(below).filter(|kept| kept.was_named_here()),
        None => Kept::read(relative),
    };
    if let Some(kept) = kept {
        return Endpoint::Kept(kept);
    }
    let named = MODEL_PREFIXES.iter().find_map(|prefix| path.strip_prefix(prefix));
    named.and_then(model_in_path).unwrap_or(Endpoint::Unknown)
}

/// `{model}/{operation}`, where the model's name may itself hold slashes.
fn model_in_path(rest: &str) -> Option<Endpoint<'_>> {
    OPERATIONS.iter().find_map(|(suffix, operation, dialect)| {
        let model = rest.strip_suffix(suffix)?.strip_suffix('/')?;
        if model.is_empty() || model.starts_with('/') {
            return None;
        }
        Some(Endpoint::Model(*operation, *dialect, Some(decode(model))))
    })
}

/// `{model}:{method}`.
fn google_method(rest: &str) -> Option<Endpoint<'_>> {
    let rest = rest.rsplit_once(':').or_else(|| rest.rsplit_once("%3A"));
    let (model, method) = rest.filter(|(model, _)| !model.is_empty())?;
    let (_, operation) = GOOGLE_METHODS.iter().find(|(name, _)| *name == method)?;
    Some(Endpoint::Model(*operation, Dialect::Gemini, Some(decode(model))))
}

/// Undoes percent encoding; a name with broken encoding stays as it is.
fn decode(text: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap_or(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(path: &str) -> Endpoint<'_> {
        dispatch(&Method::POST, path)
    }

    #[test]
    fn every_operation_is_found_with_and_without_version_and_behind_a_model() {
        let chat = |model: Option<&'static str>| {
            Endpoint::Model(Operation::Chat, Dialect::OpenAi, model.map(Cow::Borrowed))
        };
        assert_eq!(post("/v1/chat/completions"), chat(None));
        assert_eq!(post("/chat/completions/"), chat(None));
        assert_eq!(post("/engines/a/chat/completions"), chat(Some("a")));
        assert_eq!(post("/openai/deployments/a%2Fb/chat/completions"), chat(Some("a/b")));
        assert_eq!(post("/engines/meta/llama/chat/completions"), chat(Some("meta/llama")));
        let completion = Endpoint::Model(Operation::Completion, Dialect::OpenAi, Some("a".into()));
        assert_eq!(post("/engines/a/completions"), completion);
        assert_eq!(post("/v1/messages"), Endpoint::Model(Operation::Chat, Dialect::Anthropic, None));
        for path in ["/v1/responses", "/responses", "/openai/v1/responses"] {
            assert_eq!(
                post(path),
                Endpoint::Model(Operation::Chat, Dialect::OpenAiResponses, None),
                "{path}"
            );
        }
        let count = Endpoint::Model(Operation::CountTokens, Dialect::Anthropic, None);
        assert_eq!(post("/messages/count_tokens"), count);
    }

    #[test]
    fn googles_paths_name_model_and_method() {
        let chat =
            |model: &'static str| Endpoint::Model(Operation::Chat, Dialect::Gemini, Some(model.into()));
        assert_eq!(post("/v1beta/models/gemini-2.5-flash:generateContent"), chat("gemini-2.5-flash"));
        assert_eq!(post("/v1/models/a:streamGenerateContent"), chat("a"));
        assert_eq!(post("/models/ollama/llama3:8b:generateContent"), chat("ollama/llama3:8b"));
        let count = Endpoint::Model(Operation::CountTokens, Dialect::Gemini, Some("a".into()));
        assert_eq!(post("/v1beta/models/a:countTokens"), count);
        for method in ["embedContent", "batchEmbedContents"] {
            let path = format!("/v1beta/models/a:{method}");
            let embeddings = Endpoint::Model(Operation::Embeddings, Dialect::Gemini, Some("a".into()));
            assert_eq!(dispatch(&Method::POST, &path), embeddings);
        }
        assert_eq!(dispatch(&Method::GET, "/v1beta/models"), Endpoint::Models);
        assert_eq!(dispatch(&Method::GET, "/v1beta/models/a/b"), Endpoint::ModelInfo("a/b".into()));
        assert_eq!(post("/v1beta/models/a:fly"), Endpoint::WrongMethod("GET"));
    }

    #[test]
    fn ollamas_and_coheres_paths_stand_for_their_dialects() {
        assert_eq!(post("/api/chat"), Endpoint::Model(Operation::Chat, Dialect::Ollama, None));
        assert_eq!(post("/api/generate"), Endpoint::Model(Operation::Completion, Dialect::Ollama, None));
        assert_eq!(post("/v2/chat"), Endpoint::Model(Operation::Chat, Dialect::Cohere, None));
        assert_eq!(post("/api/show"), Endpoint::OllamaShow);
        assert_eq!(dispatch(&Method::GET, "/api/show"), Endpoint::WrongMethod("POST"));
        assert_eq!(dispatch(&Method::GET, "/api/tags"), Endpoint::OllamaModels);
    }

    #[test]
    fn a_stream_is_an_array_unless_the_query_asks_for_events() {
        let framing = |uri: &'static str| streamed(&Uri::from_static(uri));
        let events = framing("/v1beta/models/a:streamGenerateContent?key=k&alt=sse");
        assert_eq!(events, Some(Some(Framing::Events)));
        assert_eq!(framing("/v1beta/models/a:streamGenerateContent"), Some(Some(Framing::Array)));
        assert_eq!(framing("/v1beta/models/a:generateContent?alt=sse"), Some(None));
        assert_eq!(framing("/v1/engines/llama3:8b/chat/completions"), None);
    }

    #[test]
    fn bedrocks_paths_name_model_and_method() {
        let converse = |model: &'static str| {
            Endpoint::Model(Operation::Chat, Dialect::BedrockConverse, Some(model.into()))
        };
        assert_eq!(
            post("/model/us.anthropic.claude-x-v1%3A0/converse"),
            converse("us.anthropic.claude-x-v1:0")
        );
        assert_eq!(post("/bedrock/model/openai%2Fgpt/converse-stream"), converse("openai/gpt"));
        assert_eq!(post("/model/a/b/converse"), converse("a/b"));
        let invoke = Endpoint::Model(Operation::Chat, Dialect::Anthropic, Some("a".into()));
        assert_eq!(post("/model/a/invoke"), invoke);
        assert_eq!((post("/model/a/fly"), post("/model//invoke")), (Endpoint::Unknown, Endpoint::Unknown));
        let framing = |uri: &'static str| streamed(&Uri::from_static(uri));
        assert_eq!(framing("/model/a/converse"), Some(None));
        assert_eq!(framing("/model/a/converse-stream"), Some(Some(Framing::EventStream)));
        assert_eq!(framing("/model/a/invoke-with-response-stream"), Some(Some(Framing::Chunks)));
        assert_eq!((wraps("/model/a/invoke"), wraps("/v1/messages")), (Some(Dialect::BedrockConverse), None));
    }

    #[test]
    fn what_is_kept_is_found_by_its_id_under_every_prefix() {
        let get = |path| dispatch(&Method::GET, path);
        for prefix in ["/v1", "", "/openai/v1"] {
            let path = format!("{prefix}/responses/resp_llmux_1");
            let found = dispatch(&Method::GET, &path);
            assert_eq!(found, Endpoint::Kept(Kept::Response("resp_llmux_1")), "{path}");
        }
        assert_eq!(get("/openai/v1/responses/resp_1"), Endpoint::Unknown, "it may be OpenAI's");
        assert_eq!(post("/v1/responses/resp_1/cancel"), Endpoint::Kept(Kept::Cancel("resp_1")));
        assert_eq!(get("/responses/r/input_items"), Endpoint::Kept(Kept::Input("r")));
        assert_eq!(post("/v1/conversations"), Endpoint::Kept(Kept::Conversations));
        assert_eq!(get("/v1/conversations/c/items/i"), Endpoint::Kept(Kept::Item("c", "i")));
        assert_eq!(get("/v1/responses/r/cancel"), Endpoint::WrongMethod("POST"));
        assert_eq!(post("/v1/responses/r"), Endpoint::WrongMethod("GET, DELETE"));
        for path in ["/v1/responses//cancel", "/v1/responses/r/x", "/v1/conversations/c/items/i/x"] {
            assert_eq!(get(path), Endpoint::Unknown, "{path}");
        }
    }

    #[test]
    fn a_wrong_method_is_told_apart_from_an_unknown_path() {
        assert_eq!(dispatch(&Method::GET, "/v1/embeddings"), Endpoint::WrongMethod("POST"));
        assert_eq!(dispatch(&Method::DELETE, "/v1/models"), Endpoint::WrongMethod("GET"));
        assert_eq!(dispatch(&Method::HEAD, "/health/liveness"), Endpoint::Liveness);
        assert_eq!(post("/v1/nothing"), Endpoint::Unknown);
        assert_eq!(post("/engines//chat/completions"), Endpoint::Unknown);
    }

    #[test]
    fn one_model_is_found_by_a_name_with_slashes() {
        assert_eq!(dispatch(&Method::GET, "/v1/models/openai/gpt"), Endpoint::ModelInfo("openai/gpt".into()));
    }
}
