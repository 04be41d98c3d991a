//! Reading what Redis answers: bytes from outside, whatever stands in front of them.

use fred::types::Value;
use llmux_core::Counted;

/// Five numbers for each count; `None` for anything else.
pub(super) fn counted(answer: Value, counts: usize) -> Option<Vec<Counted>> {
    let Value::Array(items) = answer else { return None };
    if items.len() != counts.checked_mul(5)? {
        return None;
    }
    let numbers: Option<Vec<u64>> = items.iter().map(number).collect();
    let numbers = numbers?;
    let answers = numbers.chunks_exact(5).map(|five| match five {
        [granted, own, total, window, left] => Some(Counted::new(*granted, *own, *total, *window, *left)),
        _ => None,
    });
    answers.collect()
}

fn number(value: &Value) -> Option<u64> {
    value.as_i64().and_then(|number| u64::try_from(number).ok())
}

/// Whether any numbers and any text are read as they should be.
#[cfg(test)]
fn is_read(numbers: &[i64], text: &str, counts: usize) -> bool {
    let array = Value::Array(numbers.iter().copied().map(Value::Integer).collect());
    let mixed = Value::Array(vec![text.into(), Value::Null]);
    let read = counted(array, counts);
    counted(mixed, counts).is_none() && read.is_none_or(|read| read.len() == counts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_answer_is_five_numbers_for_each_count() {
        let five = |numbers: [i64; 5]| Value::Array(numbers.into_iter().map(Value::Integer).collect());
        let read = counted(five([1, 2, 3, 4, 5]), 1).unwrap();
        assert_eq!(read, [Counted::new(1, 2, 3, 4, 5)]);
        assert_eq!(counted(five([1, 2, 3, 4, -5]), 1), None);
        assert_eq!(counted(five([1, 2, 3, 4, 5]), 2), None);
        assert_eq!(counted(Value::Null, 0), None);
    }

    proptest! {
        #[test]
        fn no_answer_is_too_strange(numbers in proptest::collection::vec(any::<i64>(), 0..40), text in ".*", counts in 1_usize..9) {
            prop_assert!(is_read(&numbers, &text, counts));
        }
    }
}
