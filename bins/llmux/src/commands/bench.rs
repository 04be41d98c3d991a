//! `llmux bench`: load on an OpenAI-compatible server, and how it bore it.

mod exchange;
mod load;
mod report;
mod schedule;
mod stats;
mod units;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::ensure;
use bytes::Bytes;
use clap::Args;
use serde_json::json;

use crate::api::{Client, Endpoint, Timeouts};
use crate::terminal::Terminal;
use load::Load;
use report::Report;
use schedule::Limit;

/// Filler for prompts: plain words, so that a tokenizer counts it like text.
const WORDS: &str =
    "the quick brown fox jumps over the lazy dog while the lights of the harbour go out one by one ";

/// Arguments of `llmux bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    endpoint: Endpoint,

    /// The model to ask.
    #[arg(long, short, env = "LLMUX_MODEL", default_value = "llmux/echo")]
    model: String,

    /// How many requests to send [default: 1000, unless --duration is given].
    #[arg(long, short = 'n', value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "duration")]
    requests: Option<u64>,

    /// How long to send requests, for example 500ms, 10s, 2m.
    #[arg(long, short, value_parser = units::duration)]
    duration: Option<Duration>,

    /// How many requests may be under way at once.
    #[arg(long, short, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: u16,

    /// Send this many requests a second whatever the answers take, and count latency from the moment a
    /// request was due. Without it the next request of a connection waits for the answer to the last.
    #[arg(long, short, value_name = "RPS", value_parser = units::rate)]
    rate: Option<f64>,

    /// Ask for streams, and measure the first token and the gaps between events.
    #[arg(long, short)]
    stream: bool,

    /// The size of the prompt in bytes, for example 200, 1k, 100k.
    #[arg(long, default_value = "1k", value_parser = units::size)]
    prompt_size: usize,

    /// The most tokens that an answer may have (`max_tokens`); the server decides when absent.
    #[arg(long)]
    max_tokens: Option<u32>,

    /// How long to wait for the next bytes of an answer.
    #[arg(long, default_value = "60s", value_parser = units::duration)]
    timeout: Duration,

    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

impl BenchArgs {
    fn limit(&self) -> Limit {
        match self.duration {
            Some(duration) => Limit::Time(duration),
            None => Limit::Requests(self.requests.unwrap_or(1000)),
        }
    }

    /// The same bytes for every request.
    fn body(&self) -> Bytes {
        let prompt: String = WORDS.chars().cycle().take(self.prompt_size).collect();
        let mut body = json!({
            "model": self.model,
            "messages": [{"role": "user", "content": prompt}],
        });
        if let Some(fields) = body.as_object_mut() {
            if let Some(most) = self.max_tokens {
                fields.insert("max_tokens".to_owned(), most.into());
            }
            if self.stream {
                fields.insert("stream".to_owned(), true.into());
                fields.insert("stream_options".to_owned(), json!({"include_usage": true}));
            }
        }
        body.to_string().into()
    }
}

/// Puts the load on and prints what was measured; any failed request makes the exit status 1.
pub(crate) async fn run(args: BenchArgs, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
    let timeouts = Timeouts { connect: Duration::from_secs(10), idle: args.timeout };
    let client = Client::new(&args.endpoint, timeouts)?;
    let load = Load {
        url: client.url("/chat/completions"),
        client,
        body: args.body(),
        stream: args.stream,
        concurrency: args.concurrency,
        rate: args.rate,
        limit: args.limit(),
    };
    let (stats, elapsed) = load.run().await?;
    ensure!(stats.sent() > 0, "no request was sent");
    let report = Report::new(&args.model, &load, &stats, elapsed);
    if args.json {
        writeln!(terminal.out(), "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        report.print(terminal)?;
    }
    Ok(if report.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
