//! A set of places in a group. Sixty-four of them take no memory of their own.

/// A set of small numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mask {
    first: u64,
    rest: Vec<u64>,
}

const WORD: usize = 64;

impl Mask {
    /// All numbers below `count`.
    pub(crate) fn below(count: usize) -> Self {
        let word = |bits: usize| if bits >= WORD { u64::MAX } else { (1 << bits) - 1 };
        let rest = Vec::with_capacity(count.saturating_sub(1) / WORD);
        let mut mask = Self { first: word(count), rest };
        let mut left = count.saturating_sub(WORD);
        while left > 0 {
            mask.rest.push(word(left));
            left = left.saturating_sub(WORD);
        }
        mask
    }

    /// Those of which this is true.
    pub(crate) fn of<T>(all: &[T], is: impl Fn(&T) -> bool) -> Self {
        let mut words = all.chunks(WORD).map(|chunk| {
            let bits = chunk.iter().enumerate();
            bits.fold(0, |bits, (at, one)| bits | u64::from(is(one)) << at)
        });
        Self { first: words.next().unwrap_or_default(), rest: words.collect() }
    }

    /// Sixty-four numbers: the bits of the word `at`.
    pub(crate) fn word(&self, at: usize) -> u64 {
        match at {
            0 => self.first,
            at => self.rest.get(at - 1).copied().unwrap_or_default(),
        }
    }

    /// Keeps of each word the bits that `keep` gives for its number and its bits.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(usize, u64) -> u64) {
        self.first &= keep(0, self.first);
        for (at, word) in (1..).zip(&mut self.rest) {
            *word &= keep(at, *word);
        }
    }

    /// Whether any number is in both.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.words().enumerate().any(|(at, word)| word & other.word(at) != 0)
    }

    /// Whether every number is in the other one.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.words().enumerate().all(|(at, word)| word & !other.word(at) == 0)
    }

    pub(crate) fn has(&self, at: usize) -> bool {
        self.word(at / WORD) >> (at % WORD) & 1 == 1
    }

    pub(crate) fn add(&mut self, at: usize) {
        let bit = bit(at);
        match at / WORD {
            0 => self.first |= bit,
            word => {
                if self.rest.len() < word {
                    self.rest.resize(word, 0);
                }
                if let Some(place) = self.rest.get_mut(word - 1) {
                    *place |= bit;
                }
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.words().map(|word| word.count_ones() as usize).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words().all(|word| word == 0)
    }

    fn words(&self) -> impl Iterator<Item = u64> + '_ {
        std::iter::once(self.first).chain(self.rest.iter().copied())
    }

    /// The numbers, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words().enumerate().flat_map(|(word, bits)| numbers(word, bits))
    }
}

/// The numbers that the bits of a word stand for.
pub(crate) fn numbers(word: usize, mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = bits.trailing_zeros() as usize;
        bits &= bits.wrapping_sub(1);
        (lowest < WORD).then_some(word * WORD + lowest)
    })
}

/// The bit of its word that stands for a number.
pub(crate) const fn bit(at: usize) -> u64 {
    1 << (at % WORD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept_beyond_the_first_word_as_well() {
        for count in [0, 1, 63, 64, 65, 128, 200] {
            let mask = Mask::below(count);
            assert_eq!((mask.len(), mask.is_empty()), (count, count == 0));
            assert!(mask.iter().eq(0..count), "{count}");
        }
        let mut mask = Mask::default();
        for at in [3, 64, 130] {
            mask.add(at);
        }
        mask.retain(|word, bits| if word == 1 { bits & !bit(64) } else { bits });
        assert!(mask.has(130) && !mask.has(64) && !mask.has(1_000));
        assert_eq!(mask.iter().collect::<Vec<_>>(), [3, 130]);
    }
}
