//! What is spent at a provider by others than the router's own deployments.

use std::{sync::Arc, time::Duration};

use llmux_core::{Error, ErrorKind, Result};

use crate::{Router, group::Purse, state::RouterState};

/// A provider's budget, for requests that go to it without a deployment.
#[derive(Clone)]
pub struct Account {
    purse: Purse,
    state: Arc<RouterState>,
}

impl Account {
    /// Refuses when the budget is spent.
    ///
    /// # Errors
    /// 429, until the budget's next period.
    pub fn check(&self) -> Result<()> {
        let (purse, now) = (&self.purse, self.state.now());
        let total = purse.spend.total(now);
        if total < purse.budget.limit {
            return Ok(());
        }
        let message = format!("Exceeded budget for {}: {total} >= {}", purse.name, purse.budget.limit);
        let wait = purse.spend.left(now).map(Duration::from_millis);
        Err(Error::new(ErrorKind::RateLimited, message).with_code("budget_exceeded").with_retry_after(wait))
    }

    /// Counts an amount, in US dollars.
    pub fn pay(&self, dollars: f64) {
        self.purse.pay(dollars, self.state.now());
    }
}

impl Router {
    /// The budget of a provider; `None` if it has none.
    #[must_use]
    pub fn account(&self, provider: &str) -> Option<Account> {
        let budget = self.shared.policy.provider_budgets.get(provider)?;
        let state = Arc::clone(&self.shared.state);
        Some(Account { purse: Purse::new(format!("provider {provider}"), *budget, &state), state })
    }
}
