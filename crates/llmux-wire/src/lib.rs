//! Wire formats of LLMux, as pure functions over bytes.
//!
//! - [`json`]: the envelope of a body without parsing it, edits of top-level fields, reading with paths;
//! - [`sse`], [`ndjson`]: server-sent events, and streams of lines;
//! - [`event_stream`]: Amazon's binary event streams;
//! - [`chat`]: the neutral chat model, where dialects meet;
//! - [`openai`], [`anthropic`], [`gemini`], [`bedrock`], [`cohere`], [`ollama`]: each dialect in both roles, whole and
//!   streamed;
//! - [`responses`]: OpenAI's Responses API, for clients;
//! - [`rerank`]: rankings of documents;
//! - [`stream`]: the seam between a provider's stream and a client's;
//! - [`passthrough`], [`translate`]: replies that pass untouched, and replies whose dialect changes;
//! - [`observe`]: what answers consumed that are not touched at all;
//! - [`convert`]: whole replies of any other kind;
//! - [`multipart`]: forms, rewritten as they pass;
//! - [`raw`]: answers that are bytes, such as sound;
//! - [`tap`]: the client's body, streamed through a reply.

pub mod anthropic;
pub mod bedrock;
pub mod chat;
pub mod cohere;
pub mod convert;
mod course;
pub mod event_stream;
mod failure;
pub mod gemini;
pub mod inline;
pub mod json;
pub mod multipart;
pub mod ndjson;
mod needle;
pub mod observe;
pub mod ollama;
pub mod openai;
pub mod passthrough;
pub mod raw;
pub mod rerank;
pub mod responses;
pub mod sse;
pub mod stream;
pub mod tap;
pub mod translate;
