//! The command line.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

#[derive(Debug, Parser)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(subcommand)]
    pub(crate) mode: Mode,
}

/// What to send where.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Target {
    /// The server.
    #[arg(long)]
    pub(crate) address: SocketAddr,
    /// What the requests and answers are.
    #[arg(long, value_enum, default_value_t = Dialect::ChatCompletions)]
    pub(crate) dialect: Dialect,
    /// The bearer token.
    #[arg(long)]
    pub(crate) key: String,
    /// The model to ask.
    #[arg(long, default_value = "gpt-4o-mini")]
    pub(crate) model: String,
    /// The size of the body in bytes, at least what its fields need.
    #[arg(long, default_value_t = 1024)]
    pub(crate) body_bytes: usize,
    /// Ask for streams.
    #[arg(long)]
    pub(crate) stream: bool,
}

/// What requests and answers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dialect {
    /// OpenAI's chat completions.
    ChatCompletions,
    /// Anthropic's Messages.
    Messages,
}

impl Dialect {
    /// The path of the requests.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/v1/chat/completions",
            Self::Messages => "/v1/messages",
        }
    }

    /// What stands near the end of an answer that is whole.
    pub(crate) fn end_mark(self, stream: bool) -> &'static [u8] {
        match (self, stream) {
            (Self::ChatCompletions, false) => br#""total_tokens""#,
            (Self::ChatCompletions, true) => b"[DONE]",
            (Self::Messages, false) => br#""output_tokens""#,
            (Self::Messages, true) => b"message_stop",
        }
    }
}

/// How to send.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Mode {
    /// Each connection sends its next request when the last was answered.
    Closed(Span),
    /// Requests are sent at a fixed rate; times count from the moment each was due.
    Open {
        #[command(flatten)]
        span: Span,
        /// Requests a second.
        #[arg(long)]
        rate: f64,
    },
    /// Streams are opened and held until a line comes on standard input.
    Hold {
        /// How many.
        #[arg(long)]
        streams: usize,
    },
}

/// How much.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Span {
    /// Connections, and thereby requests under way at once.
    #[arg(long, default_value_t = 64)]
    pub(crate) connections: usize,
    /// Seconds before the measurement.
    #[arg(long, value_parser = seconds)]
    pub(crate) warmup: Duration,
    /// Seconds of the measurement.
    #[arg(long, value_parser = seconds)]
    pub(crate) seconds: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    Duration::try_from_secs_f64(number).map_err(|error| error.to_string())
}
