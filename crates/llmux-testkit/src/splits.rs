//! The ways in which a stream's bytes may arrive.

use bytes::Bytes;

/// Positions at which [`splits`] cuts in two, at most: tests replay hundreds of recordings each way.
const POSITIONS: usize = 64;
/// Ways of cutting into pieces of random length.
const RANDOM: u64 = 8;
/// The longest piece of a random cut.
const LONGEST: u64 = 97;

/// Ways to cut `bytes` into pieces: whole, byte by byte, in two at up to 64 places, and into pieces of random
/// lengths, the same on every run.
pub fn splits(bytes: &[u8]) -> impl Iterator<Item = Vec<Bytes>> + use<> {
    splits_at_most(bytes, POSITIONS)
}

/// As [`splits`], with another bound for the places at which the bytes are cut in two: evenly spread when
/// there are more than that.
pub fn splits_at_most(bytes: &[u8], positions: usize) -> impl Iterator<Item = Vec<Bytes>> + use<> {
    let bytes = Bytes::copy_from_slice(bytes);
    let length = bytes.len();
    let step = length.div_ceil(positions.max(1)).max(1);
    let [whole, single, halves, random] = [bytes.clone(), bytes.clone(), bytes.clone(), bytes];
    let whole = std::iter::once(vec![whole]);
    let single = std::iter::once((0..length).map(move |at| single.slice(at..=at)).collect());
    let halves = (1..length).step_by(step).map(move |at| vec![halves.slice(..at), halves.slice(at..)]);
    whole.chain(single).chain(halves).chain((0..RANDOM).map(move |seed| random_pieces(&random, seed)))
}

/// Cuts `bytes` into pieces of pseudo-random length; the same seed gives the same pieces.
#[must_use]
pub fn random_pieces(bytes: &Bytes, seed: u64) -> Vec<Bytes> {
    let mut rest = bytes.clone();
    let mut state = seed;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let length = usize::try_from(next(&mut state) % LONGEST + 1).expect("short").min(rest.len());
        pieces.push(rest.split_to(length));
    }
    pieces
}

/// The SplitMix64 generator: small, and good enough to vary tests.
pub(crate) fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_split_joins_to_the_same_bytes() {
        let bytes: Vec<u8> = (0..=255).collect();
        for pieces in splits(&bytes) {
            assert_eq!(pieces.concat(), bytes);
        }
    }

    #[test]
    fn a_short_input_is_cut_at_every_position() {
        let seconds: Vec<_> =
            splits(b"abcd").filter(|pieces| pieces.len() == 2).map(|p| p[0].len()).collect();
        assert!([1, 2, 3].iter().all(|at| seconds.contains(at)), "{seconds:?}");
    }

    #[test]
    fn nothing_has_splits_too() {
        assert!(splits(b"").all(|pieces| pieces.concat().is_empty()));
    }
}
