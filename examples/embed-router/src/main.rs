//! LLMux inside a program: several deployments behind two names, asked whole and as a stream, with no server.
//!
//! It runs anywhere, because its deployments are the built-in echo. The comments show real ones:
//! `cargo run -p embed-router -- "Why is the sky blue?"`
#![expect(clippy::indexing_slicing, reason = "looking for what a JSON value lacks gives null")]

use std::{
    env,
    io::{self, Write},
};

use llmux::{Deployment, Llmux};
use serde_json::json;

/// Two names for requests to ask for: `chat`, shared by several deployments, and `embed`.
fn client() -> llmux::Result<Llmux> {
    Llmux::builder()
        // Keys that are not given below are looked up under their usual names, such as OPENAI_API_KEY.
        .environment(|name| env::var(name).ok())
        // Three of four requests go here; the rest to the next one, which also steps in when this one fails:
        // Deployment::new("chat", "openai/gpt-4o-mini").weight(3.0)
        .deployment(Deployment::new("chat", "llmux/echo").weight(3.0))
        // Deployment::new("chat", "anthropic/claude-haiku-4-5").key("sk-ant-…").weight(1.0)
        .deployment(Deployment::new("chat", "llmux/echo-too").weight(1.0))
        // Tried first because of its order, and always out of service: nobody asking will notice.
        // Deployment::new("chat", "openai_like/llama").base_url("http://gpu-1:8000/v1").routing(…)
        .deployment(
            Deployment::new("chat", "llmux/broken")
                .routing(|settings| settings.order = Some(1))
                .option("status", 503),
        )
        // Deployment::new("embed", "openai/text-embedding-3-small")
        .deployment(Deployment::new("embed", "llmux/echo"))
        .retries(3)
        .build()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let question = env::args().nth(1).unwrap_or_else(|| "Say this back to me".to_owned());
    let llmux = client()?;
    let mut out = io::stdout();

    // The whole answer. Requests and answers are those of OpenAI's API reference, for every provider.
    let request = json!({"model": "chat", "messages": [{"role": "user", "content": question}]});
    let answer = llmux.chat(&request).await?;
    writeln!(out, "whole:  {}", answer["choices"][0]["message"]["content"])?;
    writeln!(out, "tokens: {}", answer["usage"]["total_tokens"])?;

    // The same as a stream. Until it begins, other deployments are tried; later failures are items of it.
    write!(out, "stream: ")?;
    let mut stream = llmux.chat_stream(&request).await?;
    while let Some(chunk) = stream.next().await {
        let words = chunk?["choices"][0]["delta"]["content"].as_str().unwrap_or_default().to_owned();
        write!(out, "{words}|")?;
        out.flush()?;
    }
    writeln!(out)?;

    let vectors = llmux.embeddings(json!({"model": "embed", "input": question, "dimensions": 3})).await?;
    writeln!(out, "vector: {}", vectors["data"][0]["embedding"])?;

    // Errors say what is wrong and whether trying again makes sense.
    if let Err(error) = llmux.chat(json!({"model": "chta", "messages": []})).await {
        writeln!(out, "error:  {} (retryable: {})", error.message(), error.is_retryable())?;
    }
    Ok(())
}
