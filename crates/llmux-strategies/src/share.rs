//! Random choices that several strategies make.

use llmux_core::Candidate;
use smallvec::SmallVec;

/// Candidates whose scores need no memory of their own.
const FEW: usize = 64;

/// One of `count`, all alike.
pub(crate) fn evenly(count: usize, random: u64) -> Option<usize> {
    // The high half of a product maps the whole range of numbers onto the count without a bias worth naming.
    (count > 0).then(|| ((u128::from(random) * count as u128) >> 64) as usize)
}

/// One by its share; `None` when all shares are zero.
pub(crate) fn by_share(
    candidates: &[Candidate<'_>],
    share: fn(&Candidate<'_>) -> Option<f64>,
    random: u64,
) -> Option<usize> {
    let share = |candidate| share(candidate).filter(|share| share.is_finite() && *share > 0.0).unwrap_or(0.0);
    let total: f64 = candidates.iter().map(share).sum();
    if total <= 0.0 {
        return None;
    }
    let mut left = random as f64 / u64::MAX as f64 * total;
    let mut last = None;
    for (at, candidate) in candidates.iter().enumerate() {
        let share = share(candidate);
        if share > 0.0 {
            last = Some(at);
            if left < share {
                return last;
            }
            left -= share;
        }
    }
    last
}

/// One of those whose score is at most `most` times the lowest, at random. Scores that are no numbers come last.
pub(crate) fn among_lowest(
    candidates: &[Candidate<'_>],
    most: f64,
    random: u64,
    score: impl Fn(&Candidate<'_>) -> f64,
) -> Option<usize> {
    let score = |candidate: &Candidate<'_>| {
        let score = score(candidate);
        if score.is_nan() { f64::MAX } else { score }
    };
    // Each is scored once: a score may be the sum of many samples.
    let scores: SmallVec<[f64; FEW]> = candidates.iter().map(score).collect();
    let lowest = scores.iter().copied().min_by(f64::total_cmp)?;
    let limit = lowest * most;
    let good = |score: &f64| *score <= limit || *score == lowest;
    let chosen = evenly(scores.iter().filter(|score| good(score)).count(), random)?;
    scores.iter().enumerate().filter(|(_, score)| good(score)).nth(chosen).map(|(at, _)| at)
}
