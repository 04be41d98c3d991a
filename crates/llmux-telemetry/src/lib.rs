//! Structured logs of LLMux.
//!
//! [`init`] sets up the log of a program. Whoever logs only copies a line into memory: another thread masks what
//! looks like a secret and writes to standard error. When that falls behind, lines are dropped and counted rather
//! than waited for.
//!
//! ```
//! use llmux_telemetry::{LogOptions, init};
//!
//! # fn main() -> llmux_core::Result<()> {
//! let log = init(LogOptions::default())?;
//! tracing::info!(address = "127.0.0.1:4000", "listening");
//! drop(log); // Writes out what is left. Keep it until the program ends.
//! # Ok(())
//! # }
//! ```

mod init;
mod queue;
mod scrub;
mod span;

pub use init::{Guard, LogFormat, LogOptions, init};
pub use scrub::Scrubber;
pub use span::request_span;
