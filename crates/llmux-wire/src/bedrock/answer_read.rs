//! A whole answer, as the provider sends it.

use llmux_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use super::{content_read::read_blocks, finish::read_finish, usage::read_usage};
use crate::{
    chat::{ChatAnswer, Choice, Content, Part},
    json::read::Object,
};

/// Reads a whole answer. It names neither itself nor the model, so both are told.
///
/// # Errors
/// [`ErrorKind::BadReply`] when the body is no answer.
pub fn read_answer(body: &[u8], id: &str, model: &str) -> Result<ChatAnswer> {
    let fields: Map<String, Value> = serde_json::from_slice(body).map_err(|error| bad(&error.to_string()))?;
    let mut answer = read(Object::root(fields)).map_err(|error| bad(error.message()))?;
    (answer.id, answer.model) = (id.to_owned(), model.to_owned());
    Ok(answer)
}

/// An error about something that is no answer.
pub(super) fn bad(detail: &str) -> Error {
    Error::upstream(ErrorKind::BadReply, format!("the provider's answer is no Converse answer: {detail}"))
}

/// The stop text that came up, which stands among the model's own fields where the request asked for it.
pub(super) fn stop_sequence(holder: &Value) -> Option<&str> {
    holder.pointer("/additionalModelResponseFields/stop_sequence").and_then(Value::as_str)
}

fn read(mut object: Object) -> Result<ChatAnswer> {
    let mut message = object.need("output")?.object()?.need("message")?.object()?;
    let mut parts = read_blocks(message.need("content")?.list()?)?;
    place_citations(&mut parts);
    let reason = object.string("stopReason")?;
    let tier = object.object("serviceTier")?.map(|mut tier| tier.string("type")).transpose()?.flatten();
    let usage = object.take("usage").map(|item| read_usage(&item.value));
    for known in ["metrics", "performanceConfig"] {
        object.take(known);
    }
    let extra = object.rest();
    let holder = Value::Object(extra.clone());
    let finish = reason.map(|reason| read_finish(&reason, stop_sequence(&holder)));
    Ok(ChatAnswer {
        id: String::new(),
        model: String::new(),
        created: None,
        choices: vec![Choice { parts, finish, logprobs: None }],
        service_tier: tier,
        usage,
        extra,
    })
}

/// A citation covers the block that it stands in: says where that is in the whole text.
fn place_citations(parts: &mut [Part]) {
    let mut start = 0_u64;
    for part in parts {
        if let Content::Text { text, citations } = &mut part.content {
            let end = start.saturating_add(text.chars().count() as u64);
            citations.iter_mut().for_each(|citation| citation.span = Some((start, end)));
            start = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use llmux_core::Dialect;
    use serde_json::json;

    use super::*;
    use crate::chat::{FinishReason, ToolCall};

    fn read(content: Value, more: Value) -> Result<ChatAnswer> {
        let mut body = json!({"output": {"message": {"role": "assistant", "content": content}},
            "stopReason": "end_turn", "usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7},
            "metrics": {"latencyMs": 1}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        read_answer(body.to_string().as_bytes(), "id", "m")
    }

    #[test]
    fn blocks_of_every_kind_are_told_apart() {
        let cited = json!({"content": [{"text": "né"}], "citations": [{"title": "T",
            "location": {"web": {"url": "https://a", "domain": "a"}}, "sourceContent": [{"text": "w"}]}]});
        let server = json!({"toolUse": {"toolUseId": "s", "name": "nova_grounding", "input": {},
            "type": "server_tool_use"}});
        let content = json!([
            {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}},
            {"reasoningContent": {"redactedContent": "RXRrRQ=="}},
            {"text": "a", "image": null}, {"citationsContent": cited}, server,
            {"toolUse": {"toolUseId": "c", "name": "f", "input": {"x": 1}, "type": "tool_use"}},
        ]);
        let answer = read(content, json!({})).unwrap();
        let contents: Vec<_> = answer.choices[0].parts.iter().map(|part| part.content.clone()).collect();
        assert_eq!(contents[0], Content::Reasoning { text: "t".into(), signature: Some("s".into()) });
        assert_eq!(contents[1], Content::RedactedReasoning("EtkE".into()));
        assert_eq!(contents[2], Content::Text { text: "a".into(), citations: Vec::new() });
        let Content::Text { citations, .. } = &contents[3] else { panic!("a text") };
        assert_eq!((citations[0].url.as_deref(), citations[0].span), (Some("https://a"), Some((1, 3))));
        assert_eq!(contents[4], Content::Opaque { dialect: Dialect::BedrockConverse, value: server });
        let call = ToolCall { id: "c".into(), name: "f".into(), arguments: r#"{"x":1}"#.into() };
        assert_eq!(contents[5], Content::ToolCall(call));
        assert_eq!((answer.id.as_str(), answer.model.as_str()), ("id", "m"));
    }

    #[test]
    fn the_trace_is_kept_and_the_stop_text_is_found() {
        let more = json!({"stopReason": "stop_sequence", "trace": {"guardrail": {}},
            "additionalModelResponseFields": {"stop_sequence": "END"}, "serviceTier": {"type": "flex"}});
        let answer = read(json!([]), more).unwrap();
        assert_eq!(answer.choices[0].finish, Some(FinishReason::StopSequence(Some("END".into()))));
        assert_eq!(
            (&answer.extra["trace"], answer.service_tier.as_deref()),
            (&json!({"guardrail": {}}), Some("flex"))
        );
    }

    #[test]
    fn what_is_no_answer_is_a_bad_reply() {
        for body in [&b"[]"[..], b"{}", br#"{"output": {"message": {"content": 1}}}"#] {
            assert_eq!(read_answer(body, "", "").unwrap_err().kind(), ErrorKind::BadReply);
        }
    }
}
