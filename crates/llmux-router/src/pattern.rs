//! Model names with `*`: which names they match, and what stands in place of the stars.

/// A model name in which each `*` stands for any text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    pieces: Vec<String>,
}

impl Pattern {
    /// Whether a name holds a star.
    pub(crate) fn is_pattern(name: &str) -> bool {
        name.contains('*')
    }

    pub(crate) fn new(name: &str) -> Self {
        Self { pieces: name.split('*').map(str::to_owned).collect() }
    }

    /// Orders patterns: the one that says more comes first. Longer ones beat shorter ones, then fewer stars.
    pub(crate) fn specificity(&self) -> (usize, std::cmp::Reverse<usize>) {
        (self.pieces.iter().map(String::len).sum::<usize>(), std::cmp::Reverse(self.pieces.len()))
    }

    /// What the stars stand for in `name`; `None` if it does not match. Each star takes as little as it can,
    /// the last one takes the rest.
    pub(crate) fn capture<'n>(&self, name: &'n str) -> Option<Vec<&'n str>> {
        let (first, rest) = self.pieces.split_first()?;
        let mut left = name.strip_prefix(first.as_str())?;
        let mut stars = Vec::with_capacity(rest.len());
        for (at, piece) in rest.iter().enumerate() {
            let last = at.saturating_add(1) == rest.len();
            let (star, after) = if last {
                (left.strip_suffix(piece.as_str())?, "")
            } else {
                left.split_once(piece.as_str())?
            };
            stars.push(star);
            left = after;
        }
        (left.is_empty() || !rest.is_empty()).then_some(stars)
    }

    /// Puts captured texts in the place of the stars of `template`. More stars than captures repeat the last.
    pub(crate) fn fill(template: &str, stars: &[&str]) -> String {
        let mut stars = stars.iter().copied();
        let mut last = "";
        let mut out = String::with_capacity(template.len());
        for (at, piece) in template.split('*').enumerate() {
            if at > 0 {
                last = stars.next().unwrap_or(last);
                out.push_str(last);
            }
            out.push_str(piece);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_match_any_text_and_hand_it_on() {
        let cases = [
            ("openai/*", "openai/gpt-4o", Some(vec!["gpt-4o"])),
            ("*", "anything/at-all", Some(vec!["anything/at-all"])),
            ("a-*-x", "a-b-c-x", Some(vec!["b-c"])),
            ("*-*", "a-b-c", Some(vec!["a", "b-c"])),
            ("openai/*", "anthropic/x", None),
            ("a*a", "a", None),
        ];
        for (pattern, name, stars) in cases {
            assert_eq!(Pattern::new(pattern).capture(name), stars, "{pattern} {name}");
        }
        assert_eq!(Pattern::fill("x/*", &["y"]), "x/y");
        assert_eq!(Pattern::fill("fixed", &["y"]), "fixed");
    }

    #[test]
    fn the_pattern_that_says_more_comes_first() {
        let mut patterns: Vec<_> = ["*", "openai/*", "openai/gpt-*"].map(Pattern::new).into();
        patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.specificity()));
        assert_eq!(patterns, ["openai/gpt-*", "openai/*", "*"].map(Pattern::new));
    }
}
