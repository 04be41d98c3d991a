//! Requests with a priority that wait until a deployment may serve them again, where others are refused.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use llmux_core::{Error, ErrorKind};
use tokio::time::{Instant, sleep};

use crate::{group::Member, mask::Mask, pick::Choice};

/// Those that wait, by priority, then by arrival.
#[derive(Debug, Default)]
pub(crate) struct Line {
    next: AtomicU64,
    waiting: Mutex<BTreeSet<(u8, u64)>>,
}

/// A place in the line, until it is dropped.
struct Turn<'a> {
    line: &'a Line,
    key: (u8, u64),
}

impl Line {
    fn join(&self, priority: u8) -> Turn<'_> {
        let key = (priority, self.next.fetch_add(1, Ordering::Relaxed));
        self.lock().insert(key);
        Turn { line: self, key }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<(u8, u64)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    fn is_next(&self) -> bool {
        self.line.lock().first() == Some(&self.key)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.line.lock().remove(&self.key);
    }
}

/// Chooses a deployment as soon as one may serve the request: the one with the lowest number first. Without a priority,
/// and when something else is wrong than that all are at their limits or left alone, the refusal stands.
///
/// # Errors
/// The refusal, or 408 when nobody was free in time.
pub(crate) async fn wait(
    choice: Choice<'_>,
    tried: &Mask,
    refusal: Error,
) -> Result<(usize, Arc<Member>), Error> {
    let policy = &choice.shared.policy;
    let priority = choice.priority();
    let Some(priority) = priority.filter(|_| refusal.code() == Some("no_deployments_available")) else {
        return Err(refusal);
    };
    let timeouts = choice.ask.overrides.timeouts.or(policy.timeouts);
    let patience = timeouts.total.unwrap_or(Duration::MAX);
    let (began, turn) = (Instant::now(), choice.group.state.line.join(priority));
    loop {
        sleep(policy.polling_interval).await;
        if turn.is_next() {
            match choice.secure(tried).await {
                Err(error) if error.code() != refusal.code() => return Err(error),
                Err(_) => {}
                chosen => return chosen,
            }
        }
        if began.elapsed() >= patience {
            let message = format!("no deployment of `{}` was free in time", choice.group.name);
            return Err(Error::new(ErrorKind::Timeout, message));
        }
    }
}
