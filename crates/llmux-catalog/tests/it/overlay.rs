//! What is put over the built-in facts.

use llmux_catalog::{Catalogue, Query};
use llmux_core::{Capability, Terms, Usage};
use serde_json::{Map, Value, json};

fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn price_of_input(catalogue: &Catalogue, provider: &str, model: &str) -> String {
    let facts = catalogue.find(&Query::new(provider, model)).unwrap();
    let mut usage = Usage::default();
    usage.input = 1_000_000;
    facts.rates.cost(&usage, &Terms::new()).total().to_string()
}

#[test]
fn an_entry_changes_what_it_names_and_leaves_the_rest() {
    let mut catalogue = Catalogue::builtin();
    let entries = map(json!({
        "sample_spec": {"input_cost_per_token": "explained here"},
        "gpt-4o": {"output_cost_per_token": 0.00002, "supports_vision": false, "a_new_key": [1]},
        "my-provider/model": {"litellm_provider": "my-provider", "input_cost_per_token": 5e-6, "max_tokens": 4096},
    }));
    catalogue.overlay(&entries).unwrap();
    let facts = catalogue.find(&Query::new("openai", "gpt-4o")).unwrap();
    assert_eq!(facts.supports(Capability::Vision), Some(false));
    assert_eq!(facts.max_input_tokens, Some(128_000));
    assert_eq!(price_of_input(&catalogue, "openai", "gpt-4o"), "2.5");
    assert_eq!(price_of_input(&catalogue, "my-provider", "model"), "5");
    assert_eq!(catalogue.exact("my-provider/model").unwrap().max_input_tokens, Some(4096));
    assert_eq!(catalogue.all().len(), Catalogue::builtin().all().len() + 1);
}

#[test]
fn a_later_layer_lies_over_an_earlier_one() {
    let mut catalogue = Catalogue::builtin();
    for price in [1e-6, 2e-6] {
        catalogue.overlay(&map(json!({"gpt-4o": {"input_cost_per_token": price}}))).unwrap();
    }
    assert_eq!(price_of_input(&catalogue, "openai", "gpt-4o"), "2");
}

#[test]
fn a_wrong_entry_is_named_and_changes_nothing() {
    let mut catalogue = Catalogue::builtin();
    for (entry, key) in [
        (json!({"input_cost_per_token": -1}), "input_cost_per_token"),
        (json!({"input_cost_per_token": "much"}), "input_cost_per_token"),
        (json!({"output_cost_per_token": [1]}), "output_cost_per_token"),
        (json!({"max_input_tokens": 1.5}), "max_input_tokens"),
        (json!({"supports_vision": "yes"}), "supports_vision"),
        (json!({"mode": 7}), "mode"),
        (json!({"tiered_pricing": [{"input_cost_per_token": 1}]}), "tiered_pricing"),
        (json!({"search_context_cost_per_query": 7}), "search_context_cost_per_query"),
        (json!(7), "gpt-4o"),
    ] {
        let entries = map(json!({"a": {"input_cost_per_token": 1}, "gpt-4o": entry}));
        let (name, wrong) = catalogue.overlay(&entries).unwrap_err();
        assert_eq!((name.as_str(), wrong.key.as_str()), ("gpt-4o", key));
        assert!(wrong.to_string().contains("must be"));
        assert!(catalogue.exact("a").is_none());
    }
}
