//! Asking a second deployment beside one that takes long.

use std::{pin::pin, sync::Arc, time::Duration};

use futures::future::{Either, select};
use llmux_core::Error;

use crate::{
    ask::Opened,
    engine::{Router, Stop},
    group::Member,
    mask::Mask,
    policy::HedgePolicy,
    state::Permit,
};

/// A failed attempt.
pub(crate) struct Lost {
    /// The deployment's place.
    pub(crate) at: usize,
    pub(crate) member: Arc<Member>,
    pub(crate) error: Error,
    /// The place of the one that was asked beside it, and failed too.
    pub(crate) beside: Option<usize>,
}

/// Answers before which nobody knows how long they take.
const ENOUGH: usize = 5;

impl Router {
    /// Asks a deployment and, if hedging is on and it takes long, a second one too. The first answer wins; the
    /// other exchange is cancelled, so that it is neither waited for nor counted.
    pub(crate) async fn visit_or_hedge(
        &self,
        stop: Stop<'_>,
        (at, member): (usize, Arc<Member>),
        place: &mut Permit,
        tried: &Mask,
    ) -> Result<(Arc<Member>, Opened), Lost> {
        // A form is read once, so it goes to one deployment at a time.
        let hedges = stop.choice.group.members.len() > 1 && stop.choice.ask.upload.is_none();
        let wait = self.shared.policy.hedge.filter(|_| hedges);
        if let Some(wait) = wait.and_then(|hedge| delay(hedge, &member, stop)) {
            let mut tried = tried.clone();
            tried.add(at);
            return Box::pin(self.race(stop, (at, member), place, tried, wait)).await;
        }
        match self.visit(stop, &member, place.take()).await {
            Ok(opened) => Ok((member, opened)),
            Err((error, permit)) => {
                *place = permit;
                Err(Lost { at, member, error, beside: None })
            }
        }
    }

    async fn race(
        &self,
        stop: Stop<'_>,
        (at, member): (usize, Arc<Member>),
        place: &mut Permit,
        tried: Mask,
        wait: Duration,
    ) -> Result<(Arc<Member>, Opened), Lost> {
        let mut first = pin!(self.visit(stop, &member, place.take()));
        let lost = |error, beside| Lost { at, member: Arc::clone(&member), error, beside };
        if let Either::Left((done, _)) = select(first.as_mut(), pin!(tokio::time::sleep(wait))).await {
            return won(done, &member).map_err(|error| lost(error, None));
        }
        let second = if self.may_hedge(stop) { stop.choice.secure(&tried).await.ok() } else { None };
        let Some((beside, other)) = second else {
            return won(first.await, &member).map_err(|error| lost(error, None));
        };
        let mut second = pin!(self.visit(stop, &other, None));
        // Whoever fails leaves it to the other one; the error is that of the deployment that was chosen first.
        match select(first.as_mut(), second.as_mut()).await {
            Either::Left((Ok(opened), _)) => Ok((Arc::clone(&member), opened)),
            Either::Right((Ok(opened), _)) => Ok((Arc::clone(&other), opened)),
            Either::Left((Err((error, _)), second)) => {
                won(second.await, &other).map_err(|_| lost(error, Some(beside)))
            }
            Either::Right((Err(_), first)) => {
                won(first.await, &member).map_err(|error| lost(error, Some(beside)))
            }
        }
    }

    /// A second exchange counts as one more attempt, where there may be only so many.
    fn may_hedge(&self, stop: Stop<'_>) -> bool {
        let state = &stop.choice.shared.state;
        let allowed =
            |budget: crate::retry::RetryBudget| state.retries.retry(state.now(), budget.share, budget.least);
        self.shared.policy.retry.budget.is_none_or(allowed)
    }
}

fn won(done: Result<Opened, (Error, Permit)>, member: &Arc<Member>) -> Result<(Arc<Member>, Opened), Error> {
    done.map(|opened| (Arc::clone(member), opened)).map_err(|(error, _)| error)
}

/// How long to wait for the first deployment alone.
fn delay(hedge: HedgePolicy, member: &Member, stop: Stop<'_>) -> Option<Duration> {
    match hedge {
        HedgePolicy::After(time) => Some(time),
        HedgePolicy::Percentile(p) => {
            let (stats, now) = (&member.state.stats, stop.choice.shared.state.now());
            let samples = stats.opening();
            let known = samples.recent(ENOUGH, TTL, now).count() >= ENOUGH;
            let time = samples.percentile(p, usize::MAX, TTL, now).filter(|_| known)?;
            Duration::try_from_secs_f64(time).ok()
        }
    }
}

/// Seconds for which a measurement counts.
const TTL: u64 = 3_600;
