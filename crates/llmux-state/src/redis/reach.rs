//! Whether Redis answers, and whether it still knows what it knew.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

/// Answers in a row after which Redis is taken to be back: one that answers now and then is not.
const BACK: u32 = 3;

/// What is known of the server. Each change is logged, once.
pub(super) struct Reach {
    server: String,
    lost: AtomicBool,
    /// Answers since the last failure.
    answers: AtomicU32,
    /// What its memory was called last.
    epoch: Mutex<Option<String>>,
}

impl Reach {
    /// A server that was never asked is taken to be out of reach, without a word about it.
    pub(super) fn new(server: String) -> Self {
        Self {
            server,
            lost: AtomicBool::new(true),
            answers: AtomicU32::new(BACK - 1),
            epoch: Mutex::default(),
        }
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    pub(super) fn failed(&self, why: &str) {
        let never = self.answers.swap(0, Ordering::AcqRel) == BACK - 1 && self.epoch().is_none();
        if !self.lost.swap(true, Ordering::AcqRel) || never {
            tracing::warn!(
                server = self.server.as_str(),
                why,
                "the state that replicas share is out of reach: this replica goes on with what it knows"
            );
        }
    }

    /// Redis answered, and its memory has this name; tells whether it is another one than before.
    pub(super) fn answered(&self, epoch: &str) -> bool {
        let before = self.epoch().replace(epoch.to_owned());
        let emptied = before.as_deref().is_some_and(|before| before != epoch);
        if emptied {
            tracing::warn!(
                server = self.server.as_str(),
                "the state that replicas share has come back empty: it is made anew from what they know"
            );
        }
        let enough = self.answers.fetch_add(1, Ordering::AcqRel).saturating_add(1) >= BACK;
        if enough && self.lost.swap(false, Ordering::AcqRel) {
            tracing::info!(server = self.server.as_str(), "the state that replicas share is in reach");
        }
        emptied
    }

    fn epoch(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.epoch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_is_enough_at_the_start_and_several_after_a_loss() {
        let reach = Reach::new("here".to_owned());
        assert!(reach.is_lost());
        assert!(!reach.answered("a"));
        assert!(!reach.is_lost());
        reach.failed("no answer");
        assert!(!reach.answered("a") && !reach.answered("a") && reach.is_lost());
        reach.failed("no answer");
        assert!(!reach.answered("a") && !reach.answered("a") && reach.is_lost());
        assert!(reach.answered("b") && !reach.is_lost(), "the memory is another one");
    }
}
