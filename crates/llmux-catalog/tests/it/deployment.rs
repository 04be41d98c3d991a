//! The facts of one deployment: found once, changed by hand, or decided by the request.

use std::{sync::Arc, time::Duration};

use llmux_catalog::{Catalogue, DeploymentFacts, Facts, Query};
use llmux_core::{Margin, ModelFacts, Terms, Usage};
use serde_json::{Value, json};

fn facts(provider: &str, model: &str, base: Option<&str>, custom: &Value) -> DeploymentFacts {
    let mut set = Facts::default();
    for (key, value) in custom.as_object().unwrap() {
        set.set(key, value).unwrap();
    }
    let catalogue = Arc::new(Catalogue::builtin());
    DeploymentFacts::new(&catalogue, &Query::new(provider, model), base, set, Margin::default())
}

fn cost(facts: &DeploymentFacts, terms: &Terms<'_>) -> Option<String> {
    let mut usage = Usage::default();
    (usage.input, usage.cache_read, usage.output) = (1000, 1000, 100);
    facts.bill(&usage, terms).map(|bill| bill.total.to_string())
}

#[test]
fn prices_set_by_hand_concern_one_deployment_only() {
    let own =
        facts("openai", "gpt-4o", None, &json!({"input_cost_per_token": 0, "output_cost_per_token": 0}));
    let list = facts("openai", "gpt-4o", None, &json!({}));
    assert_eq!(cost(&own, &Terms::new()).as_deref(), Some("0"));
    assert_eq!(cost(&list, &Terms::new()).as_deref(), Some("0.00475"));
    assert_eq!(own.max_input_tokens("gpt-4o"), Some(128_000));
}

#[test]
fn a_deployment_with_a_name_of_its_own_has_the_price_of_its_base_model_or_of_who_answered() {
    let based = facts("azure", "my-own", Some("azure/gpt-4o-mini"), &json!({}));
    assert!(cost(&based, &Terms::new()).is_some());
    let unnamed = facts("azure", "my-own", None, &json!({}));
    assert_eq!(cost(&unnamed, &Terms::new()), None);
    let answered = Terms::new().with_models(Some("my-own"), Some("gpt-4o-mini"));
    assert_eq!(cost(&unnamed, &answered), cost(&based, &Terms::new()));
}

#[test]
fn a_deployment_of_several_models_has_the_price_of_the_one_that_is_asked_for() {
    let many = facts("openai", "*", None, &json!({}));
    assert_eq!(cost(&many, &Terms::new()), None);
    let asked = Terms::new().with_models(Some("openai/gpt-4o"), None);
    assert_eq!(cost(&many, &asked).as_deref(), Some("0.00475"));
    assert_eq!(many.max_output_tokens("gpt-4o"), Some(16_384));
    let any = facts("", "*", None, &json!({}));
    assert_eq!(cost(&any, &asked).as_deref(), Some("0.00475"));
    assert_eq!(cost(&any, &Terms::new().with_models(Some("groq/gpt-4o"), None)), None);
}

#[test]
fn a_price_for_the_machines_time_leaves_no_price_for_tokens() {
    let timed = facts("openai", "gpt-4o", None, &json!({"input_cost_per_second": 0.001}));
    let took = Terms::new().with_elapsed(Duration::from_secs(2));
    assert_eq!(cost(&timed, &took).as_deref(), Some("0.002"));
    let audio = json!({"input_cost_per_second": 0.001, "mode": "audio_transcription"});
    assert_eq!(cost(&facts("x", "whisper", None, &audio), &took).as_deref(), Some("0"));
}
