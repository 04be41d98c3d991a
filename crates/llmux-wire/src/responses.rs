//! OpenAI's Responses API as a client's dialect, over any chat provider; and a watch for answers of providers that
//! have it themselves.
//!
//! An answer's output is a list of items: reasoning, a message, calls. What a provider signs of its reasoning
//! travels in `encrypted_content`, so that it comes back with the next request of a tool loop. Nothing is stored
//! here: what refers to an earlier response is resolved by the gateway before, or refused by name.

mod answer_write;
mod error;
mod id;
mod item_read;
mod item_write;
mod reasoning;
mod request_read;
mod settings;
mod stream_write;
mod tool_read;
mod usage;
mod watch;

pub use answer_write::write_answer;
pub use id::ResponseId;
pub(crate) use request_read::RESPONSES_ONLY;
pub use request_read::read_request;
pub use settings::Settings;
pub use stream_write::StreamWriter;
pub use usage::{read_usage, write_usage};
pub use watch::ResponsesWatch;
