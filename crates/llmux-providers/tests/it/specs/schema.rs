//! The published schemas, as validators.

use std::{collections::BTreeMap, fs, path::Path};

use jsonschema::Validator;
use llmux_testkit::fixtures;
use serde_json::{Map, Value, json};

/// What is validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    Chat,
    Chunk,
    Completion,
    Embeddings,
    OpenAiError,
    ChatRequest,
    Response,
    ResponseEvent,
    Message,
    Event,
    Ping,
    Count,
    AnthropicError,
    MessagesRequest,
    CohereChat,
    CohereEvent,
    CohereEmbeddings,
}

/// Names in OpenAI's file.
const OPENAI: &[(Name, &str)] = &[
    (Name::Chat, "CreateChatCompletionResponse"),
    (Name::Chunk, "CreateChatCompletionStreamResponse"),
    (Name::Completion, "CreateCompletionResponse"),
    (Name::Embeddings, "CreateEmbeddingResponse"),
    (Name::OpenAiError, "ErrorResponse"),
    (Name::ChatRequest, "CreateChatCompletionRequest"),
    (Name::Response, "Response"),
    (Name::ResponseEvent, "ResponseStreamEvent"),
];
/// Files of Anthropic's, of which the previews know everything that the others know, and more, and of Cohere's.
const SDKS: &[(Name, &str)] = &[
    (Name::Message, "anthropic-beta-message"),
    (Name::Event, "anthropic-beta-stream-event"),
    (Name::Count, "anthropic-count-tokens"),
    (Name::MessagesRequest, "anthropic-message-create-params-nonstreaming"),
    (Name::CohereChat, "cohere-V2ChatResponse"),
    (Name::CohereEvent, "cohere-V2ChatStreamResponse"),
    (Name::CohereEmbeddings, "cohere-EmbedByTypeResponse"),
];

/// One validator for each kind of output.
pub(super) struct Schemas(BTreeMap<Name, Validator>);

impl Schemas {
    /// Loads the files beside the recordings; `None`, and a line that says so, when they are not here.
    pub(super) fn load() -> Option<Self> {
        let root = fixtures::root()?.join("../specs");
        if !root.is_dir() {
            eprintln!("skipped: the specifications are not here ({})", root.display());
            return None;
        }
        let mut all = BTreeMap::new();
        let components = openai(&root);
        for (name, schema) in OPENAI {
            all.insert(*name, validator(&only_needed(&components, schema)));
        }
        for (name, file) in SDKS {
            let schema = fs::read(root.join(format!("sdk-schemas/{file}.schema.json"))).unwrap();
            all.insert(*name, validator(&serde_json::from_slice(&schema).unwrap()));
        }
        // No file describes Anthropic's pings and errors; these are as its documentation has them.
        all.insert(Name::Ping, validator(&json!({"enum": [{"type": "ping"}]})));
        all.insert(
            Name::AnthropicError,
            validator(&json!({
                "type": "object",
                "required": ["type", "error"],
                "properties": {
                    "type": {"const": "error"},
                    "error": {
                        "type": "object",
                        "required": ["type", "message"],
                        "properties": {"type": {"type": "string"}, "message": {"type": "string"}},
                    },
                },
            })),
        );
        Some(Self(all))
    }

    /// Where a value breaks its schema: kind, place with `*` for positions, and what is wrong.
    pub(super) fn complaints(&self, name: Name, value: &Value) -> Vec<String> {
        let errors = self.0[&name].iter_errors(value);
        errors
            .map(|error| {
                let place: Vec<_> = error
                    .instance_path()
                    .to_string()
                    .split('/')
                    .map(|step| if step.parse::<usize>().is_ok() { "*".to_owned() } else { step.to_owned() })
                    .collect();
                let words: String = error.to_string().chars().take(300).collect();
                format!("{name:?} {}: {words}", place.join("/"))
            })
            .collect()
    }
}

fn validator(schema: &Value) -> Validator {
    jsonschema::options().with_draft(jsonschema::Draft::Draft202012).build(schema).unwrap()
}

/// The schemas of OpenAI's file, by name.
fn openai(root: &Path) -> Map<String, Value> {
    let text = fs::read_to_string(root.join("openai-openapi.yaml")).unwrap();
    // The paths are a large part of the file and not needed.
    let start = text.find("\ncomponents:").unwrap() + 1;
    // The bounds of a 64-bit number, as a number that rounds decimals wrote them.
    let text = text[start..].replace("-9223372036854776000", "-9223372036854775808");
    let file: Value =
        yaml_serde::from_str(&text.replace("9223372036854776000", "9223372036854775807")).unwrap();
    let mut schemas = file["components"]["schemas"].as_object().unwrap().clone();
    schemas.values_mut().for_each(plain);
    schemas
}

/// Says in JSON Schema's words what only OpenAPI has a word for.
fn plain(schema: &mut Value) {
    match schema {
        Value::Array(list) => list.iter_mut().for_each(plain),
        Value::Object(object) => {
            object.values_mut().for_each(plain);
            if object.shift_remove("nullable") == Some(Value::Bool(true)) {
                let inner = Value::Object(std::mem::take(object));
                object.insert("anyOf".into(), json!([inner, {"type": "null"}]));
            }
        }
        _ => {}
    }
}

/// A document of one schema and those that it refers to.
fn only_needed(all: &Map<String, Value>, root: &str) -> Value {
    let mut needed = Map::new();
    let mut open = vec![root.to_owned()];
    while let Some(name) = open.pop() {
        if !needed.contains_key(&name) {
            references(&all[&name], &mut open);
            needed.insert(name.clone(), all[&name].clone());
        }
    }
    json!({"$ref": format!("#/components/schemas/{root}"), "components": {"schemas": needed}})
}

fn references(schema: &Value, open: &mut Vec<String>) {
    match schema {
        Value::Array(list) => list.iter().for_each(|item| references(item, open)),
        Value::Object(object) => {
            let name = object.get("$ref").and_then(Value::as_str);
            open.extend(name.and_then(|name| name.rsplit('/').next()).map(str::to_owned));
            object.values().for_each(|value| references(value, open));
        }
        _ => {}
    }
}
