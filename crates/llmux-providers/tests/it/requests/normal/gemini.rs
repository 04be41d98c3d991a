//! Gemini's requests in one of their several equal forms.

use serde_json::{Map, Value, json};

/// The normal form: names in `camelCase`, nothing that only says the default, base64 in one alphabet.
pub(super) fn normal(body: Value) -> Value {
    let mut body = named(body);
    let fields = body.as_object_mut().unwrap();
    if let Some(config) = fields.get_mut("generationConfig").and_then(Value::as_object_mut) {
        config.retain(|name, value| name != "responseModalities" || *value != json!(["TEXT"]));
        if config.is_empty() {
            fields.shift_remove("generationConfig");
        }
    }
    if let Some(instruction) = fields.get_mut("systemInstruction").and_then(Value::as_object_mut) {
        instruction.shift_remove("role");
    }
    for declaration in body_declarations(fields) {
        declaration.retain(|name, value| name != "description" || *value != "");
    }
    let contents = fields.get_mut("contents").and_then(Value::as_array_mut).map(std::mem::take);
    fields.insert("contents".into(), turns(contents.unwrap_or_default()).into());
    let auto = json!({"functionCallingConfig": {"mode": "AUTO"}});
    fields.retain(|name, value| name != "toolConfig" || *value != auto);
    body
}

fn body_declarations(fields: &mut Map<String, Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    let tools = fields.get_mut("tools").and_then(Value::as_array_mut).into_iter().flatten();
    let lists = tools.filter_map(|tool| tool.get_mut("functionDeclarations")?.as_array_mut());
    lists.flatten().filter_map(Value::as_object_mut)
}

/// What one side says in a row is one turn.
fn turns(contents: Vec<Value>) -> Vec<Value> {
    let mut turns: Vec<Value> = Vec::new();
    for content in contents {
        match turns.last_mut() {
            Some(last) if last["role"] == content["role"] => {
                last["parts"].as_array_mut().unwrap().extend(content["parts"].as_array().unwrap().clone());
            }
            _ => turns.push(content),
        }
    }
    turns
}

/// What is data of the client keeps its names.
fn named(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| {
                    let name = camel(&name);
                    let data = ["args", "response", "parametersJsonSchema", "responseJsonSchema"];
                    let value = match value {
                        Value::String(text) if name == "data" || name == "thoughtSignature" => {
                            text.replace('-', "+").replace('_', "/").into()
                        }
                        value if data.contains(&name.as_str()) => value,
                        value => named(value),
                    };
                    (name, value)
                })
                .collect::<Map<_, _>>(),
        ),
        Value::Array(list) => list.into_iter().map(named).collect(),
        other => other,
    }
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |done, word| done + &word[..1].to_uppercase() + &word[1..])
}
