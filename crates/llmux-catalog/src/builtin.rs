//! The facts that are built in: a sorted text that is searched where it lies, a line for each model.
//!
//! Nothing is read at start and nothing is kept: a look-up compares about a dozen lines and reads one. The form of a
//! line is in `docs/catalogue.md`.

use std::borrow::Cow;

use llmux_core::{Money, ServiceTier};

use crate::{
    facts::Facts,
    unit::{Key, Unit},
};

/// A line for each model, sorted by name; lines that begin with `#` come first.
static MODELS: &str = include_str!("../data/models.txt");

/// The facts of the model that has exactly this name.
pub(crate) fn find(name: &str) -> Option<Facts> {
    line(MODELS, name).and_then(read)
}

/// All models, in the order of their names.
pub(crate) fn all() -> impl Iterator<Item = Facts> {
    MODELS.lines().filter_map(read)
}

/// The line that begins with this name and a space.
fn line<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (mut low, mut high) = (0, text.len());
    while low < high {
        let middle = low.midpoint(high);
        let begin =
            text.as_bytes().get(..middle)?.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let rest = text.get(begin..)?;
        let line = rest.split('\n').next()?;
        match line.split(' ').next()?.cmp(name) {
            std::cmp::Ordering::Equal => return Some(line),
            std::cmp::Ordering::Less => low = begin.saturating_add(line.len()).saturating_add(1),
            std::cmp::Ordering::Greater => high = begin,
        }
    }
    None
}

/// Reads a line; `None` if it is none of a model.
fn read(line: &'static str) -> Option<Facts> {
    let mut words = line.split(' ');
    let name = words.next().filter(|name| !name.starts_with('#'))?;
    let (provider, mode) = (words.next()?, words.next()?);
    // A name mostly begins with its provider's.
    let provider = if provider == "/" { name.split('/').next()? } else { provider };
    let mut facts = Facts {
        name: Cow::Borrowed(name),
        provider: Cow::Borrowed(provider),
        label: Cow::Borrowed(provider),
        mode: (mode != "-").then_some(Cow::Borrowed(mode)),
        ..Facts::default()
    };
    facts.rates = facts.rates.from_threshold(provider == "xai");
    for word in words {
        let Some((key, value)) = word.split_once('=') else {
            let (sign, letters) = word.split_at_checked(1)?;
            facts.capabilities.set_letters(letters, sign == "+")?;
            continue;
        };
        match key {
            "in" => facts.max_input_tokens = value.parse().ok(),
            "out" => facts.max_output_tokens = value.parse().ok(),
            "vector" => facts.vector_size = value.parse().ok(),
            "at" => facts.endpoints = value.split(',').map(endpoint).collect(),
            "label" => facts.label = Cow::Borrowed(value),
            "retires" => facts.retires = Some(Cow::Borrowed(value)),
            price => facts.rates.set(Key::from_own(price)?, value.parse::<Money>().ok()?.per_million()),
        }
    }
    for key in [Unit::SearchLow, Unit::SearchHigh].map(Key::of) {
        if let (Some(price), None) = (facts.rates.get(MEDIUM), facts.rates.get(key)) {
            facts.rates.set(key, price);
        }
    }
    Some(facts)
}

/// A path; most of them begin with `/v1/`, which is left out.
fn endpoint(path: &'static str) -> Cow<'static, str> {
    if path.starts_with('/') { Cow::Borrowed(path) } else { Cow::Owned(format!("/v1/{path}")) }
}

/// The price of a web search that stands for all of them, where they cost the same.
const MEDIUM: Key = Key { unit: Unit::SearchMedium, above: 0, service: ServiceTier::Standard };

/// Writes a line of the built-in text.
#[must_use]
pub fn write(facts: &Facts) -> String {
    let prefix = facts.name.split_once('/').map(|(prefix, _)| prefix);
    let provider = if prefix == Some(facts.provider.as_ref()) { "/" } else { &facts.provider };
    let mut words =
        vec![facts.name.to_string(), provider.to_owned(), facts.mode.as_deref().unwrap_or("-").to_owned()];
    let counts =
        [("in", facts.max_input_tokens), ("out", facts.max_output_tokens), ("vector", facts.vector_size)];
    words.extend(counts.iter().filter_map(|(key, count)| Some(format!("{key}={}", (*count)?))));
    let search = facts.rates.get(MEDIUM);
    let told = |key: &Key, price: &Money| {
        let other = [Unit::SearchLow, Unit::SearchHigh].contains(&key.unit);
        !(other && search == Some(*price))
    };
    let rates = facts.rates.iter().filter(|(key, price)| told(key, price));
    words.extend(rates.map(|(key, price)| format!("{key}={}", price.times(1_000_000))));
    for (sign, there) in [('+', true), ('-', false)] {
        let letters = facts.capabilities.letters(there);
        if !letters.is_empty() {
            words.push(format!("{sign}{letters}"));
        }
    }
    if !facts.endpoints.is_empty() {
        let paths: Vec<_> =
            facts.endpoints.iter().map(|path| path.strip_prefix("/v1/").unwrap_or(path)).collect();
        words.push(format!("at={}", paths.join(",")));
    }
    if facts.label != facts.provider {
        words.push(format!("label={}", facts.label));
    }
    words.extend(facts.retires.iter().map(|day| format!("retires={day}")));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_wherever_it_stands() {
        let names = ["a", "a/b", "b", "ba", "d"];
        let text = names.map(|name| format!("{name} provider chat")).join("\n") + "\n";
        for name in names {
            assert_eq!(line(&text, name), Some(format!("{name} provider chat").as_str()));
        }
        for name in ["", "0", "aa", "c", "e", "a provider"] {
            assert_eq!(line(&text, name), None, "{name}");
        }
        assert_eq!(line("", "a"), None);
    }

    #[test]
    fn every_line_is_read_sorted_and_found_and_written_as_it_stands() {
        let mut before = "";
        let mut count = 0;
        for line in MODELS.lines().filter(|line| !line.starts_with('#')) {
            let facts = read(line).unwrap_or_else(|| panic!("{line}"));
            let name = line.split(' ').next().unwrap();
            assert!(before < name, "{before} before {name}");
            assert_eq!(find(name).as_ref(), Some(&facts));
            assert_eq!(write(&facts), line);
            (before, count) = (name, count + 1);
        }
        assert!(count > 2000, "{count}");
    }
}
