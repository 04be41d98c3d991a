//! Ranking documents, at whatever provider.

use http::Uri;
use llmux_core::{Call, Dialect, Exchange, Outgoing, ProviderSettings, Result};
use llmux_wire::{
    convert::Converted,
    json::{edit::Edits, envelope},
    rerank::{self, RerankForm},
};

use crate::{shape, speak, target::Target};

/// Asks for a ranking at `uri`. What Cohere itself takes as it is passes byte by byte.
pub(crate) fn exchange(
    call: &Call<'_>,
    settings: &ProviderSettings,
    target: &Target,
    uri: &Uri,
    form: RerankForm,
) -> Result<Exchange> {
    let shaping = &settings.shaping;
    let shaped = shape::prepared(call, false, shaping);
    let request = rerank::read_rerank_request(&shaped)?;
    let plain = form == RerankForm::Cohere && request.is_plain();
    let body = if plain { shaped } else { rerank::write_rerank_request(&request, call.model, form) };
    let fields = envelope::read(&body)?;
    let mut edits = Edits::new();
    if !matches!(form, RerankForm::Tei | RerankForm::Bedrock) {
        shape::rename(&body, &fields, call.model, &mut edits);
    }
    shape::force(shaping, &mut edits);
    let outgoing = Outgoing::Send(target.post(uri, edits.apply(&body, &fields)));
    if plain {
        return Ok(Exchange::new(outgoing, speak::passthrough(Dialect::Cohere, false), false));
    }
    let created = call.created;
    let reply = Converted::new(move |body| {
        let mut ranking = rerank::read_ranking(body)?;
        if matches!(form, RerankForm::Bedrock | RerankForm::Google) {
            ranking.usage.get_or_insert_with(|| request.queries());
        }
        Ok((rerank::write_ranking(&request, &ranking, created), ranking.usage))
    });
    Ok(Exchange::new(outgoing, Box::new(reply), false))
}
