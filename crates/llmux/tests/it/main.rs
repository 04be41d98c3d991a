//! The facade: a client of several deployments without a server, over a scripted transport.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod build;
mod chat;
mod cloud;
mod stream;

use llmux::{Builder, Deployment, Llmux};
use llmux_testkit::{Answer, ScriptedTransport};
use serde_json::{Value, json};

/// A client of one group, `chat`, with a deployment of OpenAI's and one of Anthropic's, over `transport`.
fn builder(transport: &ScriptedTransport) -> Builder {
    Llmux::builder()
        .transport(transport.clone())
        .deployment(Deployment::new("chat", "openai/gpt-up").key("sk-openai").routing(|r| r.order = Some(1)))
        .deployment(
            Deployment::new("chat", "anthropic/claude-up").key("sk-ant").routing(|r| r.order = Some(2)),
        )
}

/// A client whose OpenAI and Anthropic deployments give these answers, one after the other.
fn client(
    openai: impl IntoIterator<Item = Answer>,
    anthropic: impl IntoIterator<Item = Answer>,
) -> (Llmux, ScriptedTransport) {
    let transport = ScriptedTransport::new();
    transport.script_at("/v1/chat/completions", openai);
    transport.script_at("/v1/messages", anthropic);
    (builder(&transport).build().unwrap(), transport)
}

fn request() -> Value {
    json!({"model": "chat", "messages": [{"role": "user", "content": "hi"}]})
}
