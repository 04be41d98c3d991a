//! Identities as clients see them.

use serde::Serialize;
use serde_json::{Map, Number, Value};

/// Fields that hold money.
const AMOUNTS: [&str; 5] = ["max_budget", "soft_budget", "budget_limit", "spend", "total_spend"];

/// An identity's fields. Money is exact up to here; in JSON it becomes the nearest floating-point number, as LiteLLM's
/// clients expect.
pub(crate) fn shown(record: &impl Serialize) -> Map<String, Value> {
    let mut fields = match serde_json::to_value(record) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    for (name, value) in &mut fields {
        if name != "metadata" {
            numbers(name, value);
        }
    }
    fields
}

fn numbers(name: &str, value: &mut Value) {
    match value {
        Value::String(text) if AMOUNTS.contains(&name) => {
            let number = text.parse().ok().and_then(Number::from_f64);
            *value = number.map_or(Value::Null, Value::Number);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| numbers(name, item)),
        Value::Object(fields) => fields.iter_mut().for_each(|(name, value)| numbers(name, value)),
        _ => {}
    }
}

/// Several identities.
pub(crate) fn all<'a, R: Serialize + 'a>(records: impl IntoIterator<Item = &'a R>) -> Value {
    records.into_iter().map(|record| Value::Object(shown(record))).collect()
}
