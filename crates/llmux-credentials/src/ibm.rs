//! IBM Cloud: tokens for an API key.
//!
//! Source: "Generating an IBM Cloud IAM token by using an API key" of IBM Cloud's documentation.

use std::sync::Arc;

use async_trait::async_trait;
use llmux_core::{Credentials, Error, ErrorKind, ExposeSecret, ProviderSettings, Result, SecretString};

use crate::{
    Bearer, Clock, Issued, Issuer, Token,
    ask::{self, Asker},
};

const WHAT: &str = "IBM Cloud's identity service";
const URL: &str = "https://iam.cloud.ibm.com/identity/token";
const GRANT: &str = "urn:ibm:params:oauth:grant-type:apikey";
/// Environment variables that may hold another address of the identity service.
const URL_ENV: &[&str] = &["WATSONX_IAM_URL"];

/// Credentials of an API key: tokens that are fetched for it and renewed ahead of time.
///
/// # Errors
/// When the key is empty.
pub fn credentials(
    settings: &ProviderSettings,
    api_key: SecretString,
    clock: &Clock,
) -> Result<Arc<dyn Credentials>> {
    if api_key.expose_secret().trim().is_empty() {
        return Err(Error::new(ErrorKind::Authentication, "the API key is empty").with_param("api_key"));
    }
    let url = settings.environment.first(URL_ENV).unwrap_or_else(|| URL.to_owned());
    let issuer = ApiKey { url, api_key, asker: Asker::new(settings), clock: clock.clone() };
    Ok(Arc::new(Bearer::new(Arc::new(issuer), clock)))
}

/// Credentials of a token that somebody else renews.
///
/// # Errors
/// When the token cannot stand in a header.
pub fn token(token: &SecretString, clock: &Clock) -> Result<Arc<dyn Credentials>> {
    Ok(Arc::new(Bearer::new(Arc::new(Token::new(token.expose_secret())?), clock)))
}

struct ApiKey {
    url: String,
    api_key: SecretString,
    asker: Asker,
    clock: Clock,
}

#[async_trait]
impl Issuer<Token> for ApiKey {
    async fn issue(&self) -> Result<Issued<Token>> {
        let fields = [("grant_type", GRANT), ("apikey", self.api_key.expose_secret().trim())];
        let answer = self.asker.json(WHAT, ask::post_form(&self.url, &fields)?).await?;
        Token::read(WHAT, &answer, self.clock.now())
    }
}
