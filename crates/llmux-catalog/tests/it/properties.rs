//! What holds of every price list and every usage record.

use llmux_catalog::{Catalogue, Facts};
use llmux_core::{Margin, Money, ServiceTier, Terms, Usage};
use proptest::prelude::*;
use serde_json::{Map, Value};

/// The buckets of a usage record.
fn buckets() -> Vec<String> {
    let Ok(Value::Object(all)) = serde_json::to_value(Usage::default()) else { return Vec::new() };
    all.keys().cloned().collect()
}

fn usages() -> impl Strategy<Value = Usage> {
    let names = buckets();
    let figures = prop::collection::vec(prop_oneof![Just(0_u64), 1..5_u64, 0..400_000_u64], names.len());
    figures.prop_map(move |figures| {
        let map: Map<_, _> = names.iter().cloned().zip(figures.into_iter().map(Value::from)).collect();
        serde_json::from_value(map.into()).unwrap()
    })
}

fn models() -> impl Strategy<Value = Facts> {
    prop::sample::select(Catalogue::builtin().all())
}

fn services() -> impl Strategy<Value = Terms<'static>> {
    const WORDS: [&str; 4] = ["standard", "batch", "flex", "priority"];
    prop::sample::select(&WORDS[..]).prop_map(|word| Terms::new().with_service(ServiceTier::from_word(word)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_part_is_negative_and_the_parts_are_the_whole(facts in models(), usage in usages(), terms in services()) {
        let cost = facts.rates.cost(&usage, &terms);
        let parts =
            [cost.input, cost.cache_read, cost.cache_write, cost.output, cost.reasoning, cost.tools, cost.fixed];
        prop_assert!(parts.iter().all(|part| !part.is_negative()));
        prop_assert_eq!(parts.into_iter().rev().sum::<Money>(), cost.total());
        let bill = Margin::default().bill(cost);
        prop_assert_eq!(bill.total, cost.total());
    }

    #[test]
    fn twice_the_answer_costs_twice(facts in models(), count in 0..1_000_000_u64) {
        let cost = |count| {
            let mut usage = Usage::default();
            usage.output = count;
            facts.rates.cost(&usage, &Terms::new()).output
        };
        prop_assert_eq!(cost(count) + cost(count), cost(2 * count));
    }

    #[test]
    fn more_of_an_answer_never_costs_less(facts in models(), usage in usages(), more in 1..100_000_u64) {
        let before = facts.rates.cost(&usage, &Terms::new()).total();
        for bucket in ["output", "reasoning", "output_audio", "web_searches", "queries", "pages"] {
            let mut raised = serde_json::to_value(usage).unwrap();
            let count = raised[bucket].as_u64().unwrap();
            raised[bucket] = (count + more).into();
            let raised: Usage = serde_json::from_value(raised).unwrap();
            prop_assert!(facts.rates.cost(&raised, &Terms::new()).total() >= before, "{}", bucket);
        }
    }

    #[test]
    fn a_bill_lies_between_nothing_and_what_the_markup_says(
        facts in models(), usage in usages(), off in 0..=100_u32, on in 0..=100_u32,
    ) {
        let share = |percent: u32| format!("{}e-2", percent).parse().unwrap();
        let bill = Margin::new(share(off), share(on), Money::ZERO).bill(facts.rates.cost(&usage, &Terms::new()));
        prop_assert!(!bill.total.is_negative());
        prop_assert_eq!(bill.original - bill.discount + bill.margin, bill.total);
        prop_assert!(bill.total <= bill.original.times(2));
    }

    #[test]
    fn every_amount_is_read_back_as_it_is_shown(parts in prop::collection::vec(0..=u64::MAX, 2)) {
        let price: Money = "1e-21".parse().unwrap();
        let amount = price.times(parts[0]) + "1e-9".parse::<Money>().unwrap().times(parts[1] / 2);
        prop_assert_eq!(amount.to_string().parse::<Money>().unwrap(), amount);
    }
}
