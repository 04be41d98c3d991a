//! A whole answer, as the provider sends it.

use llmux_core::{Dialect, Error, ErrorKind, Result};
use serde_json::{Map, Value};

use super::{
    error::read_inner_error, finish::read_finish, grounding::read_citations, logprobs::read_logprobs,
    signature, usage::read_reported,
};
use crate::chat::{ChatAnswer, Choice, Content, FinishReason, Part, ToolCall};

/// Reads a whole answer. A prompt that was blocked is an answer without words that ended by a filter.
///
/// # Errors
/// [`ErrorKind::BadReply`] when the body is no answer; the provider's own error when it is one.
pub fn read_answer(body: &[u8]) -> Result<ChatAnswer> {
    let answer = parse(body)?;
    let id = text(&answer, "responseId");
    let candidates = answer.get("candidates").and_then(Value::as_array);
    let mut choices: Vec<_> =
        candidates.into_iter().flatten().map(|candidate| read_choice(candidate, &id)).collect();
    if choices.is_empty() {
        choices.push(Choice { finish: block_reason(&answer), ..Choice::default() });
    }
    Ok(ChatAnswer {
        id,
        model: text(&answer, "modelVersion"),
        created: None,
        choices,
        usage: read_reported(&answer),
        service_tier: answer.pointer("/usageMetadata/serviceTier").and_then(Value::as_str).map(str::to_owned),
        extra: Map::new(),
    })
}

/// Reads an answer, or a frame of one, as JSON.
///
/// # Errors
/// As for [`read_answer`].
pub(super) fn parse(body: &[u8]) -> Result<Value> {
    let value: Value = serde_json::from_slice(body).map_err(|error| bad(&error.to_string()))?;
    let first = value.as_array().and_then(|list| list.first()).unwrap_or(&value);
    if first.get("error").is_some() {
        return Err(read_inner_error(&value));
    }
    let known = ["candidates", "promptFeedback", "usageMetadata"];
    if known.iter().all(|name| value.get(*name).is_none()) {
        return Err(bad("it holds no candidates"));
    }
    Ok(value)
}

/// An error about something that is no answer.
pub(super) fn bad(detail: &str) -> Error {
    Error::upstream(ErrorKind::BadReply, format!("the provider's answer is no Gemini answer: {detail}"))
}

/// Why there is no candidate, if the provider says so.
pub(super) fn block_reason(answer: &Value) -> Option<FinishReason> {
    answer.pointer("/promptFeedback/blockReason").map(|_| FinishReason::ContentFilter)
}

