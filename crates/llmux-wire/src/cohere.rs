//! Cohere's dialect, version 2: chat in both roles, whole and streamed, embeddings, and errors.
//!
//! The wire format is the one of Cohere's API reference and of the types of its official client. What the model
//! means to do before it calls tools (`tool_plan`) is no answer and no thought: it travels as a piece of this
//! dialect's own. Documents stand beside the conversation; other dialects have them in a message.

mod answer_read;
mod answer_write;
mod citation;
mod embeddings;
mod error;
mod finish;
mod format;
mod logprobs;
mod message_read;
mod message_write;
mod request_read;
mod request_write;
mod stream_read;
mod stream_write;
mod thinking;
mod usage;
mod watch;

pub use answer_read::read_answer;
pub use answer_write::write_answer;
pub use embeddings::{read_embeddings, read_embeddings_request, write_embeddings, write_embeddings_request};
pub use error::{read_error, write_error};
pub use request_read::read_request;
pub use request_write::write_request;
pub use stream_read::StreamReader;
pub use stream_write::StreamWriter;
pub use usage::{read_usage, write_usage};
pub use watch::CohereWatch;
