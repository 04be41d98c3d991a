//! Responses of hosts that make them themselves: the client's bytes go on, and come back, as they are.

use bytes::Bytes;
use http::{Method, Uri, header::CONTENT_TYPE};
use llmux_core::{Call, Error, Exchange, Operation, Outgoing, Reply, Result, Shaping};
use llmux_wire::{convert::Converted, json::edit::Edits};
use serde_json::{Value, json};

use super::Compatible;
use crate::{shape, speak};

/// Parameters of chat completions that responses do not have: defaults of a deployment that is asked for both.
const CHAT_ONLY: [&str; 10] = [
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "n",
    "presence_penalty",
    "response_format",
    "seed",
    "stop",
    "stream_options",
    "verbosity",
];

/// Makes a call ready for the host's own Responses API, which is at `uri`.
pub(super) fn pass(host: &Compatible, call: &Call<'_>, uri: &Uri) -> Exchange {
    let mut edits = Edits::new();
    let (body, envelope, shaping) = (call.body, call.envelope, &host.settings.shaping);
    shape::strip(body, envelope, true, &mut edits);
    shape::rename(body, envelope, call.model, &mut edits);
    let shaping_here = in_words_of_responses(shaping);
    shape::apply(body, envelope, &shaping_here, &mut edits);
    shape::force(shaping, &mut edits);
    let request = host.target.post(uri, edits.apply(body, envelope));
    Exchange::new(Outgoing::Send(request), speak::passthrough(call.dialect, false), call.stream)
}

/// Asks the host about a response that it keeps, below `uri`.
pub(super) fn kept(host: &Compatible, call: &Call<'_>, uri: &Uri) -> Result<Exchange> {
    #[derive(serde::Deserialize)]
    struct Asked {
        id: String,
        #[serde(default)]
        query: String,
    }
    let asked: Asked = serde_json::from_slice(call.body)
        .map_err(|error| Error::invalid("id", format!("no response is named: {error}")))?;
    let (method, below) = match call.operation {
        Operation::DeleteResponse => (Method::DELETE, ""),
        Operation::CancelResponse => (Method::POST, "/cancel"),
        Operation::ListResponseInput => (Method::GET, "/input_items"),
        _ => (Method::GET, ""),
    };
    let query = if asked.query.is_empty() { String::new() } else { format!("?{}", asked.query) };
    let uri = format!("{uri}/{}{below}{query}", asked.id)
        .parse()
        .map_err(|_| Error::invalid("id", "the id cannot stand in a URL"))?;
    let mut request = host.target.post(&uri, Bytes::new());
    *request.method_mut() = method;
    request.headers_mut().remove(CONTENT_TYPE);
    let reply: Box<dyn Reply> = if call.stream {
        speak::passthrough(call.dialect, false)
    } else {
        // A response that failed is no failure of this request.
        Box::new(Converted::passing(None))
    };
    Ok(Exchange::new(Outgoing::Send(request), reply, call.stream))
}

/// A deployment's defaults are in the words of chat completions.
fn in_words_of_responses(shaping: &Shaping) -> Shaping {
    let mut here = Shaping::default();
    here.additional_drop_params.clone_from(&shaping.additional_drop_params);
    for (name, value) in &shaping.defaults {
        let (name, value): (&str, Value) = match name.as_str() {
            name if CHAT_ONLY.contains(&name) => continue,
            "max_tokens" | "max_completion_tokens" => ("max_output_tokens", value.clone()),
            "reasoning_effort" => ("reasoning", json!({ "effort": value })),
            name => (name, value.clone()),
        };
        here.defaults.insert(name.to_owned(), value);
    }
    here
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_of_chats_are_said_in_the_words_of_responses() {
        let mut shaping = Shaping::default();
        shaping.defaults = json!({"max_tokens": 5, "stop": "x", "temperature": 0, "reasoning_effort": "low"})
            .as_object()
            .unwrap()
            .clone();
        let expected = json!({"max_output_tokens": 5, "temperature": 0, "reasoning": {"effort": "low"}});
        assert_eq!(Value::Object(in_words_of_responses(&shaping).defaults), expected);
    }
}
