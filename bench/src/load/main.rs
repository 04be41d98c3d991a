//! The load generator: one thread, kept connections, no work that would disturb what is measured.
//!
//! It warms up, prints `ready`, waits for a line on standard input, measures, and prints one line of JSON.
//! Between `ready` and the line nothing is under way, so the caller can read the gateway's counters there.

mod args;
mod connection;
mod exchange;
mod hold;
mod measured;
mod pacing;
mod phase;

use std::io::{self, Write};

use anyhow::Context;
use clap::Parser;
use tokio::task::LocalSet;

use args::{Args, Mode};

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    let outcome = match args.mode {
        Mode::Hold { streams } => local.block_on(&runtime, hold::run(&args.target, streams)),
        Mode::Closed(span) => local.block_on(&runtime, phase::run(&args.target, span, None)),
        Mode::Open { span, rate } => local.block_on(&runtime, phase::run(&args.target, span, Some(rate))),
    };
    runtime.shutdown_background();
    outcome
}

/// Prints a line and waits for one.
fn handshake(line: &str) -> anyhow::Result<()> {
    tell(line)?;
    io::stdin().read_line(&mut String::new()).context("the caller went away")?;
    Ok(())
}

fn tell(line: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
