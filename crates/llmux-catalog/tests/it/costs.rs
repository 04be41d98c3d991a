//! What usage costs, to the last digit: the table beside this file, and prices that somebody set.

use std::time::Duration;

use llmux_catalog::{Catalogue, Facts, Query, Rates};
use llmux_core::{Margin, Money, SearchContext, ServiceTier, Terms, Usage};
use serde_json::{Map, Value, json};

const TABLE: &str = include_str!("costs.txt");
const CUSTOM: &str = include_str!("custom.txt");

fn usage(text: &str) -> Usage {
    let pairs = text.split_whitespace().map(|pair| {
        let (bucket, count) = pair.split_once('=').unwrap();
        (bucket.to_owned(), Value::from(count.parse::<u64>().unwrap()))
    });
    let map: Map<_, _> = pairs.collect();
    let known = serde_json::to_value(Usage::default()).unwrap();
    assert!(map.keys().all(|bucket| known.get(bucket).is_some()), "{text}");
    serde_json::from_value(map.into()).unwrap()
}

fn terms(text: &str) -> Terms<'static> {
    match text {
        "" => Terms::new(),
        "search=low" => Terms::new().with_search(SearchContext::Low),
        "search=medium" => Terms::new().with_search(SearchContext::Medium),
        "search=high" => Terms::new().with_search(SearchContext::High),
        word => {
            let service = ServiceTier::from_word(word);
            assert_ne!(service, ServiceTier::Standard, "{word}");
            Terms::new().with_service(service)
        }
    }
}

/// The table says how it came to each figure: sums of counts and prices for a million units.
fn worked(working: &str) -> Money {
    let product = |product: &str| {
        let (product, half) = match product.strip_suffix("÷2") {
            Some(product) => (product, 2),
            None => (product, 1),
        };
        let (count, price) = product.split_once('×').unwrap();
        let (whole, thousandths) = count.split_once('.').unwrap_or((count, ""));
        let thousandths: u64 = format!("{thousandths:0<3}").parse().unwrap();
        let price = price.parse::<Money>().unwrap().per_million();
        (price.times(whole.parse().unwrap()) + (price / 1000).times(thousandths)) / half
    };
    working.split(" + ").filter(|part| *part != "0").map(product).sum()
}

#[test]
fn every_line_of_the_table_costs_what_was_worked_out() {
    let catalogue = Catalogue::builtin();
    let mut count = 0;
    for line in TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let [model, used, wanted, working, dollars] =
            line.split('|').map(str::trim).collect::<Vec<_>>().try_into().unwrap();
        let (provider, name) = model.split_once(' ').unwrap();
        let facts = catalogue.exact(name).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(facts.provider, provider);
        let cost = facts.rates.cost(&usage(used), &terms(wanted));
        assert_eq!(cost.total().to_string(), dollars, "{line}");
        assert_eq!(worked(working).to_string(), dollars, "{line}");
        count += 1;
    }
    assert!(count >= 240, "{count}");
}

fn custom(prices: &Value) -> Rates {
    let mut facts = Facts::default();
    for (key, value) in prices.as_object().unwrap() {
        assert!(facts.set(key, value).unwrap(), "{key}");
    }
    facts.rates
}

#[test]
fn prices_that_somebody_set_count_as_they_are_written() {
    for line in CUSTOM.lines().filter(|line| line.starts_with('{')) {
        let [prices, used, wanted, dollars] =
            line.split('|').map(str::trim).collect::<Vec<_>>().try_into().unwrap();
        let prices: Value = serde_json::from_str(prices).unwrap();
        let cost = custom(&prices).cost(&usage(used), &terms(wanted));
        assert_eq!(cost.total().to_string(), dollars, "{line}");
    }
}

#[test]
fn the_machines_time_is_billed_where_prices_of_seconds_mean_it() {
    let took = Terms::new().with_elapsed(Duration::from_millis(1500));
    let used = usage("input=100 output=100");
    let both = custom(&json!({"input_cost_per_second": 0.001, "output_cost_per_second": 0.002}));
    assert_eq!(both.cost(&used, &took).total(), Money::ZERO);
    assert_eq!(both.clone().machine_time(true).cost(&used, &took).total().to_string(), "0.0045");
    let whole = custom(&json!({"cost_per_second": 0.00042}));
    assert_eq!(whole.cost(&used, &took).fixed.to_string(), "0.00063");
    assert_eq!(whole.cost(&used, &Terms::new()).total(), Money::ZERO);
}

#[test]
fn the_parts_of_a_cost_are_told_apart() {
    let facts = Catalogue::builtin().find(&Query::new("anthropic", "claude-sonnet-4-5")).unwrap();
    let used = usage(
        "input=1 cache_read=10 cache_write=100 cache_write_1h=1000 output=2 reasoning=20 web_searches=1",
    );
    let cost = facts.rates.cost(&used, &Terms::new());
    let parts =
        [cost.input, cost.cache_read, cost.cache_write, cost.output, cost.reasoning, cost.tools, cost.fixed];
    let shown = parts.map(|part| part.to_string());
    assert_eq!(shown, ["0.000003", "0.000003", "0.006375", "0.00003", "0.0003", "0.01", "0"]);
    assert_eq!(cost.total().to_string(), "0.016711");
    let bill =
        Margin::new("0.05".parse().unwrap(), "0.1".parse().unwrap(), "0.001".parse().unwrap()).bill(cost);
    assert_eq!(bill.discount.to_string(), "0.00083555");
    assert_eq!(bill.margin.to_string(), "0.002587545");
    assert_eq!(bill.total.to_string(), "0.018462995");
}

#[test]
fn pain_16_cached_tokens_are_billed_once_at_their_own_price_and_never_below_zero() {
    // 100 prompt tokens, 60 of them cached, as OpenAI counts them: in disjoint buckets 40 and 60.
    let catalogue = Catalogue::builtin();
    let cost = |provider, model, used| {
        let facts = catalogue.find(&Query::new(provider, model)).unwrap();
        facts.rates.cost(&usage(used), &Terms::new()).total().to_string()
    };
    assert_eq!(cost("openai", "gpt-4o", "input=40 cache_read=60"), "0.000175");
    // Everything cached: not one token at the full price, and nothing subtracted twice.
    assert_eq!(cost("openai", "gpt-4o", "cache_read=100"), "0.000125");
    // Bedrock's caches are not free.
    let bedrock = cost("bedrock", "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0", "cache_read=1000");
    assert_eq!(bedrock, "0.00033");
}
