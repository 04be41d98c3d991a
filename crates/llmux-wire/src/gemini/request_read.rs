//! A `generateContent` request, as a client sends it.

use llmux_core::{Dialect, Result};
use serde_json::{Map, Value};

use super::{
    content_read::{read_message, read_system},
    generation::read_generation,
    object::parse,
    tool_read::read_tools,
};
use crate::{
    chat::{Calls, ChatRequest},
    json::read::Object,
};

/// Reads a request. The model, which stands in the path, is looked for in the field `model`; whether the answer
/// is streamed is left to the caller.
///
/// # Errors
/// A 400 that names line and column of malformed JSON, the missing field, or the field with a wrong type.
pub fn read_request(body: &[u8]) -> Result<ChatRequest> {
    read(parse(body)?)
}

pub(super) fn read(mut object: Object) -> Result<ChatRequest> {
    let mut request = ChatRequest::new(Dialect::Gemini, object.string("model")?.unwrap_or_default());
    let contents = object.need("contents")?;
    read_fields(&mut object, &mut request)?;
    let mut calls = Calls::default();
    for item in contents.list()? {
        read_message(item, &mut calls, &mut request.messages)?;
    }
    request.stream_usage = true;
    object.take("stream");
    request.extra.extend(object.rest());
    Ok(request)
}

/// Takes every known field beside model and conversation.
fn read_fields(object: &mut Object, request: &mut ChatRequest) -> Result<()> {
    if let Some(system) = object.take("systemInstruction") {
        request.messages.push(read_system(system)?);
    }
    read_tools(object, request)?;
    if let Some(config) = object.take("generationConfig") {
        read_generation(config, request)?;
    }
    Ok(())
}

/// Checks fields that clients of other dialects wrote under this dialect's names.
///
/// # Errors
/// A 400 that names the field with a wrong type.
pub(super) fn check_fields(fields: Map<String, Value>) -> Result<()> {
    read_fields(&mut Object::root(fields), &mut ChatRequest::new(Dialect::Gemini, ""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chat::{Message, Part, ResponseFormat, Role, Tool, ToolChoice};

    fn read(body: Value) -> Result<ChatRequest> {
        read_request(body.to_string().as_bytes())
    }

    #[test]
    fn every_part_of_a_request_is_read() {
        let declaration = json!({"name": "f", "parameters": {"type": "OBJECT"}});
        let request = read(json!({
            "model": "m",
            "system_instruction": {"parts": [{"text": "be brief"}]},
            "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
            "tools": [{"function_declarations": [declaration], "googleSearch": {}}],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
            "generationConfig": {"maxOutputTokens": 9, "topK": 4, "stopSequences": ["x"], "candidateCount": 2,
                "responseMimeType": "application/json", "responseSchema": {"type": "STRING"},
                "thinkingConfig": {"thinkingBudget": 5}, "speechConfig": {}},
            "safetySettings": [],
        }))
        .unwrap();
        let system = Message::new(Role::System, vec![Part::text("be brief")]);
        assert_eq!(request.messages, [system, Message::new(Role::User, vec![Part::text("hi")])]);
        assert!(
            matches!(&request.tools[0], Tool::Function { parameters: Some(schema), .. } if schema["type"] == "object")
        );
        let search = json!({"googleSearch": {}});
        assert_eq!(request.tools[1], Tool::Opaque { dialect: Dialect::Gemini, value: search });
        assert_eq!(request.tool_choice, Some(ToolChoice::Named("f".into())));
        assert_eq!((request.sampling.max_tokens, request.sampling.n), (Some(9), Some(2)));
        assert!(matches!(request.format, Some(ResponseFormat::JsonSchema { .. })));
        assert_eq!(request.reasoning.unwrap().budget, Some(5));
        let extra = json!({"generationConfig": {"speechConfig": {}}, "safetySettings": []});
        assert_eq!(Value::from(request.extra), extra);
    }

    #[test]
    fn mistakes_name_the_field() {
        let param = |body: Value| read(body).unwrap_err().param().unwrap().to_owned();
        assert_eq!(param(json!({})), "contents");
        assert_eq!(param(json!({"contents": [{"role": "boss", "parts": []}]})), "contents[0].role");
        assert_eq!(
            param(json!({"contents": [], "generationConfig": {"topP": "1"}})),
            "generationConfig.topP"
        );
    }
}
