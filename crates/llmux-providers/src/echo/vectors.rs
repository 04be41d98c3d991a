//! Vectors that stand for texts: the same text has the same vector, another text another.

use sha2::{Digest, Sha256};

/// How long a vector is unless the client says otherwise.
pub(super) const DIMENSIONS: u64 = 8;
/// The longest vector that is made.
pub(super) const MAX_DIMENSIONS: u64 = 8_192;

/// A vector of unit length, from a hash of the text.
pub(super) fn embed(text: &str, dimensions: u64) -> Vec<f32> {
    let raw: Vec<f32> = (0..dimensions.div_ceil(8))
        .flat_map(|block| {
            let mut hasher = Sha256::new();
            hasher.update(block.to_le_bytes());
            hasher.update(text.as_bytes());
            let digest: [u8; 32] = hasher.finalize().into();
            let mut numbers = Vec::with_capacity(8);
            for bytes in digest.as_chunks::<4>().0 {
                numbers.push(i32::from_le_bytes(*bytes) as f32 / i32::MAX as f32);
            }
            numbers
        })
        .take(usize::try_from(dimensions).unwrap_or_default())
        .collect();
    let length = raw.iter().map(|number| number * number).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    raw.into_iter().map(|number| number / length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_have_unit_length_and_tell_texts_apart() {
        for dimensions in [1, 8, 13] {
            let vector = embed("a", dimensions);
            assert_eq!(vector.len() as u64, dimensions);
            let length: f32 = vector.iter().map(|number| number * number).sum();
            assert!((length - 1.0).abs() < 1e-5);
        }
        assert_eq!(embed("a", 8), embed("a", 8));
        assert_ne!(embed("a", 8), embed("b", 8));
    }
}
