//! A price map from an address: fetched with its signature, checked, kept in a file.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_lc_rs::signature::{ED25519, ED25519_PUBLIC_KEY_LEN, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use llmux_core::{Timeouts, Transport};

use super::{PriceMap, parse};

/// Largest price map; LiteLLM's has less than two megabytes.
const MAX_SIZE: usize = 32 << 20;
/// Time for a fetch.
const PATIENCE: Duration = Duration::from_secs(60);
/// What follows the name of a price map in that of its signature.
const SIGNATURE: &str = ".sig";

/// A price map with its signature: Ed25519 over its bytes, in base64.
pub(super) struct Signed {
    map: Bytes,
    signature: Bytes,
}

impl Signed {
    /// The price map, if it was signed with this key.
    pub(super) fn verified(&self, key: &str) -> Result<PriceMap, String> {
        let text = std::str::from_utf8(&self.signature).unwrap_or_default();
        let signature = STANDARD.decode(text.trim()).map_err(|_| "the signature is not base64")?;
        let key = UnparsedPublicKey::new(&ED25519, decode(key)?);
        key.verify(&self.map, &signature)
            .map_err(|_| "the signature is not one of `catalogue.public_key`")?;
        parse(&self.map)
    }

    /// What was kept in a file; nothing if there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, String> {
        if !path.exists() {
            return Ok(None);
        }
        let read = |path: &Path| {
            let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
            Ok::<_, String>(Bytes::from(bytes))
        };
        Ok(Some(Self { map: read(path)?, signature: read(&beside(path, SIGNATURE))? }))
    }

    /// Keeps it in a file, its signature beside it. Each is whole or as it was; a mixture is noticed when it is read.
    pub(super) fn write(&self, path: &Path) -> Result<(), String> {
        for (path, bytes) in [(beside(path, SIGNATURE), &self.signature), (path.to_owned(), &self.map)] {
            let new = beside(&path, ".new");
            fs::write(&new, bytes)
                .and_then(|()| fs::rename(&new, &path))
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }
}

/// Whether a text can be a key at all.
pub(super) fn check_key(key: &str) -> Result<(), String> {
    decode(key).map(|_| ())
}

fn decode(key: &str) -> Result<Vec<u8>, String> {
    let bytes = STANDARD.decode(key.trim()).ok().filter(|bytes| bytes.len() == ED25519_PUBLIC_KEY_LEN);
    bytes.ok_or_else(|| "not an Ed25519 key of 32 bytes in base64".to_owned())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Fetches a price map and its signature.
pub(super) async fn fetch(url: &str, transport: &dyn Transport) -> Result<Signed, String> {
    // The signature's address is the map's with an ending, before a query if there is one.
    let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let map = get(url, transport).await?;
    let signature = get(&format!("{path}{SIGNATURE}{query}"), transport).await?;
    Ok(Signed { map, signature })
}

async fn get(url: &str, transport: &dyn Transport) -> Result<Bytes, String> {
    let request = Request::get(url).body(Bytes::new()).map_err(|error| error.to_string())?;
    let mut timeouts = Timeouts::default();
    timeouts.total = Some(PATIENCE);
    let said = |error: llmux_core::Error| error.message().to_owned();
    let answer = transport.send(request, timeouts).await.map_err(said)?;
    if !answer.status.is_success() {
        return Err(format!("the answer was {}", answer.status));
    }
    let mut body = answer.body;
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame.map_err(said)?.into_data() else { continue };
        if bytes.len().saturating_add(piece.len()) > MAX_SIZE {
            return Err(format!("it is larger than {MAX_SIZE} bytes"));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.into())
}
