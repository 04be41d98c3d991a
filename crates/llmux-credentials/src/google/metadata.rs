//! Tokens of the service account that a machine, pod or function of Google Cloud runs as.

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue};
use llmux_core::{Error, ErrorKind, ProviderSettings, Result};

use crate::{
    Clock, Issued, Issuer, Token,
    ask::{self, Asker},
};

const WHAT: &str = "the metadata server";
const PATH: &str = "/computeMetadata/v1/instance/service-accounts/default/token";

/// The metadata server.
pub(super) struct Metadata {
    host: String,
    asker: Asker,
    clock: Clock,
}

impl Metadata {
    pub(super) fn new(settings: &ProviderSettings, clock: &Clock) -> Self {
        let host = settings.environment.first(&["GCE_METADATA_HOST", "GCE_METADATA_ROOT"]);
        Self {
            host: host.unwrap_or_else(|| "metadata.google.internal".to_owned()),
            asker: Asker::nearby(settings),
            clock: clock.clone(),
        }
    }
}

#[async_trait]
impl Issuer<Token> for Metadata {
    async fn issue(&self) -> Result<Issued<Token>> {
        let mut headers = HeaderMap::new();
        headers.insert("metadata-flavor", HeaderValue::from_static("Google"));
        let request = ask::get(&format!("http://{}{PATH}", self.host), headers)?;
        let answer = self.asker.json(WHAT, request).await.map_err(|error| {
            let message = format!(
                "no Google credentials were found in `vertex_credentials`, GOOGLE_APPLICATION_CREDENTIALS or the \
                 user's folder, and {}",
                error.message()
            );
            Error::new(ErrorKind::Authentication, message)
        })?;
        Token::read(WHAT, &answer, self.clock.now())
    }
}
