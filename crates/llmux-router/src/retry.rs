//! Whether, where and when to try again: data and pure functions.

use std::time::Duration;

use llmux_core::{Error, Retry};

/// How often and how patiently a request is tried again.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Further attempts after the first.
    pub retries: u32,
    /// The shortest pause before another attempt at the same deployment.
    pub min_pause: Duration,
    /// The first pause of the exponential back-off.
    pub base_pause: Duration,
    /// The longest pause of the back-off.
    pub max_pause: Duration,
    /// The longest wait that a provider may ask for; when it asks for more, the error goes to the client.
    pub max_retry_after: Duration,
}

impl Default for RetryPolicy {
    /// LiteLLM's figures: two retries, half a second doubled up to eight seconds, waits of up to a minute.
    fn default() -> Self {
        Self {
            retries: 2,
            min_pause: Duration::ZERO,
            base_pause: Duration::from_millis(500),
            max_pause: Duration::from_secs(8),
            max_retry_after: Duration::from_secs(60),
        }
    }
}

/// What to do after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Try a deployment that has not been tried, at once.
    Elsewhere,
    /// Try any deployment again after a pause.
    After(Duration),
    /// Give the error to the client.
    Stop,
}

impl RetryPolicy {
    /// Decides after attempt number `attempt` (the first is 0) failed. `untried` tells whether another
    /// deployment is left; `random` spreads the pauses.
    pub(crate) fn decide(&self, error: &Error, attempt: u32, untried: bool, random: u64) -> Decision {
        if attempt >= self.retries {
            return Decision::Stop;
        }
        match (error.retry(), untried) {
            (Retry::Never, _) | (Retry::Elsewhere, false) => Decision::Stop,
            (_, true) => Decision::Elsewhere,
            (_, false) => self.pause(error, attempt, random),
        }
    }

    fn pause(&self, error: &Error, attempt: u32, random: u64) -> Decision {
        if let Some(asked) = error.retry_after() {
            return if asked > self.max_retry_after {
                Decision::Stop
            } else {
                Decision::After(asked.max(self.min_pause))
            };
        }
        let doubled = self.base_pause.saturating_mul(2_u32.saturating_pow(attempt)).min(self.max_pause);
        // Between a quarter and all of it, so that clients that failed together do not return together.
        let share = 0.25 + 0.75 * (random as f64 / u64::MAX as f64);
        Decision::After(doubled.mul_f64(share).max(self.min_pause))
    }
}

#[cfg(test)]
mod tests {
    use llmux_core::ErrorKind;

    use super::*;

    const POLICY: fn() -> RetryPolicy = RetryPolicy::default;

    #[test]
    fn another_deployment_is_tried_at_once_and_the_same_one_after_a_growing_pause() {
        let busy = Error::upstream(ErrorKind::Unavailable, "busy");
        assert_eq!(POLICY().decide(&busy, 0, true, 0), Decision::Elsewhere);
        assert_eq!(POLICY().decide(&busy, 0, false, u64::MAX), Decision::After(Duration::from_millis(500)));
        assert_eq!(POLICY().decide(&busy, 1, false, u64::MAX), Decision::After(Duration::from_secs(1)));
        assert_eq!(POLICY().decide(&busy, 2, true, 0), Decision::Stop);
    }

    #[test]
    fn what_would_fail_everywhere_or_here_again_is_not_repeated() {
        let mistake = Error::upstream(ErrorKind::InvalidRequest, "no");
        assert_eq!(POLICY().decide(&mistake, 0, true, 0), Decision::Stop);
        let bad_key = Error::upstream(ErrorKind::Authentication, "no");
        assert_eq!(POLICY().decide(&bad_key, 0, false, 0), Decision::Stop);
        assert_eq!(POLICY().decide(&bad_key, 0, true, 0), Decision::Elsewhere);
    }

    #[test]
    fn a_provider_is_obeyed_when_it_asks_for_a_wait_unless_it_is_too_long() {
        let asks = |seconds| {
            let wait = Some(Duration::from_secs(seconds));
            Error::upstream(ErrorKind::RateLimited, "later").with_retry_after(wait)
        };
        assert_eq!(POLICY().decide(&asks(3), 0, false, 0), Decision::After(Duration::from_secs(3)));
        assert_eq!(POLICY().decide(&asks(600), 0, false, 0), Decision::Stop);
    }
}
