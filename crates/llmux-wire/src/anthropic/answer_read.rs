//! A whole answer, as the provider sends it.

use llmux_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use super::{block_read::read_block, error::read_stream_error, usage::read_usage};
use crate::{
    chat::{ChatAnswer, Choice, Content, FinishReason, Part},
    json::read::{Item, Object},
};

/// Reads a whole answer.
///
/// # Errors
/// [`ErrorKind::BadReply`] when the body is no message; the provider's own error when it is one.
pub fn read_answer(body: &[u8]) -> Result<ChatAnswer> {
    let fields: Map<String, Value> = serde_json::from_slice(body).map_err(|error| bad(&error.to_string()))?;
    if fields.get("type").is_some_and(|kind| kind == "error") {
        return Err(read_stream_error(&fields.into()));
    }
    read_message(Object::root(fields)).map_err(|error| bad(error.message()))
}

/// Reads why an answer ended.
pub(super) fn read_finish(reason: String, sequence: Option<String>) -> FinishReason {
    match reason.as_str() {
        "end_turn" => FinishReason::Stop,
        "stop_sequence" => FinishReason::StopSequence(sequence),
        "max_tokens" => FinishReason::Length,
        "model_context_window_exceeded" => FinishReason::ContextWindow,
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::ContentFilter,
        "pause_turn" => FinishReason::Pause,
        _ => FinishReason::Other(reason),
    }
}

/// An error about something that is no answer.
pub(super) fn bad(detail: &str) -> Error {
    Error::upstream(ErrorKind::BadReply, format!("the provider's answer is no Anthropic message: {detail}"))
}

fn read_message(mut object: Object) -> Result<ChatAnswer> {
    let usage = object.take("usage").map(|item| item.value);
    let tier = usage.as_ref().and_then(|usage| usage.get("service_tier")?.as_str());
    let sequence = object.string("stop_sequence")?;
    let finish = object.string("stop_reason")?.map(|reason| read_finish(reason, sequence));
    let mut parts =
        object.need("content")?.list()?.into_iter().map(read_block).collect::<Result<Vec<_>>>()?;
    place_citations(&mut parts);
    for known in ["type", "role"] {
        object.take(known);
    }
    Ok(ChatAnswer {
        id: object.string("id")?.unwrap_or_default(),
        model: object.string("model")?.unwrap_or_default(),
        created: None,
        choices: vec![Choice { parts, finish, logprobs: None }],
        service_tier: tier.map(str::to_owned),
        usage: usage.as_ref().map(read_usage),
        extra: object.rest(),
    })
}

/// A citation covers the block that it stands in: says where that is in the whole text.
fn place_citations(parts: &mut [Part]) {
    let mut start = 0_u64;
    for part in parts {
        if let Content::Text { text, citations } = &mut part.content {
            let end = start.saturating_add(length(text));
            citations.iter_mut().for_each(|citation| citation.span = Some((start, end)));
            start = end;
        }
    }
}

/// Characters of a text.
pub(super) fn length(text: &str) -> u64 {
    text.chars().count() as u64
}

/// Reads one item of a stream as a block: for blocks that come whole.
pub(super) fn read_whole_block(value: Value) -> Result<Part> {
    read_block(Item::new("content_block", value)).map_err(|error| bad(error.message()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(more: Value) -> Value {
        let mut message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [], "stop_reason": "end_turn", "stop_sequence": null,
            "usage": {"input_tokens": 3, "output_tokens": 4, "service_tier": "priority"}});
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        message
    }

    fn read(value: &Value) -> Result<ChatAnswer> {
        read_answer(value.to_string().as_bytes())
    }

    #[test]
    fn parts_usage_and_tier_are_read_and_the_rest_is_kept() {
        let content =
            json!([{"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "text", "text": "a"}]);
        let answer = read(&message(json!({"content": content, "container": {"id": "c"}}))).unwrap();
        assert_eq!((answer.id.as_str(), answer.model.as_str()), ("msg_1", "m"));
        assert_eq!(answer.service_tier.as_deref(), Some("priority"));
        assert_eq!(answer.usage.unwrap().total(), 7);
        assert_eq!(Value::from(answer.extra), json!({"container": {"id": "c"}}));
        assert_eq!(
            (answer.choices[0].parts.len(), &answer.choices[0].finish),
            (2, &Some(FinishReason::Stop))
        );
    }

    #[test]
    fn every_reason_to_stop_is_understood() {
        for word in
            ["end_turn", "max_tokens", "tool_use", "refusal", "pause_turn", "model_context_window_exceeded"]
        {
            assert_eq!(read_finish(word.into(), None).anthropic(), word);
        }
        assert_eq!(
            read_finish("stop_sequence".into(), Some("x".into())),
            FinishReason::StopSequence(Some("x".into()))
        );
        assert_eq!(read_finish("new".into(), None), FinishReason::Other("new".into()));
    }

    #[test]
    fn citations_say_which_part_of_the_text_rests_on_them() {
        let cited = json!({"type": "text", "text": "né", "citations": [{"type": "char_location"}]});
        let answer = read(&message(json!({"content": [{"type": "text", "text": "a"}, cited]}))).unwrap();
        let Content::Text { citations, .. } = &answer.choices[0].parts[1].content else { panic!("text") };
        assert_eq!(citations[0].span, Some((1, 3)));
    }

    #[test]
    fn what_is_no_message_is_a_bad_reply_and_an_error_is_itself() {
        for body in [json!([]), json!({"choices": []}), message(json!({"content": [{"type": "text"}]}))] {
            assert_eq!(read(&body).unwrap_err().kind(), ErrorKind::BadReply, "{body}");
        }
        let busy = json!({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}});
        assert_eq!(read(&busy).unwrap_err().kind(), ErrorKind::Unavailable);
    }
}
