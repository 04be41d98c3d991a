use super::*;

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn rates(entries: &[(&str, &str)]) -> Rates {
    let mut rates = Rates::new();
    for (key, price) in entries {
        rates.set(Key::from_litellm(key).unwrap(), money(price));
    }
    rates
}

#[test]
fn a_price_set_by_hand_replaces_what_derives_from_it_and_nothing_else() {
    let mut list = rates(&[
        ("input_cost_per_token", "3e-6"),
        ("input_cost_per_token_above_200k_tokens", "6e-6"),
        ("cache_read_input_token_cost", "3e-7"),
        ("cache_creation_input_token_cost_above_1hr", "6e-6"),
        ("output_cost_per_token", "15e-6"),
        ("output_cost_per_token_priority", "30e-6"),
    ]);
    list.replace(&rates(&[("input_cost_per_token", "1e-6")]));
    let keys: Vec<_> = list.iter().map(|(key, price)| format!("{key}={price}")).collect();
    assert_eq!(keys, ["input=0.000001", "output=0.000015", "output@priority=0.00003"]);
}

#[test]
fn a_price_set_by_hand_for_cached_tokens_leaves_the_others() {
    let mut list = rates(&[("input_cost_per_token", "3e-6"), ("cache_read_input_token_cost", "3e-7")]);
    list.replace(&rates(&[("cache_read_input_token_cost", "0")]));
    assert_eq!(list.get(Key::of(Unit::Input)), Some(money("3e-6")));
    assert_eq!(list.get(Key::of(Unit::CacheRead)), Some(Money::ZERO));
}

#[test]
fn a_threshold_is_passed_by_one_token_more_unless_the_list_says_otherwise() {
    let list = rates(&[("input_cost_per_token", "1"), ("input_cost_per_token_above_128k_tokens", "2")]);
    let mut usage = Usage::default();
    usage.input = 128_000;
    let cost = |rates: &Rates, usage: &Usage| rates.cost(usage, &Terms::new()).total();
    assert_eq!(cost(&list, &usage), money("128000"));
    assert_eq!(cost(&list.clone().from_threshold(true), &usage), money("256000"));
    usage.cache_read = 1;
    assert_eq!(cost(&list, &usage), money("256002"));
}
