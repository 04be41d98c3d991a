//! The items of a conversation, as clients send them and as the gateway gives them back.

use llmux_core::{Error, Result};
use serde_json::{Map, Value, json};

/// The items of an `input`: a text is one message of the user's.
///
/// # Errors
/// A 400 that names the field when it is neither text nor a list.
pub(super) fn of_input(field: &str, input: Value) -> Result<Vec<Value>> {
    match input {
        Value::String(text) => Ok(vec![json!({ "type": "message", "role": "user", "content": text })]),
        Value::Array(items) => Ok(items),
        Value::Null => Ok(Vec::new()),
        _ => Err(Error::invalid(field, format!("`{field}` must be a string or an array of items"))
            .with_code("invalid_type")),
    }
}

/// An item of an earlier turn as part of a new request. Ids that some provider gave mean nothing to another, but those
/// of reasoning, which has to come back as it was.
pub(super) fn again(mut item: Value) -> Value {
    if let Some(fields) = item.as_object_mut().filter(|item| item.get("type") != Some(&json!("reasoning"))) {
        fields.shift_remove("id");
        fields.shift_remove("status");
    }
    item
}

/// An item as a resource: with an id, a type, a status and its content as a list.
pub(super) fn as_resource(item: Value, id: impl FnOnce() -> String) -> Value {
    let Value::Object(given) = item else { return item };
    let mut out = Map::new();
    let has = |name: &str| given.get(name).filter(|value| !value.is_null()).cloned();
    let kind = has("type").unwrap_or_else(|| "message".into());
    out.insert("id".into(), has("id").unwrap_or_else(|| id().into()));
    let is_message = kind == "message";
    out.insert("type".into(), kind);
    if is_message {
        out.insert("status".into(), has("status").unwrap_or_else(|| "completed".into()));
        let said = if has("role") == Some("assistant".into()) { "output_text" } else { "input_text" };
        if let Some(Value::String(text)) = has("content") {
            let mut part = json!({ "type": said, "text": text });
            if said == "output_text"
                && let Some(part) = part.as_object_mut()
            {
                part.insert("annotations".into(), json!([]));
            }
            out.insert("content".into(), json!([part]));
        }
    }
    for (name, value) in given {
        out.entry(name).or_insert(value);
    }
    out.into()
}

/// A page of a list, as the query asks for it: `limit` (1 to 100, 20 if not given), `order` (newest first unless
/// `asc`) and `after`.
///
/// # Errors
/// A 400 that names a value that cannot be.
pub(super) fn page(mut items: Vec<Value>, query: Option<&str>) -> Result<Value> {
    let asked = |name: &str| {
        let pairs = query.into_iter().flat_map(|query| query.split('&'));
        pairs
            .filter_map(|pair| pair.split_once('='))
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    };
    let limit = match asked("limit").map(str::parse::<usize>) {
        None => 20,
        Some(Ok(limit @ 1..=100)) => limit,
        Some(_) => return Err(Error::invalid("limit", "`limit` must be a whole number from 1 to 100")),
    };
    match asked("order") {
        Some("asc") => {}
        None | Some("desc") => items.reverse(),
        Some(_) => return Err(Error::invalid("order", "`order` must be `asc` or `desc`")),
    }
    if let Some(after) = asked("after") {
        let seen = items.iter().position(|item| id_of(item) == after);
        items.drain(..seen.map_or(items.len(), |at| at.saturating_add(1)));
    }
    let has_more = items.len() > limit;
    items.truncate(limit);
    let (first, last) = (items.first().map(id_of), items.last().map(id_of));
    Ok(json!({
        "object": "list", "first_id": first.unwrap_or_default(), "last_id": last.unwrap_or_default(),
        "has_more": has_more, "data": items,
    }))
}

/// The id of an item; nothing if it has none.
pub(super) fn id_of(item: &Value) -> &str {
    item.get("id").and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_message_with_an_id_and_a_list_of_parts() {
        let items = of_input("input", json!("hi")).unwrap();
        let resource = as_resource(items[0].clone(), || "msg_1".into());
        assert_eq!(
            resource,
            json!({"id": "msg_1", "type": "message", "status": "completed", "role": "user",
                "content": [{"type": "input_text", "text": "hi"}]})
        );
        assert_eq!(of_input("items", json!(3)).unwrap_err().param(), Some("items"));
    }

    #[test]
    fn a_page_is_cut_in_either_order_behind_an_item() {
        let items: Vec<_> = (0..5).map(|at| json!({"id": at.to_string()})).collect();
        let ids = |query: &str| {
            let page = page(items.clone(), Some(query)).unwrap();
            let ids: String = page["data"].as_array().unwrap().iter().map(id_of).collect();
            (ids, page["has_more"] == true)
        };
        assert_eq!(ids("limit=2"), ("43".to_owned(), true));
        assert_eq!(ids("order=asc&after=1"), ("234".to_owned(), false));
        assert_eq!(page(items, Some("limit=0")).unwrap_err().param(), Some("limit"));
    }
}
