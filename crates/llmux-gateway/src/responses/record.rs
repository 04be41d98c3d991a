//! What is kept of a response, and the conversation that leads to it.

use bytes::Bytes;
use llmux_core::{Error, ErrorKind, ResponseStore, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Longest chain of responses that is followed.
const MAX_CHAIN: usize = 1_000;

/// A response that was made here.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    /// The response, as the client got it.
    pub(super) response: Value,
    /// The items that it answers, those of earlier turns left out.
    pub(super) input: Vec<Value>,
    /// The items of the conversation that came before, where it is not a chain of responses.
    #[serde(default)]
    pub(super) before: Vec<Value>,
    /// The response that it continues.
    pub(super) previous: Option<String>,
}

impl Record {
    /// Finds a record.
    pub(super) async fn find(store: &dyn ResponseStore, id: &str) -> Result<Option<Self>> {
        Ok(read(store.get(id).await?))
    }

    /// The record for the store.
    pub(super) fn write(&self) -> Bytes {
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// Everything said up to and including this response's own input, the oldest first; `limit` bounds its bytes.
    pub(super) async fn context(self, store: &dyn ResponseStore, limit: usize) -> Result<Vec<Value>> {
        let mut turns = Vec::new();
        let mut next = self.previous;
        let mut size = 0_usize;
        turns.push(self.input);
        turns.push(self.before);
        while let Some(id) = next {
            let record = store.get(&id).await?;
            size = size.saturating_add(record.as_ref().map_or(0, Bytes::len));
            if size > limit || turns.len() > 2 * MAX_CHAIN {
                return Err(too_long());
            }
            let record: Self = read(record).ok_or_else(|| not_found(&id))?;
            next = record.previous.clone();
            let (mut items, before) = (record.input, record.before);
            if let Some(Value::Array(output)) = record.response.get("output") {
                items.extend(output.iter().cloned());
            }
            turns.push(items);
            turns.push(before);
        }
        Ok(turns.into_iter().rev().flatten().collect())
    }
}

fn read(record: Option<Bytes>) -> Option<Record> {
    record.and_then(|record| serde_json::from_slice(&record).ok())
}

/// The error for a response that is continued, but not kept: OpenAI's words, on which its SDKs' users match.
pub(super) fn not_found(id: &str) -> Error {
    Error::invalid("previous_response_id", format!("Previous response with id '{id}' not found."))
        .with_code("previous_response_not_found")
}

pub(super) fn too_long() -> Error {
    Error::client(ErrorKind::PayloadTooLarge, "the conversation so far is larger than a request may be")
}
