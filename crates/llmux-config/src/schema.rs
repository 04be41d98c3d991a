//! The JSON Schema of a configuration file, for editors.

use serde_json::{Map, Value, json};

use crate::keys::{ENDING, Key, ROOT, Section, Shape, Status};

/// The JSON Schema (draft 2020-12) of a configuration file.
///
/// It is stricter than the [`Loader`](crate::Loader) in one respect: keys that are merely warned about are
/// not allowed, so that editors underline them.
#[must_use]
pub fn schema() -> Value {
    let mut definitions = Map::new();
    definitions.insert(
        "reference".to_owned(),
        json!({
            "type": ["string", "null"],
            "pattern": "^os\\.environ/.+",
            "description": "The value of an environment variable.",
        }),
    );
    definitions.insert("price".to_owned(), price());
    for section in crate::keys::sections() {
        definitions.insert(definition(section), object(section));
    }
    definitions.remove(&definition(&ROOT));
    let mut root = Map::new();
    root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    root.insert("title".to_owned(), json!("Configuration of LLMux"));
    if let Value::Object(keys) = object(&ROOT) {
        root.extend(keys);
    }
    root.insert("$defs".to_owned(), Value::Object(definitions));
    Value::Object(root)
}

fn object(section: &Section) -> Value {
    let mut properties = Map::new();
    let mut patterns = Map::new();
    let inert = json!({ "description": "Known but not supported yet: it has no effect." });
    for key in section.keys() {
        for name in key.names() {
            properties.insert(name.to_owned(), property(key, name));
            if key.takes_endings {
                patterns.insert(format!("^{name}{ENDING}$"), json!({ "$ref": "#/$defs/price" }));
            }
        }
    }
    for name in section.not_yet() {
        match name.strip_suffix('*') {
            None => properties.insert(name.to_owned(), inert.clone()),
            Some(prefix) => patterns.insert(format!("^{prefix}"), inert.clone()),
        };
    }
    let required: Vec<Value> = section.keys().filter(|key| key.required).map(any_name).collect();
    let mut out = Map::new();
    out.insert("type".to_owned(), json!("object"));
    out.insert("description".to_owned(), json!(section.doc));
    out.insert("properties".to_owned(), Value::Object(properties));
    if !patterns.is_empty() {
        out.insert("patternProperties".to_owned(), Value::Object(patterns));
    }
    if !required.is_empty() {
        out.insert("allOf".to_owned(), Value::Array(required));
    }
    out.insert("additionalProperties".to_owned(), json!(section.keep_in.is_some()));
    Value::Object(out)
}

/// An amount of money.
fn price() -> Value {
    let number = json!({ "type": "number", "minimum": 0 });
    let text = json!({ "type": "string", "pattern": r"^\s*[0-9.]+([eE][+-]?[0-9]+)?\s*$" });
    or_reference(json!({ "anyOf": [number, text] }))
}

/// At least one name of a mandatory key.
fn any_name(key: &Key) -> Value {
    let names: Vec<Value> = key.names().map(|name| json!({ "required": [name] })).collect();
    json!({ "anyOf": names })
}

fn property(key: &Key, name: &str) -> Value {
    let mut out = match &key.status {
        Status::Ignored => Map::new(),
        Status::Supported(shape) => match shape_schema(shape) {
            Value::Object(map) => map,
            _ => Map::new(),
        },
    };
    let note = if name == key.name { String::new() } else { format!(" The same as `{}`.", key.name) };
    let default = if key.default.is_empty() { String::new() } else { format!(" Default: {}.", key.default) };
    out.insert("description".to_owned(), json!(format!("{}{default}{note}", key.doc)));
    Value::Object(out)
}

fn shape_schema(shape: &Shape) -> Value {
    let texts = || json!({ "type": "array", "items": { "type": "string" } });
    match shape {
        Shape::Flag => or_reference(json!({ "type": "boolean" })),
        Shape::Text | Shape::Secret => json!({ "type": ["string", "number", "null"] }),
        Shape::SecretDocument => json!({ "type": ["string", "object", "null"] }),
        Shape::Url => or_reference(json!({ "type": "string", "pattern": "^https?://." })),
        Shape::Integer(min, max) => {
            let mut bounds = Map::from_iter([("type".to_owned(), json!("integer"))]);
            if *min != i64::MIN {
                bounds.insert("minimum".to_owned(), json!(min));
            }
            if *max != i64::MAX {
                bounds.insert("maximum".to_owned(), json!(max));
            }
            or_reference(Value::Object(bounds))
        }
        Shape::Number(min) if min.is_finite() => or_reference(json!({ "type": "number", "minimum": min })),
        Shape::Number(_) => or_reference(json!({ "type": "number" })),
        Shape::Price => price(),
        Shape::Duration => amount(json!({ "type": "number", "exclusiveMinimum": 0 }), TIME),
        Shape::DurationOrZero => amount(json!({ "type": "number", "minimum": 0 }), TIME),
        Shape::Size => amount(json!({ "type": "integer", "minimum": 1 }), SIZE),
        Shape::Choice(choice) => {
            let words: Vec<_> = choice.allowed.iter().chain(choice.not_yet).collect();
            or_reference(json!({ "enum": words }))
        }
        Shape::Texts => texts(),
        Shape::TextOrTexts => json!({ "anyOf": [{ "type": ["string", "null"] }, texts()] }),
        Shape::Headers => {
            json!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean", "null"] } })
        }
        Shape::Object => json!({ "type": "object" }),
        Shape::Any => json!({}),
        Shape::Section(section) => link(section),
        Shape::List(section) => json!({ "type": "array", "items": link(section) }),
        Shape::Sections(section) => json!({ "type": "object", "additionalProperties": link(section) }),
        Shape::Named(section, _) => json!({
            "type": "object",
            "additionalProperties": { "anyOf": [{ "type": "string" }, link(section)] },
        }),
    }
}

const TIME: &str = r"^\s*[0-9.]+\s*(ms|s|sec|m|min|h|d)?\s*$";
const SIZE: &str = r"^\s*[0-9.]+\s*([kKmMgG]i?)?[bB]?\s*$";

/// The name of a section without what an address cannot hold.
fn definition(section: &Section) -> String {
    let name = section.name.replace("[]", "").replace(".*", "").replace(' ', "_");
    if section.name.ends_with("[]") || section.name.ends_with(".*") { format!("{name}.item") } else { name }
}

fn link(section: &Section) -> Value {
    json!({ "$ref": format!("#/$defs/{}", definition(section)) })
}

fn or_reference(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "$ref": "#/$defs/reference" }] })
}

fn amount(number: Value, pattern: &str) -> Value {
    or_reference(json!({ "anyOf": [number, { "type": "string", "pattern": pattern }] }))
}
