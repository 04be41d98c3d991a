//! How well a document answers a query, to the echo.

use std::collections::BTreeSet;

/// The part of the query's words that the document has, from 0 to 1.
pub(super) fn score(query: &str, document: &str) -> f64 {
    let words = |text: &str| -> BTreeSet<String> {
        let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    let (wanted, found) = (words(query), words(document));
    let shared = wanted.intersection(&found).count();
    if wanted.is_empty() { 0.0 } else { shared as f64 / wanted.len() as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_words_count_however_they_are_written() {
        assert_eq!(score("Capital of France", "Paris is the capital of France."), 1.0);
        assert_eq!(score("capital city", "The Capital."), 0.5);
        assert_eq!(score("", "x"), 0.0);
    }
}
