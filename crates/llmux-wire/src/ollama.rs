//! Ollama's own dialect: `/api/chat` in both roles, whole and streamed, `/api/generate` for clients, embeddings, and
//! errors.
//!
//! The wire format is the one of Ollama's API reference and of the types of its official client. Streams are lines
//! of JSON, and a request streams unless it says otherwise. Calls may come without ids: they get some here.

mod answer_read;
mod answer_write;
mod embeddings;
mod error;
mod generate;
mod image;
mod logprobs;
mod message_read;
mod message_write;
mod options;
mod request_read;
mod request_write;
mod stream_read;
mod stream_write;
mod thinking;
mod time;
mod usage;
mod watch;

pub use answer_read::read_answer;
pub use answer_write::{write_answer, write_generated};
pub use embeddings::{read_embeddings, read_embeddings_request, write_embeddings, write_embeddings_request};
pub use error::{read_error, write_error};
pub use generate::read_generate_request;
pub use request_read::read_request;
pub use request_write::write_request;
pub use stream_read::StreamReader;
pub use stream_write::StreamWriter;
pub use time::write_time;
pub use usage::read_usage;
pub use watch::OllamaWatch;
