//! `POST /utils/token_counter`: the tokens of a text or a conversation.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use llmux_core::{Dialect, Error, ErrorKind, Operation, Result, TokenCounter};
use llmux_router::{AnswerBody, Ask};
use llmux_wire::{
    anthropic,
    chat::{ChatRequest, tokens},
    gemini,
    json::envelope,
    openai,
};
use serde_json::{Map, Value, json};

use super::text;
use crate::snapshot::Snapshot;

/// What [`answer`] names as tokenizer when the provider itself has counted.
const ASKED: &str = "provider_api";

/// Counts with the model's tokenizer, or asks the provider if the query says `call_endpoint=true`.
pub(super) async fn answer(
    snapshot: &Snapshot,
    question: &Map<String, Value>,
    parts: &Parts,
) -> Result<Value> {
    let requested = text(question, "model")?;
    // A model that is not served is counted all the same, by its name.
    let used = snapshot.find(requested).map_or_else(|_| requested.to_owned(), |(_, model)| model);
    let asked =
        parts.uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "call_endpoint=true"));
    let (total, tokenizer) = if asked {
        (ask(snapshot, question, parts).await?, ASKED)
    } else {
        let tokenizer = snapshot.tokens.tokenizer(&used);
        (count(&snapshot.tokens, question.clone(), used.clone()).await?, tokenizer)
    };
    Ok(json!({
        "total_tokens": total,
        "request_model": requested,
        "model_used": used,
        "tokenizer_type": tokenizer,
    }))
}

/// Counts where nobody else waits: the first use of a vocabulary takes a moment, and so does a long text.
async fn count(counter: &Arc<dyn TokenCounter>, question: Map<String, Value>, model: String) -> Result<u64> {
    let counter = Arc::clone(counter);
    let counted = tokio::task::spawn_blocking(move || counted(&*counter, &question, &model));
    counted.await.map_err(|_| Error::new(ErrorKind::Internal, "the tokens could not be counted"))?
}

fn counted(counter: &dyn TokenCounter, question: &Map<String, Value>, model: &str) -> Result<u64> {
    match question.get("prompt") {
        Some(Value::String(prompt)) => return Ok(counter.count(model, prompt)),
        Some(Value::Array(prompts)) => {
            return Ok(prompts.iter().filter_map(Value::as_str).map(|text| counter.count(model, text)).sum());
        }
        _ => {}
    }
    Ok(tokens::count(&conversation(question)?, model, counter))
}

/// The conversation, in whichever dialect it is written.
fn conversation(question: &Map<String, Value>) -> Result<ChatRequest> {
    let body = Value::from(question.clone()).to_string();
    if question.contains_key("contents") {
        return gemini::read_count_request(body.as_bytes());
    }
    if !question.contains_key("messages") {
        let message = "one of `messages`, `prompt` and `contents` is required";
        return Err(Error::client(ErrorKind::InvalidRequest, message).with_param("messages"));
    }
    openai::read_request(body.as_bytes())
        .or_else(|refused| anthropic::read_count_request(body.as_bytes()).map_err(|_| refused))
}

/// Has the provider count.
async fn ask(snapshot: &Snapshot, question: &Map<String, Value>, parts: &Parts) -> Result<u64> {
    let gemini = question.contains_key("contents");
    let dialect = if gemini { Dialect::Gemini } else { Dialect::Anthropic };
    let body = Bytes::from(Value::from(question.clone()).to_string());
    let fields = envelope::read(&body)?;
    let model = text(question, "model")?;
    let ask = Ask::new(Operation::CountTokens, dialect, model, &body, &fields, &parts.headers);
    let answer = snapshot.router.ask(&ask).await.map_err(|refusal| refusal.error)?;
    let AnswerBody::Whole(body, _) = answer.body else {
        return Err(Error::upstream(ErrorKind::BadReply, "the count came as a stream"));
    };
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    let count = answer.get("input_tokens").or_else(|| answer.get("totalTokens")).and_then(Value::as_u64);
    count.ok_or_else(|| Error::upstream(ErrorKind::BadReply, "the provider gave no count"))
}
