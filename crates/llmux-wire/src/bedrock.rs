//! Amazon Bedrock's Converse dialect: `converse` and `converse-stream` in both roles, token counts and errors; what
//! `invoke` and its stream wrap around other dialects; embeddings of the models that Bedrock hosts.
//!
//! The wire format is the one of the service's published model (`bedrock-runtime`, 2023-09-30). The model and whether
//! the answer is streamed stand in the path, not in the body: whoever reads a request puts the model into the field
//! `model` first, and sets [`ChatRequest::stream`](crate::chat::ChatRequest::stream) afterwards. Answers name neither
//! themselves nor the model, so readers of answers are told both. Streams are [event streams](crate::event_stream).

mod additional;
mod answer_read;
mod answer_write;
mod citation;
mod content_read;
mod content_write;
mod count;
mod embeddings;
mod error;
mod extra;
mod finish;
mod invoke;
mod media;
mod model;
mod native;
mod redacted;
mod request_read;
mod request_write;
mod stream_read;
mod stream_write;
mod tool_read;
mod tool_write;
mod turns;
mod usage;
mod watch;

pub use answer_read::read_answer;
pub use answer_write::write_answer;
pub use count::{
    read_count, read_count_request, write_count, write_count_request, write_invoke_count_request,
};
pub use embeddings::{Embedder, MAX_TEXTS, read_embeddings};
pub use error::{exception_name, read_error, write_error};
pub use invoke::{Chunks, Unwrapped};
pub use model::{Family, base_model};
pub use native::{Native, NativeReader};
pub use request_read::read_request;
pub use request_write::write_request;
pub use stream_read::StreamReader;
pub use stream_write::StreamWriter;
pub use usage::{read_usage, write_usage};
pub use watch::ConverseWatch;
