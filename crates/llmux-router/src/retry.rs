//! Whether, where and when to try again: data and pure functions.

use std::{collections::HashMap, time::Duration};

use llmux_core::{Error, ErrorKind, Retry};

use crate::exception::{Exception, PerException};

/// The most by which a wait that a provider asks for is made longer.
const MOST_SPREAD: Duration = Duration::from_secs(1);

/// How often and how patiently a request is tried again.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Further attempts after the first.
    pub retries: u32,
    /// Further attempts by the class of the failure. A class named here is tried again whatever it is.
    pub by_class: PerException,
    /// The same for single model groups, in place of [`by_class`](Self::by_class).
    pub by_group: HashMap<String, PerException>,
    /// The shortest pause before another attempt at the same deployment.
    pub min_pause: Duration,
    /// The first pause of the exponential back-off.
    pub base_pause: Duration,
    /// The longest pause of the back-off.
    pub max_pause: Duration,
    /// The longest wait that a provider may ask for; when it asks for more, the error goes to the client.
    pub max_retry_after: Duration,
    /// The share of requests that further attempts may be, so that an outage is not answered with a storm.
    pub budget: Option<RetryBudget>,
}

/// How many further attempts all requests together may make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryBudget {
    /// As a share of the requests of the last ten seconds.
    pub share: f64,
    /// In ten seconds, however few requests there are.
    pub least: u64,
}

impl Default for RetryPolicy {
    /// LiteLLM's figures: two retries, half a second doubled up to eight seconds, waits of up to a minute.
    fn default() -> Self {
        Self {
            retries: 2,
            by_class: PerException::default(),
            by_group: HashMap::new(),
            min_pause: Duration::ZERO,
            base_pause: Duration::from_millis(500),
            max_pause: Duration::from_secs(8),
            max_retry_after: Duration::from_secs(60),
            budget: None,
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
    /// Give up on this group.
    Stop,
}

/// A failed attempt, as far as a decision needs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed<'a> {
    pub(crate) error: &'a Error,
    pub(crate) group: &'a str,
    /// Attempts made before this one.
    pub(crate) attempt: u32,
    /// Further attempts that the request or the deployment asks for.
    pub(crate) wanted: Option<u32>,
    /// Whether a deployment is left that was not tried.
    pub(crate) untried: bool,
    /// Whether other groups stand ready.
    pub(crate) fallbacks: bool,
    /// Whether this very failure has a fallback of its own.
    pub(crate) own_fallback: bool,
}

impl RetryPolicy {
    /// Decides after a failure. `random` spreads the pauses.
    pub(crate) fn decide(&self, failed: &Failed<'_>, random: u64) -> Decision {
        let class = Exception::of(failed.error);
        let policy = self.by_group.get(failed.group).unwrap_or(&self.by_class);
        let named = policy.named(class);
        if failed.attempt >= failed.wanted.or(policy.of(class)).unwrap_or(self.retries) || failed.own_fallback
        {
            return Decision::Stop;
        }
        let retry = match failed.error.retry() {
            Retry::Never if named.is_some_and(|count| count > 0) => Retry::Anywhere,
            other => other,
        };
        match (retry, failed.untried) {
            (Retry::Never, _) | (Retry::Elsewhere, false) => Decision::Stop,
            (_, true) => Decision::Elsewhere,
            // Waiting for one group makes no sense while another one is free.
            (_, false) if failed.fallbacks && failed.error.kind() == ErrorKind::RateLimited => Decision::Stop,
            (_, false) => self.pause(failed.error, failed.attempt, random),
        }
    }

