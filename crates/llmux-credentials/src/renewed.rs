//! Holding something that expires, and renewing it ahead of time, once for everybody.

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use futures::{
    FutureExt,
    future::{self, BoxFuture, Shared},
};
use llmux_core::{Error, ErrorKind, Result};

use crate::Clock;

/// How long before its expiry something is renewed, at most; things that live shorter, a quarter of their life.
const AHEAD: Duration = Duration::from_secs(300);
/// How long before its expiry something is not used any more: requests take time to arrive, and clocks differ.
const MARGIN: Duration = Duration::from_secs(10);
/// Something younger than this that was refused would not be better if it were fetched again.
const NEW: Duration = Duration::from_secs(30);
/// The longest pause after failed renewals.
const MAX_PAUSE: u64 = 8;

/// Fetches what [`Renewed`] holds.
#[async_trait]
pub trait Issuer<T>: Send + Sync {
    /// Fetches it anew.
    ///
    /// # Errors
    /// When it cannot be had; the error is told to everybody who waits for it, and never contains a secret.
    async fn issue(&self) -> Result<Issued<T>>;
}

/// Something fetched, and until when it is good.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Issued<T> {
    /// What was fetched.
    pub value: T,
    /// When it expires; `None` for never.
    pub expires: Option<SystemTime>,
}

impl<T> Issued<T> {
    /// Something that expires then, or never.
    #[must_use]
    pub fn new(value: T, expires: Option<SystemTime>) -> Self {
        Self { value, expires }
    }
}

/// Something fetched that is held.
pub struct Held<T> {
    value: T,
    since: SystemTime,
    renew_at: Option<SystemTime>,
    unusable_at: Option<SystemTime>,
}

impl<T> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Held<T> {
    fn new(issued: Issued<T>, now: SystemTime) -> Self {
        let before = |expires: SystemTime, longest: Duration| {
            let life = expires.duration_since(now).unwrap_or_default();
            expires.checked_sub(longest.min(life / 4)).unwrap_or(now)
        };
        Self {
            value: issued.value,
            since: now,
            renew_at: issued.expires.map(|expires| before(expires, AHEAD)),
            unusable_at: issued.expires.map(|expires| before(expires, MARGIN)),
        }
    }

    fn is_fresh(&self, now: SystemTime) -> bool {
        self.renew_at.is_none_or(|at| now < at)
    }

    fn is_usable(&self, now: SystemTime) -> bool {
        self.unusable_at.is_none_or(|at| now < at)
    }
}

/// A value that expires and is renewed: ahead of time, by one fetch that all callers share.
///
/// It needs no runtime and starts no task: the callers' own polling drives the fetch. As long as the old value is
/// good nobody waits; each caller moves the fetch on and takes the old value. Once it is not, callers wait for the
/// fetch. A fetch goes on when the caller that began it goes away. After a failed one there is a short pause, so
/// that a token endpoint in trouble is not asked by every request.
pub struct Renewed<T> {
    issuer: Arc<dyn Issuer<T>>,
    clock: Clock,
    current: ArcSwapOption<Held<T>>,
    renewal: Mutex<Renewal<T>>,
}

type Running<T> = Shared<BoxFuture<'static, Result<Arc<Held<T>>, Failure>>>;

struct Renewal<T> {
    running: Option<Running<T>>,
    failed: Option<(Failure, SystemTime)>,
    failures: u32,
}

/// What every caller who waited is told.
#[derive(Clone)]
struct Failure {
    kind: ErrorKind,
    message: Arc<str>,
}

impl Failure {
    fn of(error: &Error) -> Self {
        Self { kind: error.kind(), message: error.message().into() }
    }

    fn error(&self) -> Error {
        Error::new(self.kind, &*self.message)
    }
}

impl<T: Send + Sync + 'static> Renewed<T> {
    /// Holds what `issuer` gives. Nothing is fetched yet.
    #[must_use]
    pub fn new(issuer: Arc<dyn Issuer<T>>, clock: Clock) -> Self {
        let renewal = Mutex::new(Renewal { running: None, failed: None, failures: 0 });
        Self { issuer, clock, current: ArcSwapOption::empty(), renewal }
    }

    /// The value: at once while there is a good one, else once it has been fetched.
    ///
    /// # Errors
    /// The issuer's, when there is no good value and none can be had.
    pub async fn current(&self) -> Result<Arc<Held<T>>> {
        let now = self.clock.now();
        let held = self.current.load_full();
        let usable = match held {
            Some(held) if held.is_fresh(now) => return Ok(held),
            held => held.filter(|held| held.is_usable(now)),
        };
        match (self.running(now), usable) {
            (Ok(running), None) => {
                let result = running.clone().await;
                self.settle(&running, &result);
                result.map_err(|failure| failure.error())
            }
            (Ok(running), Some(held)) => Ok(match running.clone().now_or_never() {
                Some(result) => {
                    self.settle(&running, &result);
                    result.unwrap_or(held)
                }
                None => held,
            }),
            (Err(_), Some(held)) => Ok(held),
            (Err(failure), None) => Err(failure.error()),
        }
    }

    /// Lets go of the value, because it was refused though it had not expired. Gives whether fetching it anew may
    /// help; one that was fetched just now is kept.
    pub fn discard(&self) -> bool {
        let now = self.clock.now();
        let old = |held: &Arc<Held<T>>| now.duration_since(held.since).is_ok_and(|age| age >= NEW);
        let discarded = self.current.load().as_ref().is_some_and(old);
        if discarded {
            self.current.store(None);
        }
        discarded
    }

    /// The fetch that is going on, or a new one; the last failure while it is too early for another.
    fn running(&self, now: SystemTime) -> Result<Running<T>, Failure> {
        let mut renewal = self.renewal();
        if let Some(running) = &renewal.running {
            return Ok(running.clone());
        }
        // Somebody else may have been faster between the look at the value and the lock.
        if let Some(held) = self.current.load_full().filter(|held| held.is_fresh(now)) {
            return Ok(future::ready(Ok(held)).boxed().shared());
        }
        if let Some((failure, until)) = renewal.failed.as_ref().filter(|(_, until)| now < *until) {
            let _ = until;
            return Err(failure.clone());
        }
        let (issuer, clock) = (Arc::clone(&self.issuer), self.clock.clone());
        let fetch = async move {
            let issued = issuer.issue().await.map_err(|error| Failure::of(&error))?;
            Ok(Arc::new(Held::new(issued, clock.now())))
        };
        let running = fetch.boxed().shared();
        renewal.running = Some(running.clone());
        Ok(running)
    }

    /// Takes note of how a fetch ended; the first caller to see it does.
    fn settle(&self, running: &Running<T>, result: &Result<Arc<Held<T>>, Failure>) {
        let mut renewal = self.renewal();
        if !renewal.running.as_ref().is_some_and(|known| known.ptr_eq(running)) {
            return;
        }
        renewal.running = None;
        match result {
            Ok(held) => {
                self.current.store(Some(Arc::clone(held)));
                (renewal.failed, renewal.failures) = (None, 0);
            }
            Err(failure) => {
                let pause = 1_u64.checked_shl(renewal.failures).unwrap_or(MAX_PAUSE).clamp(1, MAX_PAUSE);
                let until = self.clock.now().checked_add(Duration::from_secs(pause));
                renewal.failed = until.map(|until| (failure.clone(), until));
                renewal.failures = renewal.failures.saturating_add(1);
            }
        }
    }

    /// Held for a few instructions, and only while the value is being renewed.
    fn renewal(&self) -> MutexGuard<'_, Renewal<T>> {
        self.renewal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for Renewed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Renewed")
    }
}
