//! The result, for people and for programs.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use serde::Serialize;

use super::load::Load;
use super::stats::{Spread, Stats};
use crate::terminal::{Style, Terminal};

/// Everything that is told about a run; times in milliseconds.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    url: &'a str,
    model: &'a str,
    mode: Mode,
    concurrency: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<f64>,
    stream: bool,
    body_bytes: usize,
    seconds: f64,
    requests: u64,
    ok: u64,
    failed: u64,
    rps: f64,
    errors: &'a BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_error: Option<&'a str>,
    tokens: Tokens,
    latency_ms: Option<Spread>,
    #[serde(skip_serializing_if = "Option::is_none")]
    streams: Option<Streams>,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Closed,
    Open,
}

#[derive(Debug, Serialize)]
struct Tokens {
    prompt: u64,
    completion: u64,
    completion_per_second: f64,
}

#[derive(Debug, Serialize)]
struct Streams {
    events: u64,
    first_token_ms: Option<Spread>,
    gap_ms: Option<Spread>,
}

impl<'a> Report<'a> {
    /// Sums up a run that took `elapsed`.
    pub(super) fn new(model: &'a str, load: &'a Load, stats: &'a Stats, elapsed: Duration) -> Self {
        let (prompt, completion) = stats.tokens();
        Self {
            url: &load.url,
            model,
            mode: if load.rate.is_some() { Mode::Open } else { Mode::Closed },
            concurrency: load.concurrency,
            rate: load.rate,
            stream: load.stream,
            body_bytes: load.body.len(),
            seconds: elapsed.as_secs_f64(),
            requests: stats.sent(),
            ok: stats.ok(),
            failed: stats.failed(),
            rps: per_second(stats.ok(), elapsed),
            errors: stats.errors(),
            first_error: stats.first_error(),
            tokens: Tokens { prompt, completion, completion_per_second: per_second(completion, elapsed) },
            latency_ms: stats.latency(),
            streams: load.stream.then(|| Streams {
                events: stats.events(),
                first_token_ms: stats.first_token(),
                gap_ms: stats.gaps(),
            }),
        }
    }

    /// How many requests failed.
    pub(super) fn failed(&self) -> u64 {
        self.failed
    }

    /// Prints the table.
    pub(super) fn print(&self, terminal: &mut Terminal) -> anyhow::Result<()> {
        self.print_summary(terminal)?;
        self.print_times(terminal)?;
        if let Some(error) = self.first_error {
            let label = terminal.paint(Style::Bad, "first error");
            writeln!(terminal.out(), "\n{label}  {error}")?;
        }
        Ok(())
    }

    fn print_summary(&self, terminal: &mut Terminal) -> anyhow::Result<()> {
        let loop_ = match self.rate {
            Some(rate) => format!("open loop, {rate} requests/s, at most {} at once", self.concurrency),
            None => format!("closed loop, {} at once", self.concurrency),
        };
        let kind = if self.stream { "streamed" } else { "whole" };
        let Tokens { prompt, completion, completion_per_second } = self.tokens;
        let target = terminal.paint(Style::Strong, format!("{} at {}", self.model, self.url));
        let failures = if self.failed == 0 {
            terminal.paint(Style::Good, "none".to_owned())
        } else {
            terminal.paint(Style::Bad, self.failures())
        };
        let out = terminal.out();
        writeln!(out, "{target}")?;
        writeln!(out, "load      {loop_}; {kind} answers, {} bytes sent each time", self.body_bytes)?;
        writeln!(out, "requests  {} in {:.2} s, {:.1} good ones/s", self.requests, self.seconds, self.rps)?;
        writeln!(out, "failures  {failures}")?;
        writeln!(out, "tokens    {prompt} in, {completion} out, {completion_per_second:.0} out/s")?;
        if let Some(streams) = &self.streams {
            let rate = if self.seconds > 0.0 { count(streams.events) / self.seconds } else { 0.0 };
            writeln!(out, "events    {}, {rate:.0}/s", streams.events)?;
        }
        Ok(())
    }

    fn failures(&self) -> String {
        let kinds: Vec<_> = self.errors.iter().map(|(kind, count)| format!("{count} × {kind}")).collect();
        format!("{} ({})", self.failed, kinds.join(", "))
    }

    fn print_times(&self, terminal: &mut Terminal) -> anyhow::Result<()> {
        let streams = self.streams.as_ref();
        let rows = [
            (if self.stream { "whole answer" } else { "latency" }, self.latency_ms),
            ("first token", streams.and_then(|streams| streams.first_token_ms)),
            ("between events", streams.and_then(|streams| streams.gap_ms)),
        ];
        if rows.iter().all(|(_, spread)| spread.is_none()) {
            return Ok(());
        }
        let names = ["mean", "p50", "p90", "p95", "p99", "max"];
        let head = names.map(|name| format!("{name:>10}")).concat();
        let head = terminal.paint(Style::Strong, format!("{:<15}{head}", "milliseconds"));
        writeln!(terminal.out(), "\n{head}")?;
        for (name, spread) in rows {
            if let Some(Spread { mean, p50, p90, p95, p99, max }) = spread {
                let cells = [mean, p50, p90, p95, p99, max].map(|time| format!("{time:>10.2}")).concat();
                writeln!(terminal.out(), "{name:<15}{cells}")?;
            }
        }
        Ok(())
    }
}

fn per_second(number: u64, time: Duration) -> f64 {
    let seconds = time.as_secs_f64();
    if seconds > 0.0 { count(number) / seconds } else { 0.0 }
}

fn count(number: u64) -> f64 {
    number as f64
}
