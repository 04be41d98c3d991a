//! What a response repeats of its request.

use llmux_core::Envelope;
use serde_json::{Map, Value, json};

/// The fields, and what stands there when the client did not say.
const REPEATED: [(&str, Default); 15] = [
    ("background", Default::False),
    ("instructions", Default::Null),
    ("max_output_tokens", Default::Null),
    ("max_tool_calls", Default::Absent),
    ("metadata", Default::Object),
    ("parallel_tool_calls", Default::True),
    ("prompt_cache_key", Default::Absent),
    ("reasoning", Default::Null),
    ("safety_identifier", Default::Absent),
    ("temperature", Default::Null),
    ("text", Default::PlainText),
    ("tool_choice", Default::Auto),
    ("top_p", Default::Null),
    ("truncation", Default::Disabled),
    ("user", Default::Absent),
];

#[derive(Clone, Copy)]
enum Default {
    Absent,
    Null,
    False,
    True,
    Object,
    PlainText,
    Auto,
    Disabled,
}

impl Default {
    fn value(self) -> Option<Value> {
        Some(match self {
            Self::Absent => return None,
            Self::Null => Value::Null,
            Self::False => false.into(),
            Self::True => true.into(),
            Self::Object => json!({}),
            Self::PlainText => json!({ "format": { "type": "text" } }),
            Self::Auto => "auto".into(),
            Self::Disabled => "disabled".into(),
        })
    }
}

/// The request's settings as its response repeats them.
#[derive(Clone, Debug)]
pub struct Settings(Map<String, Value>);

impl Settings {
    /// Takes them from a client's body.
    #[must_use]
    pub fn of(body: &[u8], envelope: &Envelope) -> Self {
        let field = |name: &str| -> Option<Value> {
            let raw = envelope.get(body, name)?;
            serde_json::from_slice(raw).ok().filter(|value: &Value| !value.is_null())
        };
        let mut settings = Map::new();
        for (name, default) in REPEATED {
            if let Some(value) = field(name).or_else(|| default.value()) {
                settings.insert(name.to_owned(), value);
            }
        }
        let mut tools = field("tools").unwrap_or_else(|| json!([]));
        tools.as_array_mut().into_iter().flatten().for_each(complete_tool);
        settings.insert("tools".into(), tools);
        settings.insert("previous_response_id".into(), Value::Null);
        // Whatever was asked for, nothing is kept.
        settings.insert("store".into(), false.into());
        if let Some(format) = settings.get_mut("text").and_then(|text| text.get_mut("format")) {
            complete_format(format);
        }
        Self(settings)
    }

    pub(super) fn fields(&self) -> Map<String, Value> {
        self.0.clone()
    }
}

/// A function has every field, although clients may leave some out.
fn complete_tool(tool: &mut Value) {
    let Some(function) = tool.as_object_mut().filter(|tool| tool.get("type") == Some(&"function".into()))
    else {
        return;
    };
    for name in ["description", "parameters"] {
        function.entry(name).or_insert(Value::Null);
    }
    if function.get("strict").is_none_or(Value::is_null) {
        function.insert("strict".into(), false.into());
    }
}

fn complete_format(format: &mut Value) {
    if let Some(fields) = format.as_object_mut().filter(|fields| fields.contains_key("schema")) {
        fields.entry("description").or_insert(Value::Null);
        fields.entry("strict").or_insert(false.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::envelope;

    fn settings(body: &Value) -> Value {
        let body = body.to_string();
        Value::Object(Settings::of(body.as_bytes(), &envelope::read(body.as_bytes()).unwrap()).fields())
    }

    #[test]
    fn what_the_client_asked_is_repeated_and_the_rest_has_its_default() {
        let repeated = settings(&json!({"model": "m", "input": "hi", "temperature": 0.5, "store": true,
            "tools": [{"type": "function", "name": "f"}, {"type": "web_search"}]}));
        assert_eq!(repeated["temperature"], 0.5);
        assert_eq!((&repeated["top_p"], &repeated["store"]), (&Value::Null, &json!(false)));
        assert_eq!(repeated["tools"][0]["strict"], false);
        assert_eq!(repeated["tools"][1], json!({"type": "web_search"}));
        assert_eq!(repeated["text"], json!({"format": {"type": "text"}}));
        assert!(repeated.get("input").is_none() && repeated.get("user").is_none());
    }
}
