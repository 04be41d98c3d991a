//! Anthropic's models on Vertex AI: its own API, with the model in the path and the version in the body.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use llmux_core::{Call, Component, Exchange, Operation, Outgoing, Provider, ProviderSettings, Result};
use llmux_wire::json::{edit::Edits, envelope};

use super::place::{Place, bad_name};
use crate::anthropic::Anthropic;

const PUBLISHER: &str = "anthropic";
/// The version of the API on Vertex AI, in place of the header.
const VERSION: &str = "vertex-2023-10-16";
/// What counts tokens, as if it were a model.
const COUNTER: &str = "count-tokens";

/// Anthropic's engine at Google's addresses.
pub(super) struct Claude(Arc<dyn Provider>);

impl Claude {
    pub(super) fn build(settings: &ProviderSettings) -> Result<Self> {
        Ok(Self(Anthropic::build(settings)?))
    }

    pub(super) fn prepare(&self, call: &Call<'_>, place: &Place) -> Result<Exchange> {
        let mut exchange = self.0.prepare(call)?.joined();
        if let Outgoing::Send(request) = &mut exchange.outgoing {
            adapt(request, call, place)?;
        }
        Ok(exchange)
    }
}

fn adapt(request: &mut Request<Bytes>, call: &Call<'_>, place: &Place) -> Result<()> {
    request.headers_mut().remove("anthropic-version");
    // The header of Anthropic's own keys; Google's key goes by another.
    if let Some(key) = request.headers_mut().remove("x-api-key") {
        request.headers_mut().insert(super::X_GOOG_API_KEY, key);
    }
    let counts = call.operation == Operation::CountTokens;
    let model = if counts { COUNTER } else { call.model };
    let stream = call.stream && !counts;
    *request.uri_mut() = place.raw(PUBLISHER, model, stream).parse().map_err(|_| bad_name())?;
    let fields = envelope::read(request.body())?;
    let mut edits = Edits::new();
    if !counts {
        edits.remove("model");
        edits.set_str("anthropic_version", VERSION);
    }
    let body = edits.apply(request.body(), &fields);
    *request.body_mut() = body;
    Ok(())
}
