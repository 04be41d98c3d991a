//! Arguments of a call that come in pieces: values with the places where they belong, by Google's guide on streaming
//! function call arguments.

use serde_json::{Map, Value};

/// Most steps of a place.
const MAX_DEPTH: usize = 64;

/// Arguments that are not complete yet.
#[derive(Debug, Default)]
pub(super) struct Arguments(Value);

/// A step from a value to one inside it.
#[derive(Debug, PartialEq)]
enum Step {
    Field(String),
    Element(usize),
}

impl Arguments {
    /// Adds what a call, or the continuation of one, brings: whole arguments, and pieces. Pieces in places that make no
    /// sense are left out.
    pub(super) fn add(&mut self, call: &Value) {
        if let (Some(Value::Object(whole)), Some(fields)) = (call.get("args"), as_object(&mut self.0)) {
            fields.extend(whole.clone());
        }
        for piece in call.get("partialArgs").and_then(Value::as_array).into_iter().flatten() {
            let steps = piece.get("jsonPath").and_then(Value::as_str).and_then(steps);
            if let (Some(steps), Some(value)) = (steps, value(piece))
                && let Some(place) = steps.iter().try_fold(&mut self.0, enter)
            {
                join(place, value);
            }
        }
    }

    /// The arguments as text.
    pub(super) fn into_json(mut self) -> String {
        as_object(&mut self.0);
        self.0.to_string()
    }
}

/// What a piece says.
fn value(piece: &Value) -> Option<Value> {
    let said = ["stringValue", "numberValue", "boolValue"].iter().find_map(|name| piece.get(*name).cloned());
    said.or_else(|| piece.get("nullValue").map(|_| Value::Null))
}

/// Texts grow, anything else is said once.
fn join(place: &mut Value, value: Value) {
    match (place, value) {
        (Value::String(text), Value::String(more)) => text.push_str(&more),
        (place, value) => *place = value,
    }
}

/// Goes one step further in, where there is something or may be. Arrays grow by one: a place may name any number.
fn enter<'a>(value: &'a mut Value, step: &Step) -> Option<&'a mut Value> {
    match step {
        Step::Field(name) => Some(as_object(value)?.entry(name.as_str()).or_insert(Value::Null)),
        Step::Element(at) => {
            if !value.is_array() {
                *value = Value::Array(Vec::new());
            }
            let list = value.as_array_mut()?;
            if *at == list.len() {
                list.push(Value::Null);
            }
            list.get_mut(*at)
        }
    }
}

fn as_object(value: &mut Value) -> Option<&mut Map<String, Value>> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut()
}

/// The steps of a place such as `$.stops[0].harbour` or `$['two words']`.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if steps.len() == MAX_DEPTH {
            return None;
        }
        let (step, after) = if let Some(name) = rest.strip_prefix('.') {
            let (name, after) = name.split_at(name.find(['.', '[']).unwrap_or(name.len()));
            (Step::Field(name.to_owned()), after)
        } else {
            let inner = rest.strip_prefix('[')?;
            match inner.chars().next().filter(|mark| matches!(mark, '\'' | '"')) {
                Some(mark) => {
                    let (name, after) = inner.strip_prefix(mark)?.split_once(mark)?;
                    (Step::Field(name.to_owned()), after.strip_prefix(']')?)
                }
                None => {
                    let (number, after) = inner.split_once(']')?;
                    (Step::Element(number.parse().ok()?), after)
                }
            }
        };
        steps.push(step);
        rest = after;
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn gathered(pieces: &[Value]) -> Value {
        let mut arguments = Arguments::default();
        arguments.add(&json!({ "partialArgs": pieces }));
        serde_json::from_str(&arguments.into_json()).unwrap()
    }

    #[test]
    fn pieces_come_together_where_they_belong() {
        let arguments = gathered(&[
            json!({"jsonPath": "$.stops[0].harbour", "stringValue": "Hus", "willContinue": true}),
            json!({"jsonPath": "$.stops[0].harbour", "stringValue": "um"}),
            json!({"jsonPath": "$.stops[1].depth", "numberValue": 2.5}),
            json!({"jsonPath": "$['two words']", "boolValue": true}),
            json!({"jsonPath": "$.none", "nullValue": "NULL_VALUE"}),
        ]);
        let expected =
            json!({"stops": [{"harbour": "Husum"}, {"depth": 2.5}], "two words": true, "none": null});
        assert_eq!(arguments, expected);
    }

    #[test]
    fn places_that_make_no_sense_are_left_out() {
        let deep = format!("${}", ".a".repeat(MAX_DEPTH + 1));
        for path in ["", "a", "$x", "$[", "$['a", "$[99999999]", "$[-1]", &deep] {
            assert_eq!(gathered(&[json!({"jsonPath": path, "numberValue": 1})]), json!({}), "{path}");
        }
        assert_eq!(gathered(&[]), json!({}));
    }
}
