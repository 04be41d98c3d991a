//! Images, sound and moderations: the client's bytes go on, and the host's come back, as they are.

use http::Uri;
use llmux_core::{Call, Exchange, Operation, Outgoing, Result, Usage};
use llmux_wire::{json::edit::Edits, openai::MediaWatch, passthrough::Passthrough};

use super::{Compatible, adapt};
use crate::shape;

/// Makes a call ready for the host's `uri`.
pub(super) fn pass(host: &Compatible, call: &Call<'_>, uri: &Uri) -> Result<Exchange> {
    let reply = Passthrough::new(MediaWatch::new(call.operation)).with_usage(asked(call)?);
    if call.form {
        let model = adapt::prefixed(&host.host.quirks, call.model);
        let form = shape::form(call.body, call.envelope, &model, &host.settings.shaping);
        let request = host.target.post(uri, bytes::Bytes::new());
        return Ok(Exchange::media(Outgoing::Send(request), Box::new(reply)).with_form(form));
    }
    let mut edits = Edits::new();
    let (body, envelope, shaping) = (call.body, call.envelope, &host.settings.shaping);
    shape::strip(body, envelope, false, &mut edits);
    let model = adapt::prefixed(&host.host.quirks, call.model);
    shape::rename(body, envelope, &model, &mut edits);
    shape::apply(body, envelope, shaping, &mut edits);
    shape::force(shaping, &mut edits);
    let request = host.target.post(uri, edits.apply(body, envelope));
    Ok(Exchange::media(Outgoing::Send(request), Box::new(reply)))
}

/// What the request alone says is consumed: speech is sold by the characters that are spoken.
pub(crate) fn asked(call: &Call<'_>) -> Result<Usage> {
    let mut usage = Usage::default();
    if call.operation == Operation::Speech {
        let input = call.envelope.get(call.body, "input").unwrap_or(b"null");
        let input: Option<String> = serde_json::from_slice(input)
            .map_err(|_| llmux_core::Error::invalid("input", "`input` must be a string"))?;
        usage.input_characters = input.map_or(0, |text| text.chars().count() as u64);
    }
    Ok(usage)
}
