//! The latest measurements of something, with their times.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Moment;

/// How many are kept.
const KEPT: usize = 32;

/// The last few measurements, newest first. Value and time share one word, so no reader sees half a sample.
#[derive(Debug)]
pub struct Samples {
    slots: [AtomicU64; KEPT],
    recorded: AtomicU64,
}

impl Samples {
    /// How many measurements are kept at most.
    pub const KEPT: usize = KEPT;

    /// No measurements.
    #[must_use]
    pub const fn new() -> Self {
        Self { slots: [const { AtomicU64::new(0) }; KEPT], recorded: AtomicU64::new(0) }
    }

    /// Records a measurement; one that is negative or no number is left out.
    pub fn record(&self, value: f64, now: Moment) {
        self.put(value, 0, now);
    }

    /// Records a measurement that another replica has made: it counts as any other, but is not told again.
    pub fn record_foreign(&self, value: f64, now: Moment) {
        self.put(value, FOREIGN, now);
    }

    fn put(&self, value: f64, mark: u64, now: Moment) {
        let value = value as f32;
        if !(value >= 0.0 && value.is_finite()) {
            return;
        }
        let at = self.recorded.fetch_add(1, Ordering::Relaxed);
        let word = u64::from(value.abs().to_bits()) << 32 | mark | stamp(now);
        if let Some(slot) = self.slots.get(slot_of(at)) {
            slot.store(word, Ordering::Relaxed);
        }
    }

    /// At most `count` of the latest measurements, newest first, none older than `ttl` seconds.
    pub fn recent(&self, count: usize, ttl: u64, now: Moment) -> impl Iterator<Item = f64> + '_ {
        let recorded = self.recorded.load(Ordering::Relaxed);
        let oldest = stamp(now).saturating_sub(ttl);
        let kept = u64::try_from(count.min(KEPT)).unwrap_or_default().min(recorded);
        (1..=kept).filter_map(move |back| {
            let word = self.slots.get(slot_of(recorded.wrapping_sub(back)))?.load(Ordering::Relaxed);
            let when = word & u64::from(u32::MAX);
            (when != 0 && when >= oldest).then(|| value(word))
        })
    }

    /// How many measurements were recorded in all.
    #[must_use]
    pub fn recorded(&self) -> u64 {
        self.recorded.load(Ordering::Relaxed)
    }

    /// This replica's own measurements among those that followed the first `seen`, newest first, as far as they are
    /// kept.
    pub fn own_since(&self, seen: u64) -> impl Iterator<Item = f64> + '_ {
        let recorded = self.recorded();
        let kept = recorded.saturating_sub(seen).min(KEPT as u64);
        (1..=kept).filter_map(move |back| {
            let word = self.slots.get(slot_of(recorded.wrapping_sub(back)))?.load(Ordering::Relaxed);
            (word != 0 && word & FOREIGN == 0).then(|| value(word))
        })
    }

    /// The average of [`recent`](Self::recent), if there are any.
    #[must_use]
    pub fn average(&self, count: usize, ttl: u64, now: Moment) -> Option<f64> {
        let (sum, number) = self
            .recent(count, ttl, now)
            .fold((0.0, 0_u32), |(sum, number), sample| (sum + sample, number.saturating_add(1)));
        (number > 0).then(|| sum / f64::from(number))
    }

    /// The value that a share `p` (above 0, at most 1) of [`recent`](Self::recent) does not exceed.
    #[must_use]
    pub fn percentile(&self, p: f64, count: usize, ttl: u64, now: Moment) -> Option<f64> {
        let (mut sorted, mut number) = ([0.0; KEPT], 0_usize);
        for (place, sample) in sorted.iter_mut().zip(self.recent(count, ttl, now)) {
            *place = sample;
            number = number.saturating_add(1);
        }
        let sorted = sorted.get_mut(..number)?;
        sorted.sort_unstable_by(f64::total_cmp);
        let rank = (p * number as f64).ceil() as usize;
        sorted.get(rank.clamp(1, number.max(1)).saturating_sub(1)).copied()
    }
}

impl Default for Samples {
    fn default() -> Self {
        Self::new()
    }
}

/// The sign of a value, which is never negative, tells who has measured it.
const FOREIGN: u64 = 1 << 63;

fn value(word: u64) -> f64 {
    f64::from(f32::from_bits((word >> 32) as u32).abs())
}

/// Seconds, in 32 bits and never 0, which means an empty slot.
fn stamp(now: Moment) -> u64 {
    now.seconds().clamp(1, u64::from(u32::MAX))
}

fn slot_of(at: u64) -> usize {
    usize::try_from(at % KEPT as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_millis(1_000_000);

    fn of(values: impl IntoIterator<Item = f64>) -> Samples {
        let samples = Samples::new();
        values.into_iter().for_each(|value| samples.record(value, NOW));
        samples
    }

    #[test]
    fn the_newest_come_first_and_older_ones_make_room() {
        let samples = of((0..100).map(f64::from));
        assert_eq!(samples.recent(3, 60, NOW).collect::<Vec<_>>(), [99.0, 98.0, 97.0]);
        assert_eq!(samples.recent(1_000, 60, NOW).count(), Samples::KEPT);
    }

    #[test]
    fn measurements_grow_old() {
        let samples = of([1.0]);
        samples.record(3.0, Moment::from_millis(1_050_000));
        let later = Moment::from_millis(1_061_000);
        assert_eq!(samples.average(10, 60, later), Some(3.0));
        assert_eq!(samples.average(10, 61, later), Some(2.0));
        assert_eq!(Samples::new().average(10, 60, NOW), None);
    }

    #[test]
    fn a_percentile_is_one_of_the_measurements() {
        let samples = of([5.0, 1.0, 4.0, 2.0, 3.0]);
        for (p, value) in [(0.01, 1.0), (0.5, 3.0), (0.9, 5.0), (1.0, 5.0)] {
            assert_eq!(samples.percentile(p, 10, 60, NOW), Some(value), "{p}");
        }
        assert_eq!(Samples::new().percentile(0.5, 10, 60, NOW), None);
    }

    #[test]
    fn what_other_replicas_measured_counts_but_is_not_told_again() {
        let samples = of([1.0]);
        samples.record_foreign(3.0, NOW);
        assert_eq!(samples.average(10, 60, NOW), Some(2.0));
        assert_eq!(samples.own_since(0).collect::<Vec<_>>(), [1.0]);
        let seen = samples.recorded();
        samples.record(5.0, NOW);
        assert_eq!(samples.own_since(seen).collect::<Vec<_>>(), [5.0]);
    }

    #[test]
    fn what_is_no_measurement_is_left_out() {
        assert_eq!(of([f64::NAN, -1.0, f64::INFINITY]).recent(10, 60, NOW).count(), 0);
    }
}
