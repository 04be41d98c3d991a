//! What a run adds up to.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::exchange::Sample;

/// A minute, in nanoseconds: longer than any exchange may take.
const LONGEST_NS: u64 = 60_000_000_000;

/// Collects samples.
#[derive(Debug)]
pub(crate) struct Measured {
    total: Histogram<u64>,
    first_byte: Histogram<u64>,
    events: u64,
    failed: u64,
    first_failure: Option<String>,
}

impl Measured {
    /// Nothing yet.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let histogram = || Histogram::new_with_bounds(1, LONGEST_NS, 3);
        Ok(Self { total: histogram()?, first_byte: histogram()?, events: 0, failed: 0, first_failure: None })
    }

    /// Adds one exchange.
    pub(crate) fn record(&mut self, result: anyhow::Result<Sample>) {
        match result {
            Ok(sample) => {
                self.total.saturating_record(nanos(sample.total));
                self.first_byte.saturating_record(nanos(sample.first_byte));
                self.events += sample.events;
            }
            Err(error) => {
                self.failed += 1;
                self.first_failure.get_or_insert_with(|| format!("{error:#}"));
            }
        }
    }

    /// The result of `elapsed` seconds of measuring.
    pub(crate) fn report(&self, elapsed: Duration) -> Report<'_> {
        Report {
            seconds: elapsed.as_secs_f64(),
            ok: self.total.len(),
            failed: self.failed,
            first_failure: self.first_failure.as_deref(),
            events: self.events,
            latency_us: Quantiles::of(&self.total),
            first_byte_us: Quantiles::of(&self.first_byte),
        }
    }
}

/// The line of JSON that a run prints.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'a> {
    seconds: f64,
    ok: u64,
    failed: u64,
    first_failure: Option<&'a str>,
    events: u64,
    latency_us: Quantiles,
    first_byte_us: Quantiles,
}

/// Points of a distribution, in microseconds.
#[derive(Debug, Serialize)]
struct Quantiles {
    mean: f64,
    p50: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

impl Quantiles {
    fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
        Self {
            mean: histogram.mean() / 1000.0,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: histogram.max() as f64 / 1000.0,
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
