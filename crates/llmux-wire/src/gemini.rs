//! Google's Gemini dialect: `generateContent` in both roles, whole and streamed, token counts, embeddings for
//! clients of OpenAI's dialect, and errors.
//!
//! The wire format is the one of Google's API reference; names are read in `camelCase` and `snake_case`, as the
//! API takes them. The model and whether the answer is streamed stand in the path, not in the body: whoever
//! reads a request puts the model into the field `model` first, and sets
//! [`ChatRequest::stream`](crate::chat::ChatRequest::stream) afterwards.
//!
//! Gemini signs parts of its answers and wants the signatures back. The signature of a tool call travels in the
//! call's id, which every client sends back; those of texts travel as reasoning without words.

mod answer_read;
mod answer_write;
mod content_read;
mod content_write;
mod count;
mod embeddings;
mod error;
mod finish;
mod generation;
mod grounding;
mod images;
mod logprobs;
mod object;
mod partial;
mod request_read;
mod request_write;
mod schema;
mod signature;
mod stream_read;
mod stream_write;
mod thinking;
mod tool_read;
mod tool_write;
mod turns;
mod usage;
mod watch;

pub use answer_read::read_answer;
pub use answer_write::write_answer;
pub use count::{
    read_count, read_count_request, write_count, write_count_request, write_plain_count_request,
};
pub use embeddings::{
    read_embeddings, read_embeddings_request, rename_embeddings, write_embeddings, write_embeddings_request,
};
pub use error::{read_error, write_error};
pub(crate) use images::inline_image;
pub use images::{Drawn, read_images};
pub use request_read::read_request;
pub use request_write::write_request;
pub(crate) use signature::{is_sealed, plain_call_id};
pub use stream_read::StreamReader;
pub use stream_write::StreamWriter;
pub use usage::{read_usage, write_usage};
pub use watch::GeminiWatch;
