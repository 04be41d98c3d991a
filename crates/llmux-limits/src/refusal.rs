//! Why a request may not pass.

use std::fmt;

use llmux_core::{Money, tenancy::Timestamp};

use crate::meter::Scope;

/// What was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitKind {
    /// Requests in a minute.
    Requests,
    /// Tokens in a minute.
    Tokens,
    /// Requests at a time.
    Parallel,
    /// Money in a period.
    Budget,
}

impl LimitKind {
    /// LiteLLM's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::Parallel => "max_parallel_requests",
            Self::Budget => "budget",
        }
    }
}

/// Why a request may not pass. Shown, it is the message for the client, in LiteLLM's words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// Whose limit was reached.
    pub scope: Scope,
    /// Which one.
    pub kind: LimitKind,
    /// The limit of a rate.
    pub limit: u32,
    /// What is left of a rate.
    pub remaining: u32,
    /// What was spent of a budget, what is reserved included.
    pub spent: Money,
    /// The cap of a budget.
    pub cap: Money,
    /// When it is worth another try, in seconds since 1970; `None` if that cannot be told.
    pub resets_at: Option<u64>,
}

impl Refusal {
    pub(crate) fn rate(
        scope: &Scope,
        kind: LimitKind,
        limit: u32,
        used: u32,
        resets_at: Option<u64>,
    ) -> Self {
        let remaining = limit.saturating_sub(used);
        let (spent, cap) = (Money::ZERO, Money::ZERO);
        Self { scope: scope.clone(), kind, limit, remaining, spent, cap, resets_at }
    }

    pub(crate) fn budget(scope: &Scope, spent: Money, cap: Money, resets_at: Option<u64>) -> Self {
        Self { scope: scope.clone(), kind: LimitKind::Budget, limit: 0, remaining: 0, spent, cap, resets_at }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == LimitKind::Budget {
            let (spent, cap) = (self.spent, self.cap);
            return write!(
                f,
                "Budget has been exceeded! {}. Current cost: {spent}, Max budget: {cap}",
                self.scope
            );
        }
        let (scope, kind, limit, left) = (&self.scope, self.kind.as_str(), self.limit, self.remaining);
        write!(
            f,
            "Rate limit exceeded for {scope}. Limit type: {kind}. Current limit: {limit}, Remaining: {left}."
        )?;
        let Some(at) = self.resets_at else { return Ok(()) };
        let millis = i64::try_from(at.saturating_mul(1_000)).unwrap_or(i64::MAX);
        let date = Timestamp::from_millis(millis).date();
        let (hour, minute, second) = (at / 3_600 % 24, at / 60 % 60, at % 60);
        write!(f, " Limit resets at: {date} {hour:02}:{minute:02}:{second:02} UTC")
    }
}
