//! What was measured.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::api::{ApiError, Usage};

/// The longest time that is told apart, in microseconds: an hour.
const LONGEST_US: u64 = 3_600_000_000;

/// One exchange that went well.
#[derive(Debug, Default)]
pub(super) struct Sample {
    /// From the moment the request was due to the end of the answer.
    pub(super) total: Duration,
    /// To the first token, for streams.
    pub(super) first: Option<Duration>,
    /// Between arrivals of events, for streams.
    pub(super) gaps: Vec<Duration>,
    /// Events, for streams.
    pub(super) events: u64,
    /// What the server says it cost.
    pub(super) usage: Option<Usage>,
}

/// Everything that was measured so far.
#[derive(Debug)]
pub(super) struct Stats {
    total: Histogram<u64>,
    first: Histogram<u64>,
    gaps: Histogram<u64>,
    events: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    errors: BTreeMap<String, u64>,
    first_error: Option<String>,
}

impl Stats {
    /// Nothing yet.
    pub(super) fn new() -> anyhow::Result<Self> {
        let histogram = || Histogram::new_with_bounds(1, LONGEST_US, 3);
        Ok(Self {
            total: histogram()?,
            first: histogram()?,
            gaps: histogram()?,
            events: 0,
            prompt_tokens: 0,
            completion_tokens: 0,
            errors: BTreeMap::new(),
            first_error: None,
        })
    }

    /// Adds the outcome of one exchange.
    pub(super) fn record(&mut self, outcome: Result<Sample, ApiError>) {
        match outcome {
            Ok(sample) => self.record_sample(&sample),
            Err(error) => {
                *self.errors.entry(error.label()).or_default() += 1;
                self.first_error.get_or_insert_with(|| error.to_string());
            }
        }
    }

    fn record_sample(&mut self, sample: &Sample) {
        self.total.saturating_record(micros(sample.total));
        if let Some(first) = sample.first {
            self.first.saturating_record(micros(first));
        }
        for gap in &sample.gaps {
            self.gaps.saturating_record(micros(*gap));
        }
        self.events += sample.events;
        let usage = sample.usage.unwrap_or_default();
        self.prompt_tokens += usage.prompt();
        self.completion_tokens += usage.completion();
    }

    /// Exchanges that went well.
    pub(super) fn ok(&self) -> u64 {
        self.total.len()
    }

    /// Exchanges that failed.
    pub(super) fn failed(&self) -> u64 {
        self.errors.values().sum()
    }

    /// All exchanges.
    pub(super) fn sent(&self) -> u64 {
        self.ok() + self.failed()
    }

    /// Streamed events.
    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// Tokens of requests and of answers.
    pub(super) fn tokens(&self) -> (u64, u64) {
        (self.prompt_tokens, self.completion_tokens)
    }

    /// How often each kind of failure came.
    pub(super) fn errors(&self) -> &BTreeMap<String, u64> {
        &self.errors
    }

    /// The first failure in full.
    pub(super) fn first_error(&self) -> Option<&str> {
        self.first_error.as_deref()
    }

    /// Times of whole exchanges.
    pub(super) fn latency(&self) -> Option<Spread> {
        Spread::of(&self.total)
    }

    /// Times to the first token.
    pub(super) fn first_token(&self) -> Option<Spread> {
        Spread::of(&self.first)
    }

    /// Times between events.
    pub(super) fn gaps(&self) -> Option<Spread> {
        Spread::of(&self.gaps)
    }
}

/// The shape of a distribution of times, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) mean: f64,
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p95: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

impl Spread {
    /// `None` when nothing was recorded.
    fn of(histogram: &Histogram<u64>) -> Option<Self> {
        let at = |quantile| millis(histogram.value_at_quantile(quantile));
        (!histogram.is_empty()).then(|| Self {
            mean: (histogram.mean().round()) / 1000.0,
            p50: at(0.50),
            p90: at(0.90),
            p95: at(0.95),
            p99: at(0.99),
            max: millis(histogram.max()),
        })
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(millis: u64) -> Result<Sample, ApiError> {
        Ok(Sample { total: Duration::from_millis(millis), ..Sample::default() })
    }

    #[test]
    fn quantiles_come_from_all_samples() {
        let mut stats = Stats::new().unwrap();
        (1..=100).for_each(|millis| stats.record(sample(millis)));
        let spread = stats.latency().unwrap();
        for (found, wanted) in
            [(spread.p50, 50.0), (spread.p99, 99.0), (spread.max, 100.0), (spread.mean, 50.5)]
        {
            assert!((found - wanted).abs() / wanted < 0.01, "{found} for {wanted}");
        }
        assert_eq!(stats.first_token(), None);
    }

    #[test]
    fn failures_are_counted_by_kind_and_the_first_is_kept() {
        let mut stats = Stats::new().unwrap();
        for text in ["one", "two"] {
            stats.record(Err(ApiError::Unexpected(text.to_owned())));
        }
        stats.record(sample(1));
        assert_eq!((stats.sent(), stats.ok(), stats.failed()), (3, 1, 2));
        assert_eq!(stats.errors().get("unexpected answer"), Some(&2));
        assert_eq!(stats.first_error(), Some("unexpected answer: one"));
    }
}
