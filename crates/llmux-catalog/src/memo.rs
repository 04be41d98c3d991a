//! What was found for the models that requests name, so that a name is looked up once.

use std::sync::OnceLock;

use crate::facts::Facts;

/// How many names are remembered. A deployment that serves more of them looks the rest up each time.
const PLACES: usize = 32;

/// Names and what they stand for, in the order in which they came. Nothing is ever taken out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memo {
    places: [OnceLock<Box<Entry>>; PLACES],
}

#[derive(Clone, Debug)]
struct Entry {
    name: Box<str>,
    facts: Option<Facts>,
}

/// What is known of a name.
pub(crate) enum Known<'a> {
    /// Found or not found, once and for all.
    Remembered(Option<&'a Facts>),
    /// There was no place left for it.
    Fresh(Option<Box<Facts>>),
}

impl Memo {
    /// What is known of this name; `find` is asked if it came never before.
    pub(crate) fn get(&self, name: &str, find: impl FnOnce() -> Option<Facts>) -> Known<'_> {
        if let Some(entry) = self.places.iter().map_while(OnceLock::get).find(|entry| *entry.name == *name) {
            return Known::Remembered(entry.facts.as_ref());
        }
        let mut entry = Box::new(Entry { name: name.into(), facts: find() });
        for place in &self.places {
            // Another request may take the place first, possibly with the same name, which does no harm.
            match place.set(entry) {
                Ok(()) => return Known::Remembered(place.get().and_then(|entry| entry.facts.as_ref())),
                Err(mine) => entry = mine,
            }
        }
        Known::Fresh(entry.facts.map(Box::new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(memo: &Memo, name: &str, find: impl FnOnce() -> Option<Facts>) -> bool {
        match memo.get(name, find) {
            Known::Remembered(facts) => facts.is_some(),
            Known::Fresh(facts) => facts.is_some(),
        }
    }

    #[test]
    fn a_name_is_looked_up_once_found_or_not() {
        let memo = Memo::default();
        assert!(found(&memo, "a", || Some(Facts::default())));
        assert!(!found(&memo, "b", || None));
        let again = || panic!("looked up twice");
        assert!(found(&memo, "a", again));
        assert!(!found(&memo, "b", again));
    }

    #[test]
    fn names_beyond_the_places_are_looked_up_each_time() {
        let memo = Memo::default();
        for number in 0..2 * PLACES {
            assert!(!found(&memo, &number.to_string(), || None));
        }
        assert!(found(&memo, "last", || Some(Facts::default())));
        assert!(!found(&memo, "last", || None), "not kept");
    }
}
