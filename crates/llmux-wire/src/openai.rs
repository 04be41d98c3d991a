//! OpenAI's dialect: chat completions in both roles, legacy completions as a client dialect, embeddings, errors.
//!
//! The wire format is the one of OpenAI's API reference, with the fields that OpenAI-compatible hosts and
//! LiteLLM add to it: `reasoning_content`, `thinking_blocks`, `cache_control` on parts and tools.

mod answer_read;
mod answer_write;
mod completion;
mod embeddings;
mod error;
mod media;
mod message_read;
mod message_write;
mod reasoning;
mod request_read;
mod request_write;
mod stream_read;
mod stream_write;
mod transcript;
mod usage;
mod watch;

pub(crate) use answer_read::bad;
pub use answer_read::read_answer;
pub use answer_write::write_answer;
pub use completion::{CompletionStreamWriter, read_completion_request, write_completion_answer};
pub use embeddings::{
    EmbeddingsRequest, read_embeddings, read_embeddings_request, write_embeddings, write_embeddings_request,
};
pub(crate) use error::{error_object, read_stream_error};
pub use error::{read_error, write_error};
pub use media::{MediaWatch, write_image_usage, write_images};
pub use reasoning::details_of_blocks;
pub use request_read::read_request;
pub(crate) use request_read::read_sampling;
pub use request_write::write_request;
pub use stream_read::StreamReader;
pub use stream_write::StreamWriter;
pub use transcript::{Span, Transcript, TranscriptFormat, write_transcript};
pub use usage::{read_usage, write_usage};
pub use watch::OpenAiWatch;
