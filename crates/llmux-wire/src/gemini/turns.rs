//! The conversation as Gemini takes it: instructions apart, then turns of the user and the model.

use std::collections::HashMap;

use llmux_core::Result;
use serde_json::{Value, json};

use super::{
    content_write::{Written, write_part},
    signature,
    thinking::wants_signatures,
};
use crate::chat::{ChatRequest, Content, Fit, Message, Part, Role};

/// The conversation in Gemini's form.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// Parts of `systemInstruction`.
    pub(super) system: Vec<Value>,
    turns: Vec<(&'static str, Vec<Value>)>,
    /// The tools that calls name, by the calls' ids: results must name them too.
    names: HashMap<String, String>,
}

impl Conversation {
    /// Puts a request's messages into turns.
    pub(super) fn of(request: &ChatRequest, model: &str, fit: &mut Fit<'_>) -> Result<Self> {
        let mut conversation = Self::default();
        for (at, message) in request.messages.iter().enumerate() {
            conversation.add(message, &format!("messages[{at}]"), fit)?;
        }
        if conversation.turns.is_empty() {
            // The API wants a turn of the user; other dialects do with instructions alone.
            let system = std::mem::take(&mut conversation.system);
            conversation.turn("user").extend(system);
        }
        if let [(_, parts)] = conversation.turns.as_mut_slice()
            && parts.is_empty()
        {
            parts.push(json!({ "text": "" }));
        }
        if wants_signatures(model) {
            conversation
                .turns
                .iter_mut()
                .filter(|(role, _)| *role == "model")
                .for_each(|(_, parts)| excuse(parts));
        }
        Ok(conversation)
    }

    /// The turns, those without content left out.
    pub(super) fn into_contents(self) -> Vec<Value> {
        let turns = self.turns.into_iter().filter(|(_, parts)| !parts.is_empty());
        turns.map(|(role, parts)| json!({ "parts": parts, "role": role })).collect()
    }

    fn add(&mut self, message: &Message, path: &str, fit: &mut Fit<'_>) -> Result<()> {
        if message.role == Role::Tool {
            return self.results(message, path, fit);
        }
        let mut parts = Vec::with_capacity(message.parts.len());
        let mut signed = None;
        for (at, part) in message.parts.iter().enumerate() {
            if let Content::ToolCall(call) = &part.content {
                self.names.insert(signature::split(&call.id).0.to_owned(), call.name.clone());
            }
            match write_part(part, &format!("{path}.content[{at}]"), fit)? {
                Written::Part(mut value) => {
                    sign(&mut value, &mut signed);
                    parts.push(value);
                }
                Written::Signature(signature) => signed = Some(signature),
                Written::Nothing => {}
            }
        }
        // Streams may end in a signature of all that came before.
        if let Some(signature) = signed {
            parts.push(json!({ "text": "", "thoughtSignature": signature }));
        }
        match message.role {
            Role::System | Role::Developer if self.turns.is_empty() => self.system.extend(parts),
            Role::System | Role::Developer => self.turn("user").extend(parts.into_iter().map(tagged)),
            Role::Assistant => self.turn("model").extend(parts),
            _ => self.turn("user").extend(parts),
        }
        Ok(())
    }

    /// Results of calls; what they hold beside text follows them.
    fn results(&mut self, message: &Message, path: &str, fit: &mut Fit<'_>) -> Result<()> {
        let mut media = Vec::new();
        for (at, part) in message.parts.iter().enumerate() {
            let Content::ToolResult { call_id, parts, is_error } = &part.content else { continue };
            let id = signature::split(call_id).0;
            let name =
                self.names.get(id).map(String::as_str).or(message.name.as_deref()).unwrap_or(id).to_owned();
            let response = response(parts, *is_error);
            let result = json!({ "functionResponse": { "id": id, "name": name, "response": response } });
            self.turn("user").push(result);
            for part in parts.iter().filter(|part| part.as_text().is_none()) {
                if let Written::Part(value) = write_part(part, &format!("{path}.content[{at}]"), fit)? {
                    media.push(value);
                }
            }
        }
        self.turn("user").append(&mut media);
        Ok(())
    }

    /// The turn that a message of this role belongs to: the last one, if the same side speaks.
    fn turn(&mut self, role: &'static str) -> &mut Vec<Value> {
        let same = self.turns.pop_if(|(speaker, _)| *speaker == role);
        &mut self.turns.push_mut(same.unwrap_or((role, Vec::new()))).1
    }
}

/// A result must be an object: other results become one under the names of Google's guide.
fn response(parts: &[Part], is_error: bool) -> Value {
    let texts: Vec<_> = parts.iter().filter_map(Part::as_text).collect();
    let text = texts.join("\n");
    match serde_json::from_str::<Value>(&text) {
        Ok(object @ Value::Object(_)) if !is_error => object,
        _ if is_error => json!({ "error": text }),
        _ => json!({ "result": text }),
    }
}

/// Gives a text the signature that stood in front of it. Calls have theirs in their ids.
fn sign(value: &mut Value, signed: &mut Option<String>) {
    let Some(fields) = value.as_object_mut().filter(|fields| fields.contains_key("text")) else { return };
    if let Some(signature) = signed.take() {
        fields.insert("thoughtSignature".into(), signature.into());
    }
}

/// The first call of a turn must be signed; one that another maker's model made has a word for that.
fn excuse(parts: &mut [Value]) {
    let call = parts.iter_mut().find(|part| part.get("functionCall").is_some());
    if let Some(fields) = call.and_then(Value::as_object_mut) {
        fields.entry("thoughtSignature").or_insert_with(|| signature::FOREIGN.into());
    }
}

fn tagged(mut part: Value) -> Value {
    if let Some(Value::String(text)) = part.get_mut("text") {
        *text = format!("<system>\n{text}\n</system>");
    }
    part
}
