//! Items of an answer's output: written at once, or as they grow.

use serde_json::{Map, Value, json};

use super::reasoning::{seal_redacted, seal_signature};
use crate::chat::{Citation, Content, Part, ToolCall};

/// An item that is finished.
pub(super) const COMPLETED: &str = "completed";
/// An item that still grows.
pub(super) const IN_PROGRESS: &str = "in_progress";
/// An item that was broken off.
pub(super) const INCOMPLETE: &str = "incomplete";

/// An item of the output.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Message(Vec<Piece>),
    /// The text, and the provider's signature of it.
    Reasoning {
        text: String,
        signature: String,
    },
    Redacted(String),
    Call(ToolCall),
}

/// A piece of a message.
#[derive(Debug)]
pub(super) enum Piece {
    Text { text: String, annotations: Vec<Value>, logprobs: Vec<Value> },
    Refusal(String),
}

impl Item {
    /// An item in the place `at` of the response `response`.
    pub(super) fn new(kind: Kind, response: &str, at: usize) -> Self {
        let prefix = match kind {
            Kind::Message(_) => "msg",
            Kind::Reasoning { .. } | Kind::Redacted(_) => "rs",
            Kind::Call(_) => "fc",
        };
        let response = response.strip_prefix("resp_").unwrap_or(response);
        Self { id: format!("{prefix}_{response}_{at}"), kind }
    }

    pub(super) fn value(&self, status: &str) -> Value {
        match &self.kind {
            Kind::Message(pieces) => json!({
                "id": self.id,
                "type": "message",
                "status": status,
                "role": "assistant",
                "content": pieces.iter().map(Piece::value).collect::<Vec<_>>(),
            }),
            Kind::Reasoning { text, signature } => {
                let sealed = (!signature.is_empty()).then(|| seal_signature(signature));
                self.reasoning(text, sealed, status)
            }
            Kind::Redacted(data) => self.reasoning("", Some(seal_redacted(data)), status),
            Kind::Call(call) => json!({
                "id": self.id,
                "type": "function_call",
                "status": status,
                "call_id": call.id,
                "name": call.name,
                "arguments": call.arguments,
            }),
        }
    }

    fn reasoning(&self, text: &str, sealed: Option<String>, status: &str) -> Value {
        let mut out = Map::new();
        out.insert("id".into(), self.id.as_str().into());
        out.insert("type".into(), "reasoning".into());
        out.insert("status".into(), status.into());
        let summary = (!text.is_empty()).then(|| summary(text));
        out.insert("summary".into(), summary.into_iter().collect());
        if let Some(sealed) = sealed {
            out.insert("encrypted_content".into(), sealed.into());
        }
        out.into()
    }
}

impl Piece {
    pub(super) fn text() -> Self {
        Self::Text { text: String::new(), annotations: Vec::new(), logprobs: Vec::new() }
    }

    pub(super) fn value(&self) -> Value {
        match self {
            Self::Text { text, annotations, logprobs } => json!({
                "type": "output_text",
                "text": text,
                "annotations": annotations,
                "logprobs": logprobs,
            }),
            Self::Refusal(text) => json!({ "type": "refusal", "refusal": text }),
        }
    }
}

/// The part that holds a reasoning's text.
pub(super) fn summary(text: &str) -> Value {
    json!({ "type": "summary_text", "text": text })
}

/// Arguments that the model left empty are those of a call without any.
pub(super) fn arguments(text: String) -> String {
    if text.is_empty() { "{}".to_owned() } else { text }
}

/// Gathers an answer's parts into items. What only another dialect understands is left out.
pub(super) fn items(parts: &[Part], logprobs: Option<&Value>, response: &str) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for part in parts {
        match &part.content {
            Content::Text { text, citations } if !text.is_empty() => {
                say(&mut items, response, |pieces| say_text(pieces, text, citations));
            }
            Content::Refusal(text) => {
                say(&mut items, response, |pieces| pieces.push(Piece::Refusal(text.clone())));
            }
            Content::Reasoning { text, signature } => {
                let kind =
                    Kind::Reasoning { text: text.clone(), signature: signature.clone().unwrap_or_default() };
                push(&mut items, kind, response);
            }
            Content::RedactedReasoning(data) => push(&mut items, Kind::Redacted(data.clone()), response),
            Content::ToolCall(call) => {
                let call = ToolCall { arguments: arguments(call.arguments.clone()), ..call.clone() };
                push(&mut items, Kind::Call(call), response);
            }
            _ => {}
        }
    }
    let first = items.iter_mut().find_map(|item| match &mut item.kind {
        Kind::Message(pieces) => pieces.first_mut(),
        _ => None,
    });
    if let (Some(Piece::Text { logprobs: all, .. }), Some(figures)) = (first, logprobs) {
        all.extend(token_logprobs(figures));
    }
    items
}

fn push(items: &mut Vec<Item>, kind: Kind, response: &str) {
    items.push(Item::new(kind, response, items.len()));
}

/// Adds to the message that is written; begins one if something else came last.
fn say(items: &mut Vec<Item>, response: &str, add: impl FnOnce(&mut Vec<Piece>)) {
    if !matches!(items.last(), Some(Item { kind: Kind::Message(_), .. })) {
        push(items, Kind::Message(Vec::new()), response);
    }
    if let Some(Item { kind: Kind::Message(pieces), .. }) = items.last_mut() {
        add(pieces);
    }
}

fn say_text(pieces: &mut Vec<Piece>, more: &str, citations: &[Citation]) {
    if !matches!(pieces.last(), Some(Piece::Text { .. })) {
        pieces.push(Piece::text());
    }
    if let Some(Piece::Text { text, annotations, .. }) = pieces.last_mut() {
        text.push_str(more);
        annotations.extend(citations.iter().filter_map(annotation));
    }
}

/// A citation as an annotation; those without a URL have no form here.
pub(super) fn annotation(citation: &Citation) -> Option<Value> {
    let url = citation.url.as_deref()?;
    let (start, end) = citation.span.unwrap_or_default();
    Some(json!({
        "type": "url_citation",
        "url": url,
        "title": citation.title.as_deref().unwrap_or_default(),
        "start_index": start,
        "end_index": end,
    }))
}

/// Log probabilities of chat completions, token by token.
pub(super) fn token_logprobs(figures: &Value) -> Vec<Value> {
    let tokens = figures.get("content").and_then(Value::as_array).cloned().unwrap_or_default();
    tokens.into_iter().map(with_bytes).collect()
}

/// Every token has its bytes here; hosts may leave them out.
fn with_bytes(mut token: Value) -> Value {
    if let Some(fields) = token.as_object_mut() {
        if fields.get("bytes").is_none_or(Value::is_null) {
            fields.insert("bytes".into(), json!([]));
        }
        let alternatives = fields.entry("top_logprobs").or_insert_with(|| json!([]));
        let list = alternatives.as_array_mut().map(std::mem::take).unwrap_or_default();
        *alternatives = list.into_iter().map(with_bytes_only).collect();
    }
    token
}

fn with_bytes_only(mut token: Value) -> Value {
    if let Some(fields) = token.as_object_mut()
        && fields.get("bytes").is_none_or(Value::is_null)
    {
        fields.insert("bytes".into(), json!([]));
    }
    token
}
