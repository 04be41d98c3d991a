//! What other replicas have added to a deployment's counters.

use std::sync::{Mutex, PoisonError};

use llmux_core::Moment;

use super::DeploymentState;

/// The figures of a deployment that replicas add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// The minute that the following four belong to.
    pub(crate) minute: u64,
    /// Requests, tokens, answers and failures.
    pub(crate) counts: [u64; 4],
    pub(crate) in_flight: u64,
}

/// What of a deployment's counters comes from other replicas: it was added to the counters themselves, so that
/// requests read one figure. Only the task that speaks with other replicas looks here.
#[derive(Debug, Default)]
pub(crate) struct Merged(Mutex<Figures>);

impl DeploymentState {
    /// What this replica itself has counted.
    pub(crate) fn own_figures(&self, now: Moment) -> Figures {
        let others = self.merged.of(now);
        let mut own = Figures { minute: now.minute(), ..Figures::default() };
        for ((own, window), others) in own.counts.iter_mut().zip(self.windows()).zip(others.counts) {
            *own = window.count(now).saturating_sub(others);
        }
        own.in_flight = self.stats.in_flight().saturating_sub(others.in_flight);
        own
    }

    /// Makes the counters hold what this replica has counted and what the others have.
    pub(crate) fn merge(&self, others: &Figures, now: Moment) {
        let before = self.merged.replace(others, now);
        for ((window, before), after) in self.windows().into_iter().zip(before.counts).zip(others.counts) {
            if after > before {
                window.add(now, after.saturating_sub(before));
            } else if after < before {
                window.give_back(now, before.saturating_sub(after));
            }
        }
        if others.in_flight != before.in_flight {
            self.stats.adjust_in_flight(others.in_flight, before.in_flight);
        }
    }

    fn windows(&self) -> [&llmux_core::stats::MinuteWindow; 4] {
        [self.stats.requests(), self.stats.tokens(), &self.successes, &self.failures]
    }
}

impl Merged {
    /// What was added in the minute of `now`.
    fn of(&self, now: Moment) -> Figures {
        let merged = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if merged.minute == now.minute() { merged } else { Figures { counts: [0; 4], ..merged } }
    }

    fn replace(&self, others: &Figures, now: Moment) -> Figures {
        let before = self.of(now);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Figures { minute: now.minute(), ..*others };
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_count_is_seen_and_not_taken_for_ones_own() {
        let (state, now) = (DeploymentState::default(), Moment::from_millis(60_000));
        state.stats.requests().add(now, 2);
        state.stats.enter();
        let others = Figures { minute: 1, counts: [5, 70, 4, 1], in_flight: 3 };
        state.merge(&others, now);
        assert_eq!((state.stats.requests().count(now), state.stats.in_flight()), (7, 4));
        assert_eq!(state.outcomes(now), (4, 1));
        let own = state.own_figures(now);
        assert_eq!((own.counts, own.in_flight), ([2, 0, 0, 0], 1));
        state.merge(&Figures { in_flight: 1, ..others }, now);
        assert_eq!((state.stats.requests().count(now), state.stats.in_flight()), (7, 2));

        let next = Moment::from_millis(120_000);
        assert_eq!(state.own_figures(next).counts, [0; 4]);
        state.merge(&Figures { minute: 2, counts: [1, 0, 0, 0], in_flight: 0 }, next);
        assert_eq!((state.stats.requests().count(next), state.stats.in_flight()), (1, 1));
    }
}
