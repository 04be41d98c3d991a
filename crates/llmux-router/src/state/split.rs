//! Tokens of a minute, prompts and answers apart, for limits on each.

use llmux_core::{Moment, stats::MinuteWindow};

use crate::{ask::Ask, group::Figures, tokens};

/// Tokens counted apart. Reserved before a request is sent, and set right when it is over.
#[derive(Debug, Default)]
pub(crate) struct SplitTokens {
    input: MinuteWindow,
    output: MinuteWindow,
}

/// Tokens that a request is taken to need: of its prompt, and of the longest answer that it allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) input: u64,
    pub(crate) output: u64,
}

/// Fields that say how long an answer may get, over all dialects.
const LIMITS: [&str; 3] = ["max_completion_tokens", "max_output_tokens", "max_tokens"];

impl Claim {
    /// A rough figure: the real one is known when the answer is there.
    pub(crate) fn of(ask: &Ask<'_>) -> Self {
        Self::new(ask, tokens::most(ask.body, ask.envelope))
    }

    /// The same for a prompt of so many bytes.
    pub(crate) fn new(ask: &Ask<'_>, most: u64) -> Self {
        let number = |name: &&str| {
            let raw = ask.envelope.get(ask.body, name)?;
            std::str::from_utf8(raw).ok()?.trim().parse().ok()
        };
        Self { input: most / 4, output: LIMITS.iter().find_map(number).unwrap_or_default() }
    }
}

impl SplitTokens {
    /// Whether a request still fits into this minute.
    pub(crate) fn has_room(&self, figures: &Figures, claim: Claim, now: Moment) -> bool {
        let fits = |window: &MinuteWindow, limit: Option<u64>, claim: u64| {
            limit.is_none_or(|limit| {
                let used = window.count(now);
                used < limit && used.saturating_add(claim) <= limit
            })
        };
        fits(&self.input, figures.itpm, claim.input) && fits(&self.output, figures.otpm, claim.output)
    }

    /// Reserves what a request is taken to need: both or nothing.
    pub(crate) fn reserve(&self, figures: &Figures, claim: Claim, now: Moment) -> bool {
        let limit = |limit: Option<u64>| limit.unwrap_or(u64::MAX);
        if !self.input.reserve(now, claim.input, limit(figures.itpm)) {
            return false;
        }
        let fits = self.output.reserve(now, claim.output, limit(figures.otpm));
        if !fits {
            self.input.give_back(now, claim.input);
        }
        fits
    }

    /// Puts what a request used in the place of what was reserved for it. What was reserved in another minute is over
    /// with that.
    pub(crate) fn settle(&self, reserved: Claim, since: Moment, used: Claim, now: Moment) {
        for (window, reserved, used) in
            [(&self.input, reserved.input, used.input), (&self.output, reserved.output, used.output)]
        {
            if since.minute() == now.minute() {
                window.give_back(now, reserved);
            }
            window.add(now, used);
        }
    }

    /// Tokens of this minute: of prompts, and of answers.
    pub(crate) fn count(&self, now: Moment) -> (u64, u64) {
        (self.input.count(now), self.output.count(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_is_set_right_and_given_back() {
        let (split, at) = (SplitTokens::default(), |seconds: u64| Moment::from_millis(seconds * 1_000));
        let figures = Figures { itpm: Some(100), otpm: Some(50), ..Figures::default() };
        let claim = Claim { input: 60, output: 20 };
        assert!(split.has_room(&figures, claim, at(60)) && split.reserve(&figures, claim, at(60)));
        assert!(!split.has_room(&figures, claim, at(60)) && !split.reserve(&figures, claim, at(60)));
        assert!(!split.reserve(&figures, Claim { input: 1, output: 40 }, at(60)));
        assert_eq!(split.count(at(60)), (60, 20), "what did not fit left nothing");
        split.settle(claim, at(60), Claim { input: 30, output: 5 }, at(61));
        assert_eq!(split.count(at(61)), (30, 5));
        split.settle(claim, at(61), Claim { input: 7, output: 1 }, at(120));
        assert_eq!(split.count(at(120)), (7, 1));
    }
}
