//! Choosing one deployment among those that may serve a request.

use crate::DeploymentId;

/// What a strategy sees of a deployment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Candidate<'a> {
    /// The deployment.
    pub id: &'a DeploymentId,
    /// Configured share of the traffic, if any.
    pub weight: Option<f64>,
    /// Configured capacity in requests per minute, if any.
    pub rpm: Option<u64>,
    /// Configured capacity in tokens per minute, if any.
    pub tpm: Option<u64>,
}

impl<'a> Candidate<'a> {
    /// A candidate with no configured share or capacity.
    #[must_use]
    pub fn new(id: &'a DeploymentId) -> Self {
        Self { id, weight: None, rpm: None, tpm: None }
    }

    /// Sets the configured share of the traffic.
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
}

/// What is particular to this choice.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PickContext {
    /// A uniformly random number; the only entropy a strategy may use, so that choices can be replayed.
    pub random: u64,
}

impl PickContext {
    /// A context that offers this random number.
    #[must_use]
    pub fn new(random: u64) -> Self {
        Self { random }
    }
}

/// Picks one of the candidates.
///
/// Behaviour that the router relies on:
/// - the answer is an index into `candidates`, or `None` exactly when there are none;
/// - it is fast, never blocks, and needs no memory of its own: the router records statistics;
/// - the same candidates and the same context give the same answer.
pub trait Strategy: Send + Sync {
    /// The index of the chosen candidate.
    fn pick(&self, candidates: &[Candidate<'_>], cx: &PickContext) -> Option<usize>;
}
