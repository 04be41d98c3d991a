//! A chat as the input of a model that takes a prompt.

use llmux_core::Result;
use llmux_wire::chat::{ChatRequest, Content, Fit, Message, ResponseFormat, Role};
use serde_json::{Map, Value};

/// Makers whose older models have another name for the limit.
const NEW_TOKENS: &[&str] = &["llama-2", "codellama", "mistral", "mixtral", "vicuna"];

/// The input of a chat: the model's own fields go along.
pub(crate) fn input(request: &ChatRequest, model: &str, fit: &mut Fit<'_>) -> Result<Map<String, Value>> {
    refuse(request, fit)?;
    let (system, turns): (Vec<_>, Vec<_>) =
        request.messages.iter().partition(|message| matches!(message.role, Role::System | Role::Developer));
    let mut input = Map::new();
    input.insert("prompt".into(), prompt(&turns).into());
    let system: Vec<_> = system.into_iter().map(Message::text).collect();
    if !system.is_empty() {
        input.insert("system_prompt".into(), system.join("\n\n").into());
    }
    let sampling = &request.sampling;
    let older = NEW_TOKENS.iter().any(|maker| model.contains(maker));
    let limit = if older { "max_new_tokens" } else { "max_tokens" };
    let mut set =
        |name: &str, value: Option<Value>| input.extend(value.map(|value| (name.to_owned(), value)));
    set(limit, sampling.max_tokens.map(Value::from));
    set("temperature", sampling.temperature.clone().map(Value::from));
    set("top_p", sampling.top_p.clone().map(Value::from));
    set("top_k", sampling.top_k.map(Value::from));
    set("frequency_penalty", sampling.frequency_penalty.clone().map(Value::from));
    set("presence_penalty", sampling.presence_penalty.clone().map(Value::from));
    set("seed", sampling.seed.clone().map(Value::from));
    set("stop_sequences", (!sampling.stop.is_empty()).then(|| sampling.stop.join(",").into()));
    input.extend(request.extra.iter().map(|(name, value)| (name.clone(), value.clone())));
    Ok(input)
}

/// What a prompt cannot carry.
fn refuse(request: &ChatRequest, fit: &mut Fit<'_>) -> Result<()> {
    let sampling = &request.sampling;
    let structured = request.format.as_ref().is_some_and(|format| !matches!(format, ResponseFormat::Text));
    for (name, given) in [
        ("tools", !request.tools.is_empty()),
        ("response_format", structured),
        ("n", sampling.n.is_some_and(|count| count > 1)),
        ("logprobs", sampling.logprobs == Some(true)),
        ("logit_bias", sampling.logit_bias.is_some()),
    ] {
        if given {
            fit.refuse(name)?;
        }
    }
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    for part in parts {
        match part.content {
            Content::Text { .. } | Content::Reasoning { .. } | Content::Refusal(_) => {}
            _ => fit.refuse("messages.content")?,
        }
    }
    if request.reasoning.is_some() {
        fit.drop("reasoning_effort");
    }
    Ok(())
}

/// A single turn is its own words; several are told one after the other, with who speaks.
fn prompt(turns: &[&Message]) -> String {
    if let [only] = turns {
        return only.text();
    }
    let line = |message: &&Message| {
        let speaker = if message.role == Role::Assistant { "Assistant" } else { "User" };
        format!("{speaker}: {}\n\n", message.text())
    };
    let lines: String = turns.iter().map(line).collect();
    format!("{lines}Assistant:")
}

#[cfg(test)]
mod tests {
    use llmux_core::Shaping;
    use llmux_wire::chat::Part;
    use serde_json::json;

    use super::*;

    fn request(turns: &[(Role, &str)]) -> ChatRequest {
        let message = |(role, text): &(Role, &str)| Message::new(*role, vec![Part::text(*text)]);
        let body = json!({"model": "m", "max_tokens": 5, "stop": ["a", "b"], "messages": []});
        let mut request = llmux_wire::openai::read_request(body.to_string().as_bytes()).unwrap();
        request.messages = turns.iter().map(message).collect();
        request
    }

    #[test]
    fn one_turn_is_its_words_and_several_say_who_speaks() {
        let shaping = Shaping::default();
        let input = |turns: &[(Role, &str)], model: &str| {
            super::input(&request(turns), model, &mut Fit::new("Replicate", &shaping)).unwrap()
        };
        let one = input(&[(Role::System, "Be brief."), (Role::User, "hi")], "meta/meta-llama-3-8b-instruct");
        let expected =
            json!({"prompt": "hi", "system_prompt": "Be brief.", "max_tokens": 5, "stop_sequences": "a,b"});
        assert_eq!(Value::Object(one), expected);
        let turns = [(Role::User, "hi"), (Role::Assistant, "hello"), (Role::User, "bye")];
        let several = input(&turns, "meta/llama-2-70b-chat");
        assert_eq!(several["prompt"], "User: hi\n\nAssistant: hello\n\nUser: bye\n\nAssistant:");
        assert_eq!(several["max_new_tokens"], 5);
    }
}
