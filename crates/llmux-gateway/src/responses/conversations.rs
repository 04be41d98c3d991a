//! Conversations: `/v1/conversations` and what is below. All of them are kept here, so that any provider can take part.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use llmux_core::{Error, ErrorKind, RequestId, ResponseStore, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::items;

/// How ids of conversations begin that are kept here.
const HERE: &str = "conv_llmux_";
/// Items that one request may add, as at OpenAI.
const MAX_ADDED: usize = 20;

/// A conversation.
#[derive(Debug, Serialize, Deserialize)]
struct Conversation {
    created_at: u64,
    metadata: Value,
    items: Vec<Value>,
}

/// Whether an id is one of those that were given out here.
pub(super) fn is_kept_here(id: &str) -> bool {
    id.starts_with(HERE)
}

/// The id in a request's `conversation`: a text, or an object that holds it.
pub(super) fn named(conversation: &Value) -> Option<&str> {
    conversation.as_str().or_else(|| conversation.get("id").and_then(Value::as_str))
}

/// Everything that was said in a conversation.
pub(super) async fn items(store: &dyn ResponseStore, id: &str) -> Result<Vec<Value>> {
    Ok(find(store, id).await?.items)
}

/// Adds what was said.
pub(super) async fn add(store: &dyn ResponseStore, id: &str, items: Vec<Value>) -> Result<Vec<Value>> {
    let mut conversation = find(store, id).await?;
    let mut added = Vec::with_capacity(items.len());
    for mut item in items {
        // What a provider calls its items need not be unique beyond one answer.
        let known = conversation.items.iter().any(|known| items::id_of(known) == items::id_of(&item));
        if let Some(fields) = item.as_object_mut().filter(|_| known) {
            fields.shift_remove("id");
        }
        let item = items::as_resource(item, fresh_item);
        conversation.items.push(item.clone());
        added.push(item);
    }
    keep(store, id, &conversation).await?;
    Ok(added)
}

/// `POST /v1/conversations`
pub(super) async fn create(store: &dyn ResponseStore, mut body: Map<String, Value>) -> Result<Value> {
    let id = format!("{HERE}{}", RequestId::new().as_str());
    let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let metadata = metadata(&mut body)?.unwrap_or_else(|| json!({}));
    let items = given(&mut body)?.into_iter().map(|item| items::as_resource(item, fresh_item)).collect();
    let conversation = Conversation { created_at: created, metadata, items };
    keep(store, &id, &conversation).await?;
    Ok(conversation.resource(&id))
}

/// `GET /v1/conversations/{id}`
pub(super) async fn read(store: &dyn ResponseStore, id: &str) -> Result<Value> {
    Ok(find(store, id).await?.resource(id))
}

/// `POST /v1/conversations/{id}`: other labels.
pub(super) async fn update(
    store: &dyn ResponseStore,
    id: &str,
    mut body: Map<String, Value>,
) -> Result<Value> {
    let mut conversation = find(store, id).await?;
    if let Some(metadata) = metadata(&mut body)? {
        conversation.metadata = metadata;
    }
    keep(store, id, &conversation).await?;
    Ok(conversation.resource(id))
}

/// `DELETE /v1/conversations/{id}`
pub(super) async fn delete(store: &dyn ResponseStore, id: &str) -> Result<Value> {
    if !is_kept_here(id) || !store.remove(id).await? {
        return Err(not_found(id));
    }
    Ok(json!({ "id": id, "object": "conversation.deleted", "deleted": true }))
}

/// `GET /v1/conversations/{id}/items`
pub(super) async fn list(store: &dyn ResponseStore, id: &str, query: Option<&str>) -> Result<Value> {
    items::page(find(store, id).await?.items, query)
}

/// `POST /v1/conversations/{id}/items`
pub(super) async fn append(
    store: &dyn ResponseStore,
    id: &str,
    mut body: Map<String, Value>,
) -> Result<Value> {
    let added = add(store, id, given(&mut body)?).await?;
    items::page(added, Some("order=asc&limit=100"))
}

/// `GET /v1/conversations/{id}/items/{item}`
pub(super) async fn item(store: &dyn ResponseStore, id: &str, item: &str) -> Result<Value> {
    let items = find(store, id).await?.items;
    items.into_iter().find(|known| items::id_of(known) == item).ok_or_else(|| not_found(item))
}

/// `DELETE /v1/conversations/{id}/items/{item}`: gives the conversation without it.
pub(super) async fn delete_item(store: &dyn ResponseStore, id: &str, item: &str) -> Result<Value> {
    let mut conversation = find(store, id).await?;
    let before = conversation.items.len();
    conversation.items.retain(|known| items::id_of(known) != item);
    if conversation.items.len() == before {
        return Err(not_found(item));
    }
    keep(store, id, &conversation).await?;
    Ok(conversation.resource(id))
}

impl Conversation {
    fn resource(&self, id: &str) -> Value {
        json!({ "id": id, "object": "conversation", "created_at": self.created_at, "metadata": self.metadata })
    }
}

async fn find(store: &dyn ResponseStore, id: &str) -> Result<Conversation> {
    let record = if is_kept_here(id) { store.get(id).await? } else { None };
    let conversation = record.and_then(|record| serde_json::from_slice(&record).ok());
    conversation.ok_or_else(|| not_found(id))
}

async fn keep(store: &dyn ResponseStore, id: &str, conversation: &Conversation) -> Result<()> {
    let record = serde_json::to_vec(conversation).map(Bytes::from);
    store.put(id, record.map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?).await
}

fn given(body: &mut Map<String, Value>) -> Result<Vec<Value>> {
    let items = items::of_input("items", body.remove("items").unwrap_or_default())?;
    if items.len() > MAX_ADDED {
        return Err(Error::invalid("items", format!("at most {MAX_ADDED} items can be added at a time")));
    }
    Ok(items)
}

fn metadata(body: &mut Map<String, Value>) -> Result<Option<Value>> {
    match body.remove("metadata") {
        None | Some(Value::Null) => Ok(None),
        Some(metadata @ Value::Object(_)) => Ok(Some(metadata)),
        Some(_) => Err(Error::invalid("metadata", "`metadata` must be an object").with_code("invalid_type")),
    }
}

fn fresh_item() -> String {
    format!("msg_{}", RequestId::new().as_str().replace('-', ""))
}

fn not_found(id: &str) -> Error {
    Error::client(ErrorKind::NotFound, format!("Conversation with id '{id}' not found."))
        .with_param("conversation")
        .with_code("conversation_not_found")
}
