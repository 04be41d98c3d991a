//! What usage costs, to the last digit: the table beside this file, and prices that somebody set.

use std::time::Duration;

use llmux_catalog::{Catalogue, Facts, Query, Rates};
use llmux_core::{Margin, Money, SearchContext, ServiceTier, Terms, Usage};
use serde_json::{Map, Value, json};

const TABLE: &str = include_str!("costs.txt");

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
    let tiers = json!({"tiered_pricing": [
        {"range": [0, 32_000], "input_cost_per_token": "1e-6", "output_cost_per_token": "5e-6"},
        {"range": [32_000, 128_000], "input_cost_per_token": "1.8e-6", "output_cost_per_token": "9e-6"},
        {"range": [128_000, 252_000], "input_cost_per_token": "3e-6", "output_cost_per_token": "15e-6"},
    ]});
    let searches = json!({"search_context_cost_per_query":
        {"search_context_size_low": 0.03, "search_context_size_medium": 0.035, "search_context_size_high": 0.05}});
    for (prices, used, wanted, dollars) in [
        (
            json!({"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}),
            "input=3 output=5",
            "",
            "0.000013",
        ),
        (
            json!({"input_cost_per_token": 1e-6}),
            "input=1 cache_read=2 cache_write=3 output=9",
            "",
            "0.000006",
        ),
        (
            json!({"input_cost_per_token": "0.1", "cache_read_input_token_cost": 0}),
            "input=1 cache_read=9",
            "",
            "0.1",
        ),
        (json!({"input_cost_per_token_cache_hit": 1e-7}), "cache_read=7", "", "0.0000007"),
        (
            json!({"input_cost_per_token": 1e-6, "input_cost_per_token_flex": 5e-7}),
            "input=4",
            "flex",
            "0.000002",
        ),
        (
            json!({"input_cost_per_token": 1e-6, "input_cost_per_token_balanced": 2e-6}),
            "input=4",
            "balanced",
            "0.000008",
        ),
        (
            json!({"input_cost_per_token": 1e-6, "input_cost_per_token_ultrafast": 3e-6}),
            "input=4",
            "ultrafast",
            "0.000012",
        ),
        (
            json!({"input_cost_per_token": 1, "input_cost_per_token_above_272k_tokens": 2,
                "input_cost_per_token_above_272k_tokens_priority": 5}),
            "input=272001",
            "priority",
            "1360005",
        ),
        (
            json!({"input_cost_per_token": 1, "input_cost_per_token_above_512k_tokens": 3}),
            "input=512001",
            "",
            "1536003",
        ),
        (tiers.clone(), "input=32000 output=1", "", "0.032005"),
        (tiers.clone(), "input=32001 output=1", "", "0.0576108"),
        (tiers, "input=128001 output=1", "", "0.384018"),
        (searches.clone(), "web_searches=2", "search=low", "0.06"),
        (searches.clone(), "web_searches=2", "", "0.07"),
        (searches, "web_searches=2", "search=high", "0.1"),
        (
            json!({"ocr_cost_per_page": 0.002, "input_cost_per_token": 1e-6}),
            "pages=3 input=1",
            "",
            "0.006001",
        ),
        (
            json!({"ocr_cost_per_page": 0.002, "ocr_cost_per_page_batches": 0.001}),
            "pages=3",
            "batch",
            "0.003",
        ),
        (json!({"ocr_cost_per_page": 0.002}), "pages=3", "batch", "0.006"),
        (json!({"input_cost_per_query": 0.002}), "queries=1", "", "0.002"),
        (json!({"output_cost_per_second": 0.1}), "output_millis=2500", "", "0.25"),
        (json!({"input_cost_per_audio_per_second": 0.0001}), "input_millis=1500 input=3", "", "0.00015"),
        (
            json!({"input_cost_per_image": 0.01, "output_cost_per_image": 0.04}),
            "input_images=1 output_images=2",
            "",
            "0.09",
        ),
        (json!({"output_cost_per_pixel": "1.9e-8"}), "output_pixels=1048576", "", "0.019922944"),
        (json!({"cost_per_request": 0.01}), "", "", "0.01"),
        (
            json!({"input_cost_per_character": 5e-7, "input_cost_per_token": 1}),
            "input=7 input_characters=20",
            "",
            "0.00001",
        ),
        (
            json!({"output_cost_per_character": 5e-7, "output_cost_per_token": 1}),
            "output=7 output_characters=20",
            "",
            "0.00001",
        ),
        (json!({"max_tokens": 5}), "input=7 output=7 web_searches=7", "", "0"),
    ] {
        let cost = custom(&prices).cost(&usage(used), &terms(wanted));
        assert_eq!(cost.total().to_string(), dollars, "{prices} {used} {wanted}");
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
