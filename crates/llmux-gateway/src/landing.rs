//! The page at `/`: what this is, and what it serves.

/// The page. It names no models: those are for callers with a key.
pub(crate) fn page() -> String {
    let rows: String = SERVED
        .iter()
        .map(|(paths, what)| format!("<tr><td><code>{paths}</code></td><td>{what}</td></tr>"))
        .collect();
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>LLMux</title>\
         <meta name=viewport content=\"width=device-width\">\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem}}\
         td{{padding:.2rem 1rem .2rem 0;vertical-align:top}}code{{font-size:.9em}}</style>\
         <h1>LLMux {}</h1><p>An LLM gateway: one endpoint in front of every model provider. Point an OpenAI, \
         Anthropic, Google, Cohere or Ollama client at this address.</p><table>{rows}</table>\
         <p>Paths work without <code>/v1</code> too, and behind <code>/engines/{{model}}</code> and \
         <code>/openai/deployments/{{model}}</code>.</p>",
        env!("CARGO_PKG_VERSION")
    )
}

const SERVED: &[(&str, &str)] = &[
    ("POST /v1/chat/completions", "OpenAI chat completions"),
    ("POST /v1/completions", "OpenAI text completions"),
    ("POST /v1/embeddings", "OpenAI embeddings"),
    ("POST /v1/responses", "OpenAI responses"),
    ("POST /v1/images/generations", "OpenAI images, also /edits and /variations"),
    ("POST /v1/audio/speech", "OpenAI speech"),
    ("POST /v1/audio/transcriptions", "OpenAI transcripts, also /translations"),
    ("POST /v1/moderations", "OpenAI moderations"),
    ("GET, DELETE /v1/responses/{id}", "kept responses, also /cancel and /input_items"),
    ("POST /v1/conversations", "conversations, also /{id} and /{id}/items"),
    ("POST /v1/messages", "Anthropic messages"),
    ("POST /v1/messages/count_tokens", "Anthropic token counts"),
    ("POST /v1beta/models/{model}:generateContent", "Gemini content, also :streamGenerateContent"),
    ("POST /v1beta/models/{model}:countTokens", "Gemini token counts"),
    ("POST /v1beta/models/{model}:embedContent", "Gemini embeddings, also :batchEmbedContents"),
    ("POST /v2/chat", "Cohere chat"),
    ("POST /v2/embed", "Cohere embeddings"),
    ("POST /v1/rerank, /v2/rerank", "documents ranked"),
    ("POST /api/chat, /api/generate", "Ollama chats and completions"),
    ("POST /api/embed", "Ollama embeddings"),
    ("GET /api/tags, POST /api/show", "the models, for Ollama's clients"),
    ("POST /model/{model}/converse", "Bedrock conversations, also /converse-stream and /count-tokens"),
    (
        "POST /model/{model}/invoke",
        "Anthropic messages for Bedrock's SDKs, also /invoke-with-response-stream",
    ),
    ("/openai/*, /anthropic/*, /gemini/*, …", "a provider's own API, with its key in place of yours"),
    ("GET /v1/models", "the models you can ask for"),
    ("POST /router/explain", "how a deployment would be chosen for a chat"),
    ("GET /health", "whether the deployments work"),
    ("GET /health/liveliness", "whether the process is alive"),
    ("GET /health/readiness", "whether it takes requests"),
];
