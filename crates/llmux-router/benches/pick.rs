//! What a choice among many deployments costs, with every filter at work: `cargo bench -p llmux-router --bench pick`.
//! The best of many rounds is told, in nanoseconds for a choice.
#![expect(clippy::unwrap_used, reason = "a program for developers")]

#[path = "../tests/it/crowd.rs"]
mod crowd;

use std::{
    hint::black_box,
    io::Write,
    time::{Duration, Instant},
};

use crowd::Asking;

const STRATEGIES: [&str; 9] = [
    "simple-shuffle",
    "round-robin",
    "least-busy",
    "latency-based-routing",
    "latency-ewma",
    "power-of-two-choices",
    "usage-based-routing",
    "usage-based-routing-v2",
    "cost-based-routing",
];

fn main() {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:<24} {:>8} {:>8} {:>8}", "ns for a choice among", 10, 100, 1_000).unwrap();
    let only = std::env::args().nth(1).filter(|name| !name.starts_with('-'));
    for strategy in STRATEGIES.iter().filter(|name| only.as_ref().is_none_or(|only| *name == only)) {
        let [few, some, many] = [10, 100, 1_000].map(|count| nanoseconds(count, strategy));
        writeln!(out, "{strategy:<24} {few:>8} {some:>8} {many:>8}").unwrap();
    }
}

/// The best of rounds of a few milliseconds each: what else the machine does makes a round longer, never shorter.
fn nanoseconds(count: usize, strategy: &str) -> u128 {
    let (router, asking) = (crowd::router(count, strategy), Asking::new());
    let ask = asking.ask();
    let picks: u32 = if count > 500 { 200 } else { 2_000 };
    let round = || {
        let began = Instant::now();
        for _ in 0..picks {
            black_box(router.pick(black_box(&ask)).unwrap());
        }
        began.elapsed() / picks
    };
    let until = Instant::now() + Duration::from_millis(400);
    let mut best = round();
    while Instant::now() < until {
        best = best.min(round());
    }
    best.as_nanos()
}
