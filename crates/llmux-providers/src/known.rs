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
}
