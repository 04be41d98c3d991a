//! Choosing one deployment among those that may serve a request.

use crate::{
    DeploymentId,
    stats::{DeploymentStats, Moment, UNUSED},
};

/// What a strategy sees of a deployment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Candidate<'a> {
    /// The deployment.
    pub id: &'a DeploymentId,
    /// Share of the traffic, if any: the request's own weight, else the configured one.
    pub weight: Option<f64>,
    /// Configured capacity in requests per minute, if any.
    pub rpm: Option<u64>,
    /// Configured capacity in tokens per minute, if any.
    pub tpm: Option<u64>,
    /// Price of a prompt token and of an answer token, in US dollars, where it is known.
    pub prices: Option<TokenPrices>,
    /// Its place in a routing group: lower is asked first.
    pub priority: Option<u32>,
    /// What happened at it lately.
    pub stats: &'a DeploymentStats,
}

/// The price of a token, in US dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TokenPrices {
    /// Of a prompt token.
    pub input: f64,
    /// Of an answer token.
    pub output: f64,
}

impl<'a> Candidate<'a> {
    /// A candidate with no configured share or capacity, that was never asked.
    #[must_use]
    pub fn new(id: &'a DeploymentId) -> Self {
        Self { id, weight: None, rpm: None, tpm: None, prices: None, priority: None, stats: &UNUSED }
    }

    /// Sets the share of the traffic.
    #[must_use]
    pub fn with_weight(mut self, weight: Option<f64>) -> Self {
        self.weight = weight;
        self
    }

    /// Sets the configured capacities: requests and tokens per minute.
    #[must_use]
    pub fn with_capacity(mut self, rpm: Option<u64>, tpm: Option<u64>) -> Self {
        self.rpm = rpm;
        self.tpm = tpm;
        self
    }

    /// Sets the price of its tokens.
    #[must_use]
    pub fn with_prices(mut self, prices: Option<TokenPrices>) -> Self {
        self.prices = prices;
        self
    }

    /// Sets its place in a routing group.
    #[must_use]
    pub fn with_priority(mut self, priority: Option<u32>) -> Self {
        self.priority = priority;
        self
    }

    /// Sets what happened at it lately.
    #[must_use]
    pub fn with_stats(mut self, stats: &'a DeploymentStats) -> Self {
        self.stats = stats;
        self
    }
}

/// What is particular to this choice.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PickContext {
    /// A uniformly random number; the only entropy a strategy may use, so that choices can be replayed.
    pub random: u64,
    /// How many choices were made in this group before.
    pub turn: u64,
    /// When the choice is made.
    pub now: Moment,
    /// Whether the answer is to be streamed.
    pub stream: bool,
}

impl PickContext {
    /// A context that offers this random number: the group's first choice, for a whole answer.
    #[must_use]
    pub fn new(random: u64) -> Self {
        Self { random, turn: 0, now: Moment::default(), stream: false }
    }

    /// Says how many choices were made in this group before.
    #[must_use]
    pub fn with_turn(mut self, turn: u64) -> Self {
        self.turn = turn;
        self
    }

    /// Says when the choice is made.
    #[must_use]
    pub fn at(mut self, now: Moment) -> Self {
        self.now = now;
        self
    }

    /// Says whether the answer is to be streamed.
    #[must_use]
    pub fn with_stream(mut self, stream: bool) -> Self {
        self.stream = stream;
        self
    }
}

/// What a strategy wants of the configured requests and tokens per minute. The router sees to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LimitUse {
    /// They limit nothing.
    #[default]
    Ignore,
    /// Deployments that have reached one are no candidates.
    Observe,
    /// As before, and a request is counted before it is sent: the limit of requests is never exceeded.
    Enforce,
}

/// Picks one of the candidates.
///
/// Behaviour that the router relies on:
/// - the answer is an index into `candidates`, or `None` exactly when there are none;
/// - it is fast, never blocks, and needs no memory of its own: the router records statistics;
/// - the same candidates with the same statistics and the same context give the same answer.
pub trait Strategy: Send + Sync {
    /// The index of the chosen candidate.
    fn pick(&self, candidates: &[Candidate<'_>], cx: &PickContext) -> Option<usize>;

    /// What becomes of the configured limits per minute.
    fn limits(&self) -> LimitUse {
        LimitUse::Ignore
    }
}
