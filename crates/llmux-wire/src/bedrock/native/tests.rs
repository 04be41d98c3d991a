use llmux_core::Shaping;

use super::*;
use crate::{chat::Event, openai, stream::StreamReader as _};

fn request(more: Value) -> ChatRequest {
    let mut body = json!({"model": "m", "max_tokens": 9, "temperature": 0.5, "messages": [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello"}, {"role": "user", "content": "bye"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    openai::read_request(body.to_string().as_bytes()).unwrap()
}

fn written(maker: Native, request: &ChatRequest) -> Result<Value> {
    let shaping = Shaping::default();
    let body = maker.write_request(request, "m", &mut Fit::new("Bedrock", &shaping))?;
    Ok(serde_json::from_slice(&body).unwrap())
}

#[test]
fn each_maker_is_asked_in_its_own_form() {
    let plain = request(json!({}));
    let llama = "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>\
        <|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n\
        hello<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nbye<|eot_id|>\
        <|start_header_id|>assistant<|end_header_id|>\n\n";
    assert_eq!(
        written(Native::Llama, &plain).unwrap(),
        json!({"max_gen_len": 9, "temperature": 0.5, "prompt": llama})
    );
    let mistral = "<s>[INST] Be brief.\n\nhi [/INST] hello</s>[INST] bye [/INST]";
    assert_eq!(written(Native::Mistral, &plain).unwrap()["prompt"], mistral);
    let figures = json!({"maxTokenCount": 9, "temperature": 0.5, "stopSequences": ["END"]});
    assert_eq!(
        written(Native::Titan, &request(json!({"stop": "END"}))).unwrap(),
        json!({"inputText": "Be brief.\n\nUser: hi\nBot: hello\nUser: bye\nBot: ", "textGenerationConfig": figures})
    );
    let history = json!([{"role": "USER", "message": "hi"}, {"role": "CHATBOT", "message": "hello"}]);
    assert_eq!(
        written(Native::Command, &plain).unwrap(),
        json!({"max_tokens": 9, "temperature": 0.5, "message": "bye", "chat_history": history, "preamble": "Be brief."})
    );
    let nova = written(Native::Nova, &plain).unwrap();
    assert_eq!(
        (&nova["schemaVersion"], &nova["inferenceConfig"]["maxTokens"], &nova["system"][0]["text"]),
        (&json!("messages-v1"), &json!(9), &json!("Be brief."))
    );
}

#[test]
fn what_a_text_cannot_carry_is_refused_by_name() {
    let stop = written(Native::Llama, &request(json!({"stop": "END"})));
    assert_eq!(stop.unwrap_err().param(), Some("stop"));
    let tools = json!([{"type": "function", "function": {"name": "f", "parameters": {}}}]);
    let refused = written(Native::Mistral, &request(json!({ "tools": tools })));
    assert_eq!(refused.unwrap_err().param(), Some("tools"));
    assert!(written(Native::Nova, &request(json!({ "tools": tools }))).unwrap().get("toolConfig").is_some());
}

#[test]
fn every_makers_answer_is_read() {
    for (maker, answer, finish, tokens) in [
        (
            Native::Llama,
            json!({"generation": "bye", "prompt_token_count": 3, "generation_token_count": 2, "stop_reason": "length"}),
            FinishReason::Length,
            5,
        ),
        (
            Native::Mistral,
            json!({"outputs": [{"text": "bye", "stop_reason": "stop"}]}),
            FinishReason::Stop,
            0,
        ),
        (
            Native::Titan,
            json!({"inputTextTokenCount": 3, "results": [{"tokenCount": 2, "outputText": "bye",
                "completionReason": "FINISH"}]}),
            FinishReason::Stop,
            5,
        ),
        (Native::Command, json!({"text": "bye", "finish_reason": "MAX_TOKENS"}), FinishReason::Length, 0),
        (
            Native::Nova,
            json!({"output": {"message": {"role": "assistant", "content": [{"text": "bye"}]}},
                "stopReason": "end_turn", "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}}),
            FinishReason::Stop,
            5,
        ),
    ] {
        let read = maker.read_answer(answer.to_string().as_bytes(), "id", "m").unwrap();
        assert_eq!(read.choices[0].parts, [Part::text("bye")], "{maker:?}");
        assert_eq!(read.choices[0].finish, Some(finish), "{maker:?}");
        assert_eq!(read.usage.unwrap_or_default().total(), tokens, "{maker:?}");
        assert_eq!(maker.read_answer(b"{}", "id", "m").unwrap_err().kind(), ErrorKind::BadReply, "{maker:?}");
    }
}

#[test]
fn every_makers_chunks_are_read() {
    let metrics = json!({"inputTokenCount": 3, "outputTokenCount": 2});
    let last = |mut chunk: Value| {
        chunk["amazon-bedrock-invocationMetrics"] = metrics.clone();
        chunk
    };
    for (maker, chunks) in [
        (
            Native::Llama,
            vec![json!({"generation": "b"}), last(json!({"generation": "ye", "stop_reason": "stop"}))],
        ),
        (
            Native::Mistral,
            vec![
                json!({"outputs": [{"text": "b", "stop_reason": null}]}),
                last(json!({"outputs": [{"text": "ye", "stop_reason": "stop"}]})),
            ],
        ),
        (Native::Titan, vec![last(json!({"outputText": "bye", "completionReason": "FINISH"}))]),
        (
            Native::Command,
            vec![
                json!({"event_type": "text-generation", "text": "bye", "is_finished": false}),
                last(json!({"event_type": "stream-end", "finish_reason": "COMPLETE", "is_finished": true,
                    "response": {"text": "bye"}})),
            ],
        ),
        (
            Native::Nova,
            vec![
                json!({"messageStart": {"role": "assistant"}}),
                json!({"contentBlockDelta": {"delta": {"text": "bye"}, "contentBlockIndex": 0}}),
                json!({"contentBlockStop": {"contentBlockIndex": 0}}),
                json!({"messageStop": {"stopReason": "end_turn"}}),
                last(json!({"metadata": {"usage": {"inputTokens": 3, "outputTokens": 2}, "metrics": {}}})),
            ],
        ),
    ] {
        let (mut reader, mut events) = (NativeReader::new(maker, "id".into(), "m".into()), Vec::new());
        for chunk in chunks {
            reader.push(format!("data: {chunk}\n\n").as_bytes(), &mut events).unwrap();
        }
        reader.finish(&mut events).unwrap();
        let text: String = events
            .iter()
            .filter_map(|event| match event {
                Event::Text { text, .. } => Some(text.as_str()),
                _ => None,
            })
            .collect();
        let tokens = events.iter().rev().find_map(|event| match event {
            Event::Usage(usage) => Some(usage.total()),
            _ => None,
        });
        assert_eq!((text.as_str(), tokens), ("bye", Some(5)), "{maker:?}");
        let finishes = events.iter().filter(|event| matches!(event, Event::Finish { .. })).count();
        assert_eq!(finishes, 1, "{maker:?}");
        assert!(matches!(events.last(), Some(Event::End)), "{maker:?}: {events:?}");
    }
}

#[test]
fn a_stream_that_breaks_off_does_not_end() {
    let (mut reader, mut events) = (NativeReader::new(Native::Llama, "id".into(), "m".into()), Vec::new());
    reader.push(b"data: {\"generation\":\"b\"}\n\n", &mut events).unwrap();
    reader.finish(&mut events).unwrap();
    assert!(!events.iter().any(|event| matches!(event, Event::End)));
}
