//! What limits one scope.

use std::sync::Arc;

use crate::{
    budget::Budget,
    meter::{Meter, Scope},
};

/// How often one may ask. What is `None` is not limited; 0 lets nobody pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rates {
    /// Requests in a minute.
    pub requests: Option<u32>,
    /// Tokens in a minute, asked and answered.
    pub tokens: Option<u32>,
    /// Requests at a time.
    pub parallel: Option<u32>,
}

impl Rates {
    /// These limits; what is beyond 2³² − 1 is that.
    #[must_use]
    pub fn new(requests: Option<u64>, tokens: Option<u64>, parallel: Option<u64>) -> Self {
        let limit = |limit: Option<u64>| limit.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX));
        Self { requests: limit(requests), tokens: limit(tokens), parallel: limit(parallel) }
    }

    /// Whether nothing is limited.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

/// What limits one scope: its rates and budgets, over what its meter counts.
#[derive(Debug)]
pub struct Gate {
    pub(crate) scope: Scope,
    pub(crate) rates: Rates,
    pub(crate) budgets: Vec<Budget>,
    pub(crate) meter: Arc<Meter>,
}

impl Gate {
    /// A gate for this scope, over its meter.
    #[must_use]
    pub fn new(scope: Scope, meter: Arc<Meter>, rates: Rates, budgets: Vec<Budget>) -> Self {
        Self { scope, rates, budgets, meter }
    }

    /// What is limited.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Its rates.
    #[must_use]
    pub fn rates(&self) -> Rates {
        self.rates
    }

    /// Its budgets.
    #[must_use]
    pub fn budgets(&self) -> &[Budget] {
        &self.budgets
    }

    /// Whether it lets everything pass.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.rates.is_none() && self.budgets.is_empty()
    }
}
