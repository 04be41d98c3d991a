//! Recorded requests, read and written again.

use llmux_core::Shaping;
use llmux_testkit::fixtures;
use llmux_wire::{bedrock, chat::Fit};
use serde_json::{Value, json};

/// A request in one of its several equal forms: no values that are the default, tool results first.
fn normal(mut body: Value) -> Value {
    let fields = body.as_object_mut().unwrap();
    fields.retain(|name, value| *value != json!({}) && !(name == "system" && *value == json!([])));
    for message in fields["messages"].as_array_mut().unwrap() {
        let content = message["content"].as_array_mut().unwrap();
        content.retain(|block| !block["text"].as_str().is_some_and(|text| text.trim().is_empty()));
        content.sort_by_key(|block| block["toolResult"].is_null());
        for block in content {
            if let Some(result) = block["toolResult"].as_object_mut() {
                result.retain(|name, value| name != "status" || *value != "success");
            } else if block["toolResult"].is_null() {
                block.as_object_mut().unwrap().shift_remove("toolResult");
            }
        }
    }
    let schema = "/outputConfig/textFormat/structure/jsonSchema/schema";
    if let Some(schema) = body.pointer_mut(schema) {
        *schema = serde_json::from_str(schema.as_str().unwrap()).unwrap();
    }
    body
}

#[test]
fn recorded_requests_pass_through_the_neutral_model_unchanged() {
    for case in fixtures::cases_of(&["bedrock"]).iter().filter(|case| case.kind == "chat") {
        let Some(body) = case.request_body() else { continue };
        let request = bedrock::read_request(body.to_string().as_bytes());
        let request = request.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let shaping = Shaping::default();
        let mut fit = Fit::new("Bedrock", &shaping);
        let model = case.meta["model"].as_str().unwrap();
        let written = bedrock::write_request(&request, model, &mut fit);
        let written = written.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert_eq!(fit.into_dropped(), Vec::<String>::new(), "{}", case.name);
        let written: Value = serde_json::from_slice(&written).unwrap();
        assert_eq!(normal(written), normal(body.clone()), "{}", case.name);
    }
}