    fn pause(&self, error: &Error, attempt: u32, random: u64) -> Decision {
        if let Some(asked) = error.retry_after() {
            // Never earlier than asked for, and a little later for some, so that not all come back at once.
            let later = (asked / 4).min(MOST_SPREAD).mul_f64(random as f64 / u64::MAX as f64);
            return if asked > self.max_retry_after {
                Decision::Stop
            } else {
                Decision::After(asked.saturating_add(later).max(self.min_pause))
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
    use super::*;

    fn failed(error: &Error) -> Failed<'_> {
        let (wanted, untried) = (None, false);
        Failed { error, group: "m", attempt: 0, wanted, untried, fallbacks: false, own_fallback: false }
    }

    fn decide(error: &Error, attempt: u32, untried: bool, random: u64) -> Decision {
        RetryPolicy::default().decide(&Failed { attempt, untried, ..failed(error) }, random)
    }

    #[test]
    fn another_deployment_is_tried_at_once_and_the_same_one_after_a_growing_pause() {
        let busy = Error::upstream(ErrorKind::Unavailable, "busy");
        assert_eq!(decide(&busy, 0, true, 0), Decision::Elsewhere);
        assert_eq!(decide(&busy, 0, false, u64::MAX), Decision::After(Duration::from_millis(500)));
        assert_eq!(decide(&busy, 1, false, u64::MAX), Decision::After(Duration::from_secs(1)));
        assert_eq!(decide(&busy, 2, true, 0), Decision::Stop);
    }

    #[test]
    fn what_would_fail_everywhere_or_here_again_is_not_repeated() {
        let mistake = Error::upstream(ErrorKind::InvalidRequest, "no");
        assert_eq!(decide(&mistake, 0, true, 0), Decision::Stop);
        let bad_key = Error::upstream(ErrorKind::Authentication, "no");
        assert_eq!(decide(&bad_key, 0, false, 0), Decision::Stop);
        assert_eq!(decide(&bad_key, 0, true, 0), Decision::Elsewhere);
    }

    #[test]
    fn a_provider_is_obeyed_when_it_asks_for_a_wait_unless_it_is_too_long() {
        let asks = |seconds| {
            let wait = Some(Duration::from_secs(seconds));
            Error::upstream(ErrorKind::RateLimited, "later").with_retry_after(wait)
        };
        assert_eq!(decide(&asks(3), 0, false, 0), Decision::After(Duration::from_secs(3)));
        assert_eq!(decide(&asks(600), 0, false, 0), Decision::Stop);
        let latest = decide(&asks(3), 0, false, u64::MAX);
        assert_eq!(latest, Decision::After(Duration::from_millis(3_750)), "not all come back at once");
    }

    #[test]
    fn the_number_is_the_requests_else_the_classes_else_the_routers() {
        let by_class = PerException::default().with(Exception::Timeout, 4).with(Exception::RateLimit, 0);
        let mut policy = RetryPolicy { by_class, ..RetryPolicy::default() };
        policy.by_class.default = Some(1);
        let tries = |policy: &RetryPolicy, kind, wanted, group| {
            let error = Error::upstream(kind, "no");
            let stops = |attempt: &u32| {
                let failed = Failed { attempt: *attempt, wanted, untried: true, group, ..failed(&error) };
                policy.decide(&failed, 0) == Decision::Stop
            };
            (0..99).find(stops).unwrap()
        };
        assert_eq!(tries(&policy, ErrorKind::Timeout, None, "m"), 4);
        assert_eq!(tries(&policy, ErrorKind::RateLimited, None, "m"), 0);
        assert_eq!(tries(&policy, ErrorKind::Unavailable, None, "m"), 1);
        assert_eq!(tries(&policy, ErrorKind::Timeout, Some(0), "m"), 0);
        policy.by_group.insert("n".to_owned(), PerException::default().with(Exception::Timeout, 1));
        assert_eq!(tries(&policy, ErrorKind::Timeout, None, "n"), 1);
        assert_eq!(
            tries(&policy, ErrorKind::RateLimited, None, "n"),
            2,
            "the group's policy replaces the other"
        );
    }

    #[test]
    fn a_class_that_a_policy_names_is_repeated_even_if_it_would_not_be() {
        let by_class = PerException::default().with(Exception::BadRequest, 1);
        let policy = RetryPolicy { by_class, ..RetryPolicy::default() };
        let mistake = Error::upstream(ErrorKind::InvalidRequest, "no");
        assert_eq!(policy.decide(&Failed { untried: true, ..failed(&mistake) }, 0), Decision::Elsewhere);
        let content = Error::upstream(ErrorKind::ContentPolicy, "no");
        assert_eq!(policy.decide(&Failed { untried: true, ..failed(&content) }, 0), Decision::Elsewhere);
    }

    #[test]
    fn a_busy_group_with_fallbacks_is_not_waited_for() {
        let busy = Error::upstream(ErrorKind::RateLimited, "busy");
        let decision = RetryPolicy::default().decide(&Failed { fallbacks: true, ..failed(&busy) }, 0);
        assert_eq!(decision, Decision::Stop);
    }
}
