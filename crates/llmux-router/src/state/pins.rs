//! Which deployment served somebody last: a table of fixed size that any number of threads read and write.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use llmux_core::{DeploymentId, Moment};

/// Entries: 65,536, at 16 bytes each a megabyte.
const ENTRIES: usize = 1 << 16;
/// Places where an entry may stand. When all are taken the one that ends first makes room.
const WAYS: usize = 4;

/// The key of a pin: a hash that nobody outside can foresee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PinKey(u64);

/// Who was served by which deployment, until when. Memory is taken with the first entry.
///
/// An entry is two words that are written apart. The first one is the key mixed with the second, so a pair of which
/// only half was replaced fits no key and is not found.
#[derive(Default)]
pub(crate) struct Pins {
    entries: OnceLock<Box<[(AtomicU64, AtomicU64)]>>,
    hasher: RandomState,
}

impl Pins {
    pub(crate) fn key(&self, of: impl Hash) -> PinKey {
        // Zero is an empty place.
        PinKey(self.hasher.hash_one(of) | 1)
    }

    /// What stands for a deployment in an entry.
    pub(crate) fn mark(&self, id: &DeploymentId) -> u32 {
        (self.hasher.hash_one(id) >> 32) as u32
    }

    /// The mark of the deployment that the key is pinned to.
    pub(crate) fn get(&self, key: PinKey, now: Moment) -> Option<u32> {
        let entries = self.entries.get()?;
        places(entries, key).iter().find_map(|(mixed, value)| {
            let value = value.load(Ordering::Acquire);
            let fits = mixed.load(Ordering::Acquire) ^ value == key.0;
            (fits && ends(value) > now.seconds()).then_some(value as u32)
        })
    }

    /// Pins the key to a deployment for so many seconds, in place of any other.
    pub(crate) fn set(&self, key: PinKey, mark: u32, ttl: u64, now: Moment) {
        let entries = self.entries.get_or_init(|| (0..ENTRIES).map(|_| Default::default()).collect());
        let until = now.seconds().saturating_add(ttl).min(u64::from(u32::MAX));
        let value = until << 32 | u64::from(mark);
        let places = places(entries, key);
        let own = places
            .iter()
            .find(|(mixed, value)| mixed.load(Ordering::Relaxed) ^ value.load(Ordering::Relaxed) == key.0);
        let oldest = || places.iter().min_by_key(|(_, value)| ends(value.load(Ordering::Relaxed)));
        if let Some((mixed, slot)) = own.or_else(oldest) {
            slot.store(value, Ordering::Release);
            mixed.store(key.0 ^ value, Ordering::Release);
        }
    }

    /// Pins the key unless it is pinned already.
    pub(crate) fn set_first(&self, key: PinKey, mark: u32, ttl: u64, now: Moment) {
        if self.get(key, now).is_none() {
            self.set(key, mark, ttl, now);
        }
    }
}

fn places(entries: &[(AtomicU64, AtomicU64)], key: PinKey) -> &[(AtomicU64, AtomicU64)] {
    let bucket = usize::try_from(key.0 >> 32).unwrap_or_default() % (entries.len() / WAYS).max(1);
    entries.get(bucket * WAYS..).and_then(|rest| rest.get(..WAYS)).unwrap_or_default()
}

/// The second at which an entry ends.
fn ends(value: u64) -> u64 {
    value >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_found_until_it_ends_and_the_first_writer_wins() {
        let (pins, at) = (Pins::default(), |seconds: u64| Moment::from_millis(seconds * 1_000));
        let key = pins.key(("caller", "model"));
        assert_eq!(pins.get(key, at(5)), None);
        pins.set_first(key, 7, 10, at(5));
        pins.set_first(key, 8, 10, at(6));
        assert_eq!((pins.get(key, at(14)), pins.get(key, at(15))), (Some(7), None));
        pins.set(key, 9, 10, at(14));
        assert_eq!((pins.get(key, at(20)), pins.get(pins.key("other"), at(20))), (Some(9), None));
    }

    #[test]
    fn many_threads_never_read_a_pin_that_nobody_wrote() {
        let (pins, now) = (Pins::default(), Moment::from_millis(1_000));
        std::thread::scope(|scope| {
            for thread in 0..8_u32 {
                let pins = &pins;
                scope.spawn(move || {
                    for number in 0..20_000_u32 {
                        let shared = number % 50;
                        pins.set(pins.key(shared), shared, 100 + u64::from(thread), now);
                        let found = pins.get(pins.key(shared), now);
                        assert!(found.is_none_or(|mark| mark == shared), "{found:?} for {shared}");
                    }
                });
            }
        });
    }
}
