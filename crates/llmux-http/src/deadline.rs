//! The limits of one exchange, on one timer.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use llmux_core::{Error, ErrorKind, Timeouts};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::failure::Target;

/// Watches the limits of an exchange while nothing arrives.
///
/// Looked at only when there is nothing to read: what arrives without waiting costs no clock reading, and a
/// client that reads slowly is not mistaken for a provider that has stalled.
pub(crate) struct Deadlines {
    limits: Timeouts,
    started: Instant,
    /// Whether a byte of the body has arrived.
    begun: bool,
    /// The limit that the timer stands for; `None` when it has to be set anew.
    armed: Option<Phase>,
    timer: Option<Pin<Box<Sleep>>>,
}

#[derive(Clone, Copy)]
enum Phase {
    FirstByte(Duration),
    BetweenBytes(Duration),
    Total(Duration),
}

impl Deadlines {
    pub(crate) fn new(limits: Timeouts) -> Self {
        Self { limits, started: Instant::now(), begun: false, armed: None, timer: None }
    }

    /// Part of the body has arrived.
    pub(crate) fn progressed(&mut self) {
        self.begun = true;
        self.armed = None;
    }

    /// Ready when a limit has passed; otherwise the task is woken when one does.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, target: &Target) -> Poll<Error> {
        let phase = match self.armed {
            Some(phase) => phase,
            None => {
                let Some((at, phase)) = self.next() else { return Poll::Pending };
                match &mut self.timer {
                    Some(timer) => timer.as_mut().reset(at),
                    None => self.timer = Some(Box::pin(sleep_until(at))),
                }
                *self.armed.insert(phase)
            }
        };
        match &mut self.timer {
            Some(timer) => timer.as_mut().poll(cx).map(|()| phase.error(target)),
            None => Poll::Pending,
        }
    }

    /// The limit that passes first, and when.
    fn next(&self) -> Option<(Instant, Phase)> {
        let total = self.limits.total.map(|limit| (self.started + limit, Phase::Total(limit)));
        let phase = if self.begun {
            self.limits.between_bytes.map(|limit| (Instant::now() + limit, Phase::BetweenBytes(limit)))
        } else {
            self.limits.first_byte.map(|limit| (self.started + limit, Phase::FirstByte(limit)))
        };
        [phase, total].into_iter().flatten().min_by_key(|(at, _)| *at)
    }
}

impl Phase {
    fn error(self, target: &Target) -> Error {
        let message = match self {
            Self::FirstByte(limit) => {
                format!("first-byte timeout: {target} sent no answer within {limit:?}")
            }
            Self::BetweenBytes(limit) => format!("stall timeout: {target} sent nothing for {limit:?}"),
            Self::Total(limit) => format!("total timeout: {target} was not done within {limit:?}"),
        };
        Error::upstream(ErrorKind::Timeout, message)
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, task::Waker};

    use super::*;

    const LIMIT: Duration = Duration::from_millis(10);

    fn begun(limits: impl FnOnce(&mut Timeouts)) -> Deadlines {
        let mut timeouts = Timeouts::default();
        limits(&mut timeouts);
        let mut deadlines = Deadlines::new(timeouts);
        deadlines.progressed();
        deadlines
    }

    fn target() -> Target {
        Target::of(&"https://user:secret@h/path?key=secret".parse().unwrap())
    }

    #[tokio::test]
    async fn a_reader_that_takes_its_time_is_no_stalled_provider() {
        let mut deadlines = begun(|limits| limits.between_bytes = Some(LIMIT));
        tokio::time::sleep(3 * LIMIT).await;
        // Only from here on somebody waits for the provider.
        let mut cx = Context::from_waker(Waker::noop());
        assert!(deadlines.poll(&mut cx, &target()).is_pending());
        let error = poll_fn(|cx| deadlines.poll(cx, &target())).await;
        assert_eq!(error.message(), "stall timeout: h:443 sent nothing for 10ms");
    }

    #[tokio::test]
    async fn the_limit_that_passes_first_is_named() {
        let mut deadlines = begun(|limits| {
            (limits.between_bytes, limits.total) = (Some(Duration::from_secs(600)), Some(LIMIT));
        });
        let error = poll_fn(|cx| deadlines.poll(cx, &target())).await;
        assert_eq!(error.message(), "total timeout: h:443 was not done within 10ms");
    }

    #[tokio::test]
    async fn without_limits_there_is_no_timer() {
        let mut deadlines = begun(|_| {});
        let mut cx = Context::from_waker(Waker::noop());
        assert!(deadlines.poll(&mut cx, &target()).is_pending());
        assert!(deadlines.timer.is_none());
    }
}
