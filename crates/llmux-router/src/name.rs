//! Names that are close to a mistyped one.

/// The names closest to `wanted`, best first, at most three, none that is far off.
///
/// ```
/// let names = ["gpt-4o", "gpt-4o-mini", "claude"];
/// assert_eq!(llmux_router::closest("gpt4o", names), ["gpt-4o"]);
/// ```
pub fn closest<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let wanted_lower = wanted.to_ascii_lowercase();
    let mut scored: Vec<_> = names
        .into_iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(&wanted_lower, &name.to_ascii_lowercase()), name))
        .filter(|(score, _)| *score >= 0.6)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.dedup_by_key(|(_, name)| *name);
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}
