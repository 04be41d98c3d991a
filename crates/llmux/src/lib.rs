//! LLMux for Rust programs: chat with models of many providers, balanced and retried, without a server.
//!
//! [`Llmux`] is the whole engine behind three methods. It takes requests as OpenAI's API reference has them and
//! gives answers of the same form, whatever dialect the provider speaks:
//!
#![cfg_attr(feature = "router", doc = "```")]
#![cfg_attr(not(feature = "router"), doc = "```ignore")]
//! use llmux::{Deployment, Llmux};
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> llmux::Result<()> {
//! // `llmux/echo` is built in: it needs no account and no network.
//! let llmux = Llmux::builder()
//!     .deployment(Deployment::new("chat", "llmux/echo").weight(3.0))
//!     .deployment(Deployment::new("chat", "llmux/echo-again").weight(1.0))
//!     .build()?;
//!
//! let request = json!({"model": "chat", "messages": [{"role": "user", "content": "Hello there"}]});
//! let answer = llmux.chat(&request).await?;
//! assert_eq!(answer["choices"][0]["message"]["content"], "Hello there");
//!
//! let mut words = String::new();
//! let mut stream = llmux.chat_stream(&request).await?;
//! while let Some(chunk) = stream.next().await {
//!     words += chunk?["choices"][0]["delta"]["content"].as_str().unwrap_or_default();
//! }
//! assert_eq!(words, "Hello there");
//! # Ok(())
//! # }
//! ```
//!
//! Keys are given to each deployment, or looked up by the provider's usual variable names where the program
//! allows it:
//!
#![cfg_attr(feature = "router", doc = "```")]
#![cfg_attr(not(feature = "router"), doc = "```ignore")]
//! # use llmux::{Deployment, Llmux};
//! let llmux = Llmux::builder()
//!     .environment(|name| std::env::var(name).ok())
//!     .deployment(Deployment::new("fast", "groq/llama-3.1-8b-instant").key("gsk-…"))
//!     .deployment(Deployment::new("fast", "anthropic/claude-haiku-4-5"))
//!     .retries(3);
//! ```
//!
//! Below it are the parts of which the gateway is made too, each under a module of its own: the vocabulary
//! ([`core`]), the dialects ([`wire`]), what models cost ([`catalog`]), the [`providers`], the [`router`] with its [`strategies`] and the
//! [`state`] that its replicas share, and the [`http`] transport. [`registry`] knows every part that was compiled in.
//!
//! Cargo features: `router` brings the engine and [`Llmux`], `http` the transport over the network,
//! `service-accounts` the RSA signatures of Google's service accounts and Entra ID's client certificates,
//! `tokenizers` the vocabularies that tokens are counted by. All are on unless switched off. `redis`, which is off unless
//! switched on, lets replicas share what they know through Redis.

use std::sync::Arc;

pub use llmux_catalog as catalog;
pub use llmux_core as core;
pub use llmux_core::{Environment, Error, ErrorKind, Registry, Result, Timeouts, TokenCounter};
#[cfg(feature = "http")]
pub use llmux_http as http;
pub use llmux_providers as providers;
#[cfg(feature = "router")]
pub use llmux_router as router;
#[cfg(feature = "router")]
pub use llmux_state as state;
#[cfg(feature = "router")]
pub use llmux_strategies as strategies;
pub use llmux_wire as wire;

#[cfg(feature = "router")]
mod client;

#[cfg(feature = "router")]
pub use client::{Builder, ChatStream, Deployment, Llmux};

/// What counts tokens in this build: public tokenizers with the feature `tokenizers`, an estimate without.
///
/// ```
/// assert!(llmux::token_counter().count("gpt-4o", "Hello there") > 1);
/// ```
#[must_use]
pub fn token_counter() -> Arc<dyn TokenCounter> {
    #[cfg(feature = "tokenizers")]
    return Arc::new(llmux_tokens::Tokenizers);
    #[cfg(not(feature = "tokenizers"))]
    Arc::new(llmux_core::Estimate)
}

/// A registry of every provider and strategy in this build. What a left-out Cargo feature would bring is known
/// by name, so that errors can say which one to switch on.
///
/// ```
/// let registry = llmux::registry();
/// assert!(registry.providers.contains("anthropic"));
/// ```
#[must_use]
pub fn registry() -> Registry {
    let mut registry = Registry::empty();
    llmux_providers::register(&mut registry);
    #[cfg(feature = "router")]
    llmux_strategies::register(&mut registry);
    #[cfg(not(feature = "router"))]
    registry.strategies.left_out("simple-shuffle", "router");
    registry
}
