//! What a provider's own paths ask, as far as their answers tell usage in a known way.

use http::{Method, Request};
use llmux_core::{Dialect, Operation};

type Known = Option<(Operation, Dialect)>;

/// What a path of OpenAI's asks: of itself, or of one of the many hosts that have the same.
pub(crate) fn openai(head: &Request<()>) -> Known {
    let ends = |end: &str| head.uri().path().trim_end_matches('/').ends_with(end);
    // Reading a stored answer again consumes nothing.
    if *head.method() != Method::POST {
        return None;
    }
    match () {
        () if ends("/chat/completions") => Some((Operation::Chat, Dialect::OpenAi)),
        () if ends("/completions") => Some((Operation::Completion, Dialect::OpenAi)),
        () if ends("/embeddings") => Some((Operation::Embeddings, Dialect::OpenAi)),
        () if ends("/responses") => Some((Operation::Chat, Dialect::OpenAiResponses)),
        () if ends("/v1/messages") => Some((Operation::Chat, Dialect::Anthropic)),
        () => None,
    }
}

/// What a path of Anthropic's asks.
pub(crate) fn anthropic(head: &Request<()>) -> Known {
    let path = head.uri().path().trim_end_matches('/');
    match path {
        _ if *head.method() != Method::POST => None,
        _ if path.ends_with("/messages") => Some((Operation::Chat, Dialect::Anthropic)),
        _ if path.ends_with("/messages/count_tokens") => Some((Operation::CountTokens, Dialect::Anthropic)),
        _ => None,
    }
}

/// What a path of Google's asks: `{model}:{method}`, or OpenAI's dialect below `/openai`.
pub(crate) fn gemini(head: &Request<()>) -> Known {
    let path = head.uri().path();
    let Some((_, method)) = path.rsplit_once(':').or_else(|| path.rsplit_once("%3A")) else {
        return openai(head).filter(|_| path.contains("/openai/"));
    };
    let operation = match method {
        "generateContent" | "streamGenerateContent" => Operation::Chat,
        "countTokens" => Operation::CountTokens,
        "embedContent" | "batchEmbedContents" => Operation::Embeddings,
        _ => return None,
    };
    Some((operation, Dialect::Gemini)).filter(|_| *head.method() == Method::POST)
}

/// What a path of Cohere's asks, in its own dialect or in OpenAI's.
pub(crate) fn cohere(head: &Request<()>) -> Known {
    let path = head.uri().path().trim_end_matches('/');
    match path {
        _ if *head.method() != Method::POST => None,
        "/v2/chat" => Some((Operation::Chat, Dialect::Cohere)),
        "/v2/embed" => Some((Operation::Embeddings, Dialect::Cohere)),
        "/v1/rerank" | "/v2/rerank" => Some((Operation::Rerank, Dialect::Cohere)),
        _ => openai(head).filter(|_| path.starts_with("/compatibility/")),
    }
}

/// What a path of Vertex AI asks: by the model's publisher, or in OpenAI's dialect at an endpoint.
pub(crate) fn vertex(head: &Request<()>) -> Known {
    let path = head.uri().path();
    let raw = path.ends_with(":rawPredict") || path.ends_with(":streamRawPredict");
    match () {
        () if *head.method() != Method::POST => None,
        () if raw && path.contains("/publishers/anthropic/") => {
            let counts = path.contains("/count-tokens");
            let operation = if counts { Operation::CountTokens } else { Operation::Chat };
            Some((operation, Dialect::Anthropic))
        }
        () if raw && path.contains("/publishers/mistralai/") => Some((Operation::Chat, Dialect::OpenAi)),
        () if path.contains("/endpoints/") && path.ends_with("/chat/completions") => openai(head),
        () => gemini(head),
    }
}

/// The model in `…/models/{model}:{method}`.
pub(crate) fn model(head: &Request<()>) -> Option<String> {
    let (_, rest) = head.uri().path().rsplit_once("/models/")?;
    let name = rest.split(['/', ':']).next()?;
    (!name.is_empty()).then(|| percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned())
}

/// Whether a JSON answer comes piece by piece: Google's streams do, unless events are asked for.
pub(crate) fn is_piecemeal(head: &Request<()>) -> bool {
    head.uri().path().contains("streamGenerateContent")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(path: &str) -> Request<()> {
        Request::post(path).body(()).unwrap()
    }

    #[test]
    fn paths_with_usage_are_known_and_others_are_not() {
        let chat = |dialect| Some((Operation::Chat, dialect));
        assert_eq!(openai(&post("/v1/chat/completions")), chat(Dialect::OpenAi));
        assert_eq!(openai(&post("/v1/responses?x=y")), chat(Dialect::OpenAiResponses));
        assert_eq!(openai(&post("/v1/embeddings")), Some((Operation::Embeddings, Dialect::OpenAi)));
        for path in ["/v1/files", "/v1/responses/resp_1/cancel", "/v1/threads/t_1/messages"] {
            assert_eq!(openai(&post(path)), None, "{path}");
        }
        assert_eq!(openai(&Request::get("/v1/chat/completions").body(()).unwrap()), None);
        assert_eq!(anthropic(&post("/v1/messages")), chat(Dialect::Anthropic));
        assert_eq!(
            anthropic(&post("/v1/messages/count_tokens")),
            Some((Operation::CountTokens, Dialect::Anthropic))
        );
        assert_eq!(anthropic(&post("/v1/messages/batches")), None);
        assert_eq!(gemini(&post("/v1beta/models/m:streamGenerateContent?alt=sse")), chat(Dialect::Gemini));
        assert_eq!(gemini(&post("/v1beta/openai/chat/completions")), chat(Dialect::OpenAi));
        assert_eq!(gemini(&post("/v1beta/models/m:predictLongRunning")), None);
    }

    #[test]
    fn clouds_name_the_model_in_the_path_and_its_publisher_says_whose_dialect_it_is() {
        let at = |publisher: &str, method: &str| {
            post(&format!("/v1/projects/p/locations/l/publishers/{publisher}/models/m%401:{method}"))
        };
        let chat = |dialect| Some((Operation::Chat, dialect));
        assert_eq!(vertex(&at("google", "generateContent")), chat(Dialect::Gemini));
        assert_eq!(vertex(&at("anthropic", "streamRawPredict")), chat(Dialect::Anthropic));
        assert_eq!(vertex(&at("mistralai", "rawPredict")), chat(Dialect::OpenAi));
        assert_eq!(vertex(&at("google", "predict")), None);
        let open = post("/v1/projects/p/locations/l/endpoints/openapi/chat/completions");
        assert_eq!(vertex(&open), chat(Dialect::OpenAi));
        assert_eq!(model(&at("google", "generateContent")).as_deref(), Some("m@1"));
        assert_eq!((model(&open), model(&post("/v1beta/models/"))), (None, None));
        assert!(is_piecemeal(&at("google", "streamGenerateContent")));
    }

    #[test]
    fn cohere_has_a_dialect_of_its_own_beside_openais() {
        assert_eq!(cohere(&post("/v2/chat")), Some((Operation::Chat, Dialect::Cohere)));
        assert_eq!(cohere(&post("/v2/embed")), Some((Operation::Embeddings, Dialect::Cohere)));
        let compatible = post("/compatibility/v1/chat/completions");
        assert_eq!(cohere(&compatible), Some((Operation::Chat, Dialect::OpenAi)));
        assert_eq!((cohere(&post("/v1/chat")), cohere(&post("/v1/datasets"))), (None, None));
    }
}