pub(super) fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The pieces of a candidate.
pub(super) fn pieces(candidate: &Value) -> &[Value] {
    candidate.pointer("/content/parts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn read_choice(candidate: &Value, id: &str) -> Choice {
    let mut gathered = Gathered::default();
    let index = candidate.get("index").and_then(Value::as_u64).unwrap_or_default();
    for piece in pieces(candidate) {
        for content in read_piece(piece, || call_id(id, index, gathered.calls)) {
            gathered.add(content);
        }
    }
    let calls = gathered.calls > 0;
    let finish = candidate.get("finishReason").and_then(Value::as_str);
    let citations = read_citations(candidate, &gathered.text);
    let mut parts = gathered.parts;
    let said = parts.iter_mut().rev().find_map(|part| match &mut part.content {
        Content::Text { citations, .. } => Some(citations),
        _ => None,
    });
    if let Some(said) = said {
        *said = citations;
    }
    let finish = finish.map(|word| read_finish(word, calls));
    Choice { parts, finish, logprobs: read_logprobs(candidate) }
}

/// The id of a call to which Gemini gave none: unlike those of other answers.
pub(super) fn call_id(answer: &str, choice: u64, call: u32) -> String {
    let answer: String =
        answer.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    match choice {
        0 => format!("call_{answer}_{call}"),
        _ => format!("call_{answer}_{choice}_{call}"),
    }
}

/// Reads one part of an answer. A signed text is told as the signature, then the text.
pub(super) fn read_piece(piece: &Value, new_id: impl FnOnce() -> String) -> Vec<Content> {
    let signature = piece.get("thoughtSignature").and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(call) = piece.get("functionCall") {
        if call.get("name").is_none() {
            // A piece of a call's arguments, which come in streams only.
            return Vec::new();
        }
        let id = call.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
        let id = id.map_or_else(new_id, str::to_owned);
        let arguments = call.get("args").filter(|args| args.is_object()).map(Value::to_string);
        return vec![Content::ToolCall(ToolCall {
            id: signature::join(id, signature),
            name: text(call, "name"),
            arguments: arguments.unwrap_or_else(|| "{}".to_owned()),
        })];
    }
    let sealed = signature.map(signature::seal);
    let Some(words) = piece.get("text").and_then(Value::as_str) else {
        return vec![Content::Opaque { dialect: Dialect::Gemini, value: piece.clone() }];
    };
    if piece.get("thought").is_some_and(|thought| *thought == true) {
        return vec![Content::Reasoning { text: words.to_owned(), signature: sealed }];
    }
    let mut read = Vec::new();
    if sealed.is_some() {
        read.push(Content::Reasoning { text: String::new(), signature: sealed });
    }
    if !words.is_empty() {
        read.push(Content::Text { text: words.to_owned(), citations: Vec::new() });
    }
    read
}

/// The parts of a choice so far.
#[derive(Default)]
struct Gathered {
    parts: Vec<Part>,
    text: String,
    calls: u32,
}

impl Gathered {
    /// Adds a piece. What belongs together is joined: texts in a row, and a signature to the thought before it.
    fn add(&mut self, content: Content) {
        match (&content, self.parts.last_mut().map(|part| &mut part.content)) {
            (Content::Text { text, .. }, Some(Content::Text { text: last, .. })) => {
                self.text.push_str(text);
                last.push_str(text);
                return;
            }
            (
                Content::Reasoning { text, signature },
                Some(Content::Reasoning { text: last, signature: none @ None }),
            ) => {
                last.push_str(text);
                none.clone_from(signature);
                return;
            }
            (Content::Text { text, .. }, _) => self.text.push_str(text),
            (Content::ToolCall(_), _) => self.calls = self.calls.saturating_add(1),
            _ => {}
        }
        self.parts.push(Part::new(content));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<ChatAnswer> {
        read_answer(value.to_string().as_bytes())
    }

    fn answer(parts: Value) -> ChatAnswer {
        let candidate = json!({"content": {"parts": parts, "role": "model"}, "finishReason": "STOP"});
        read(&json!({"candidates": [candidate], "responseId": "r-1", "modelVersion": "m",
            "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4}}))
        .unwrap()
    }

    #[test]
    fn thoughts_texts_and_calls_are_told_apart() {
        let answer = answer(json!([
            {"text": "hm", "thought": true}, {"text": "a", "thoughtSignature": "c2ln"}, {"text": "b"},
            {"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "YWI="},
            {"executableCode": {"code": "1"}},
        ]));
        let choice = &answer.choices[0];
        let contents: Vec<_> = choice.parts.iter().map(|part| part.content.clone()).collect();
        let call = ToolCall {
            id: "call_r_1_0__thought__YWI".into(),
            name: "f".into(),
            arguments: r#"{"x":1}"#.into(),
        };
        assert_eq!(
            contents,
            [
                Content::Reasoning { text: "hm".into(), signature: Some("gemini#c2ln".into()) },
                Content::Text { text: "ab".into(), citations: Vec::new() },
                Content::ToolCall(call),
                Content::Opaque { dialect: Dialect::Gemini, value: json!({"executableCode": {"code": "1"}}) },
            ]
        );
        assert_eq!(choice.finish, Some(FinishReason::ToolCalls));
        assert_eq!((answer.model.as_str(), answer.usage.unwrap().total()), ("m", 7));
    }

    #[test]
    fn a_blocked_prompt_is_a_filtered_answer() {
        let answer = read(&json!({"promptFeedback": {"blockReason": "SAFETY"}})).unwrap();
        assert_eq!(answer.choices[0].finish, Some(FinishReason::ContentFilter));
    }

    #[test]
    fn what_is_no_answer_is_a_bad_reply_and_an_error_is_itself() {
        assert_eq!(read(&json!({"choices": []})).unwrap_err().kind(), ErrorKind::BadReply);
        let busy = json!([{"error": {"code": 503, "message": "busy"}}]);
        assert_eq!(read(&busy).unwrap_err().kind(), ErrorKind::Unavailable);
    }
}
