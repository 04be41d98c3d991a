//! Fetching what a request names by its address, for a provider that takes bytes only.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures::future::try_join_all;
use llmux_core::{Call, Envelope, Error, ErrorKind, MediaSource, Result};
use llmux_wire::{inline, json::envelope};
use serde_json::Value;

/// More addresses than any model takes images.
const MOST: usize = 100;

/// A request's body with bytes in the place of addresses.
pub(crate) struct Inlined {
    body: Bytes,
    envelope: Envelope,
}

impl Inlined {
    /// The call with this body.
    pub(crate) fn call<'a>(&'a self, call: &Call<'a>) -> Call<'a> {
        let mut call = *call;
        (call.body, call.envelope) = (&self.body, &self.envelope);
        call
    }
}

/// Fetches all that a call names; `None` if it names nothing.
///
/// # Errors
/// When something cannot be fetched.
pub(crate) async fn inlined(source: &dyn MediaSource, call: &Call<'_>) -> Result<Option<Inlined>> {
    // Broken JSON is told by whoever reads it.
    let Ok(mut request) = serde_json::from_slice::<Value>(call.body) else { return Ok(None) };
    let addresses = inline::addresses(&mut request);
    if addresses.is_empty() {
        return Ok(None);
    }
    if addresses.len() > MOST {
        let message = format!("a request may name at most {MOST} images and documents by their address");
        return Err(Error::client(ErrorKind::InvalidRequest, message));
    }
    let fetched = try_join_all(addresses.iter().map(|url| source.fetch(url))).await?;
    inline::replace(&mut request, |url| {
        let at = addresses.iter().position(|known| known == url)?;
        let media = fetched.get(at)?;
        Some((media.mime.clone(), STANDARD.encode(&media.data)))
    });
    let body = Bytes::from(request.to_string());
    Ok(Some(Inlined { envelope: envelope::read(&body)?, body }))
}
