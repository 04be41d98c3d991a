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
        let mut mask = Self { first: word(count), rest: Vec::new() };
        let mut left = count.saturating_sub(WORD);
        while left > 0 {
            mask.rest.push(word(left));
            left = left.saturating_sub(WORD);
        }
        mask
    }

    fn word(&self, at: usize) -> u64 {
        match at / WORD {
            0 => self.first,
            word => self.rest.get(word - 1).copied().unwrap_or_default(),
        }
    }

    pub(crate) fn has(&self, at: usize) -> bool {
        self.word(at) >> (at % WORD) & 1 == 1
    }

    pub(crate) fn add(&mut self, at: usize) {
        let bit = 1 << (at % WORD);
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

    pub(crate) fn remove(&mut self, at: usize) {
        let bit = 1 << (at % WORD);
        match at / WORD {
            0 => self.first &= !bit,
            word => {
                if let Some(place) = self.rest.get_mut(word - 1) {
                    *place &= !bit;
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
        self.words().enumerate().flat_map(|(at, mut word)| {
            std::iter::from_fn(move || {
                let bit = word.trailing_zeros() as usize;
                word &= word.wrapping_sub(1);
                (bit < WORD).then_some(at * WORD + bit)
            })
        })
    }
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
        mask.remove(64);
        assert!(mask.has(130) && !mask.has(64) && !mask.has(1_000));
        assert_eq!(mask.iter().collect::<Vec<_>>(), [3, 130]);
    }
}
