//! Anthropic's dialect: Messages in both roles, whole and streamed, token counts and errors.
//!
//! The wire format is the one of Anthropic's API reference. What has no neutral form travels as
//! [`Content::Opaque`](crate::chat::Content::Opaque), [`Tool::Opaque`](crate::chat::Tool::Opaque) or in
//! [`ChatRequest::extra`](crate::chat::ChatRequest::extra) and comes out again as it stood.

mod answer_read;
mod answer_write;
mod block_read;
mod block_write;
mod citation;
mod count;
mod error;
mod parameters;
mod request_read;
mod request_write;
pub(crate) mod schema;
mod stream_read;
mod stream_write;
pub(crate) mod thinking;
mod tool_read;
mod tool_write;
mod turns;
mod usage;
mod watch;

pub use answer_read::read_answer;
pub use answer_write::write_answer;
pub use count::{read_count, read_count_request, write_count, write_count_request};
pub use error::{read_error, write_error};
pub use request_read::read_request;
pub use request_write::{DEFAULT_MAX_TOKENS, write_request};
pub use stream_read::StreamReader;
pub use stream_write::StreamWriter;
pub(crate) use tool_read::read_choice;
pub use usage::{read_usage, write_usage};
pub use watch::AnthropicWatch;
