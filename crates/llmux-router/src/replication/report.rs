//! What replicas say to each other: JSON, which is read with care, since anybody who reaches the store can write it.

use std::borrow::Cow;

use bytes::Bytes;
use llmux_core::Moment;
use serde::{Deserialize, Serialize};

/// Deployments in one message.
pub(super) const DEPLOYMENTS: usize = 200;
/// Measurements of a kind in one message, by deployment.
pub(super) const SAMPLES: usize = 8;
/// The longest message that is read.
const LONGEST: usize = 4 << 20;
/// The longest name.
const NAME: usize = 1_024;
/// More of anything than there can be.
const MOST: u64 = 1 << 40;
/// The longest cooldown that is believed, in milliseconds: a week.
const WEEK: u64 = 7 * 24 * 3_600_000;

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Report<'a> {
    pub(super) from: Cow<'a, str>,
    /// Whether the teller is new, and wants to be told everything.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) hello: bool,
    /// The minute that counts belong to.
    pub(super) minute: u64,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) deployments: Vec<Line>,
}

/// What a replica knows of a deployment: always whole figures, as far as they are its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Line {
    pub(super) id: String,
    pub(super) in_flight: u64,
    /// Requests, tokens, answers and failures of the minute.
    pub(super) counts: [u64; 4],
    /// New measurements, oldest first.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) latency: Vec<f32>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) first_token: Vec<f32>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) opening: Vec<f32>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) cooldown: Option<Cooling>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) health: Option<Health>,
}

/// A cooldown, in milliseconds from now: clocks may differ.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Cooling {
    /// Until its end; zero if it has been ended.
    pub(super) left: u64,
    /// Since its beginning.
    pub(super) age: u64,
    pub(super) status: u16,
    pub(super) message: String,
}

/// A health check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Health {
    pub(super) good: bool,
    /// Milliseconds since it.
    pub(super) age: u64,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl<'a> Report<'a> {
    /// The first message of a replica.
    pub(super) fn greeting(from: &'a str) -> Self {
        Self { from: from.into(), hello: true, ..Self::default() }
    }

    /// A message of a replica that has nothing to say.
    pub(super) fn silence(from: &'a str, now: Moment) -> Self {
        Self { from: from.into(), minute: now.minute(), ..Self::default() }
    }

    pub(super) fn bytes(&self) -> Bytes {
        // Strings and numbers can always be written.
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

impl Report<'static> {
    /// Reads a message. What cannot be is cut to what can: nothing that another replica says makes a counter run over,
    /// or a cooldown endless.
    pub(super) fn read(what: &[u8]) -> Option<Self> {
        if what.len() > LONGEST {
            return None;
        }
        let mut report: Self = serde_json::from_slice(what).ok()?;
        let named = |name: &str| !name.is_empty() && name.len() <= NAME;
        if !named(&report.from) {
            return None;
        }
        report.deployments.retain(|line| named(&line.id));
        for line in &mut report.deployments {
            line.in_flight = line.in_flight.min(MOST);
            line.counts.iter_mut().for_each(|count| *count = (*count).min(MOST));
            for samples in [&mut line.latency, &mut line.first_token, &mut line.opening] {
                samples.retain(|sample| sample.is_finite());
                samples.truncate(SAMPLES);
            }
            if let Some(cooldown) = &mut line.cooldown {
                cooldown.left = cooldown.left.min(WEEK);
                cooldown.message = cooldown.message.chars().take(50).collect();
            }
        }
        Some(report)
    }
}

/// Whether what can be read of a message can be written and read again.
#[cfg(any(test, fuzzing))]
pub(crate) fn holds(what: &[u8]) -> bool {
    Report::read(what).is_none_or(|report| Report::read(&report.bytes()) == Some(report))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_report_is_read_as_it_was_written(
            (from, hello, minute) in ("[a-z]{1,9}", any::<bool>(), any::<u64>()),
            (id, in_flight, counts) in ("[^\u{0}]{1,40}", 0..MOST, any::<[u32; 4]>()),
            latency in proptest::collection::vec(0.0_f32..1e6, 0..SAMPLES),
            left in 0..WEEK,
        ) {
            let cooldown = Some(Cooling { left, age: 3, status: 429, message: "slow down".into() });
            let health = Some(Health { good: false, age: 12 });
            let line = Line { id, in_flight, counts: counts.map(u64::from), latency, cooldown, health, ..Line::default() };
            let report = Report { from: from.into(), hello, minute, deployments: vec![line] };
            prop_assert_eq!(Report::read(&report.bytes()), Some(report));
        }

        #[test]
        fn nothing_that_is_said_is_too_strange(what in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(holds(&what));
        }

        #[test]
        fn figures_beyond_reason_are_cut(count in any::<u64>(), left in any::<u64>()) {
            let said = format!(
                r#"{{"from":"x","unknown":[1],"deployments":[{{"id":"a","in_flight":{count},"counts":[{count},0,0,0],
                "cooldown":{{"left":{left},"message":"{}"}}}},{{"id":""}}]}}"#, "m".repeat(900));
            let report = Report::read(said.as_bytes()).unwrap();
            let [line] = report.deployments.as_slice() else { panic!("the nameless one is left out") };
            let cooldown = line.cooldown.as_ref().unwrap();
            prop_assert!(line.in_flight <= MOST && line.counts[0] <= MOST && cooldown.left <= WEEK);
            prop_assert_eq!(cooldown.message.len(), 50);
        }
    }
}
