use http::HeaderMap;
use llmux_core::{Registry, Shaping};
use serde_json::{Value, json};

use super::*;

fn provider(name: &str, shaping: Shaping) -> Arc<dyn Provider> {
    let mut registry = Registry::empty();
    crate::register(&mut registry);
    let mut settings = ProviderSettings::default();
    settings.api_key = Some("sk-canary".into());
    settings.shaping = shaping;
    registry.providers.build(name, &settings).unwrap()
}

fn prepare(
    provider: &Arc<dyn Provider>,
    operation: Operation,
    dialect: Dialect,
    body: &str,
) -> Result<Exchange> {
    let body = Bytes::from(body.to_owned());
    let fields = envelope::read(&body).unwrap();
    let headers = HeaderMap::new();
    let stream = fields.get(&body, "stream") == Some(b"true");
    provider.prepare(&Call::new(operation, dialect, "up", &body, &fields, &headers).with_stream(stream))
}

fn sent(name: &str, body: &str) -> String {
    let exchange =
        prepare(&provider(name, Shaping::default()), Operation::Chat, Dialect::OpenAi, body).unwrap();
    let Outgoing::Send(request) = exchange.outgoing else { panic!("must be sent") };
    String::from_utf8(request.into_body().to_vec()).unwrap()
}

#[test]
fn unknown_fields_and_spacing_survive_byte_for_byte() {
    let body =
        r#"{ "model":"m", "brand_new" : {"a": 1.00}, "messages":[{"role":"user","content":"\u00e9"}] }"#;
    assert_eq!(sent("openai", body), body.replace("\"m\"", "\"up\""));
}

#[test]
fn what_is_meant_for_the_gateway_stays_here() {
    let body =
        r#"{"model":"up","tags":["a"],"metadata":{"x":1},"fallbacks":[],"num_retries":2,"messages":[]}"#;
    assert_eq!(sent("openai", body), r#"{"model":"up","messages":[]}"#);
    let stored = r#"{"model":"up","metadata":{"x":"1"},"store":true,"messages":[]}"#;
    assert_eq!(sent("openai", stored), stored);
}

#[test]
fn usage_of_streams_is_always_asked_for() {
    let sent_value = |body: &str| -> Value { serde_json::from_str(&sent("openai", body)).unwrap() };
    let asked = json!({"include_usage": true});
    assert_eq!(sent_value(r#"{"model":"m","stream":true}"#)["stream_options"], asked);
    let more = sent_value(r#"{"model":"m","stream":true,"stream_options":{"include_obfuscation":false}}"#);
    assert_eq!(more["stream_options"], json!({"include_obfuscation": false, "include_usage": true}));
    // Mistral answers 422 for the field and sends usage unasked.
    assert!(
        serde_json::from_str::<Value>(&sent("mistral", r#"{"model":"m","stream":true}"#))
            .unwrap()
            .get("stream_options")
            .is_none()
    );
}

#[test]
fn quirks_of_a_host_are_applied() {
    let sent_value = |name: &str, body: &str| -> Value { serde_json::from_str(&sent(name, body)).unwrap() };
    let body = r#"{"model":"m","max_completion_tokens":5,"seed":1,"tool_choice":"required","messages":[{"role":"developer","content":"x","name":"y"}]}"#;
    let mistral = sent_value("mistral", body);
    assert_eq!(
        mistral,
        json!({"model": "up", "max_tokens": 5, "random_seed": 1, "tool_choice": "any",
               "messages": [{"role": "system", "content": "x"}]})
    );
}

#[test]
fn a_parameter_that_the_host_refuses_is_named_or_dropped() {
    let body = r#"{"model":"m","logit_bias":{},"messages":[]}"#;
    let refused = prepare(&provider("mistral", Shaping::default()), Operation::Chat, Dialect::OpenAi, body);
    assert_eq!(refused.err().unwrap().param(), Some("logit_bias"));
    let mut shaping = Shaping::default();
    shaping.drop_params = true;
    let exchange = prepare(&provider("mistral", shaping), Operation::Chat, Dialect::OpenAi, body).unwrap();
    assert_eq!(exchange.dropped, ["logit_bias"]);
}

#[test]
fn defaults_fill_in_and_forced_fields_win() {
    let mut shaping = Shaping::default();
    shaping.defaults = json!({"temperature": 0.5, "top_p": 1}).as_object().cloned().unwrap();
    shaping.extra_body = json!({"seed": 7}).as_object().cloned().unwrap();
    let body = r#"{"model":"up","temperature":0.1,"seed":1}"#;
    let exchange = prepare(&provider("openai", shaping), Operation::Chat, Dialect::OpenAi, body).unwrap();
    let Outgoing::Send(request) = exchange.outgoing else { panic!("must be sent") };
    assert_eq!(request.body(), r#"{"model":"up","temperature":0.1,"seed":7,"top_p":1}"#);
    assert_eq!(request.headers()["authorization"], "Bearer sk-canary");
}

#[test]
fn an_anthropic_client_reaches_an_openai_host() {
    let body = r#"{"model":"m","max_tokens":5,"system":"s","messages":[{"role":"user","content":"hi"}]}"#;
    let exchange =
        prepare(&provider("groq", Shaping::default()), Operation::Chat, Dialect::Anthropic, body).unwrap();
    let Outgoing::Send(request) = exchange.outgoing else { panic!("must be sent") };
    let sent: Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(
        sent["messages"],
        json!([{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}])
    );
}

#[test]
fn every_host_can_be_built_once_it_has_an_address() {
    let mut registry = Registry::empty();
    crate::register(&mut registry);
    let mut settings = ProviderSettings::default();
    settings.base_url = Some("http://127.0.0.1:9".into());
    for host in hosts() {
        assert!(registry.providers.build(host.name, &settings).is_ok(), "{}", host.name);
    }
}

#[test]
fn a_host_without_an_address_of_its_own_asks_for_one() {
    let mut registry = Registry::empty();
    crate::register(&mut registry);
    let error = registry.providers.build("openai_like", &ProviderSettings::default()).err().unwrap();
    assert_eq!(error.param(), Some("api_base"));
}
