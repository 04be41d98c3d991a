//! Bearer tokens: fixed ones, and ones that are fetched and renewed.

use std::{fmt, sync::Arc, time::SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header::AUTHORIZATION};
use llmux_core::{Credentials, Error, ErrorKind, FailedReply, Result};
use serde_json::Value;

use crate::{
    Clock,
    renewed::{Issued, Issuer, Renewed},
};

/// The value of an `authorization` header: the word `Bearer` and a token. `Debug` does not show it.
#[derive(Clone, Debug)]
pub struct Token(HeaderValue);

impl Token {
    /// A token without blanks around it.
    ///
    /// # Errors
    /// When it holds characters that no header can carry.
    pub fn new(token: &str) -> Result<Self> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.trim())).map_err(|_| {
            Error::new(ErrorKind::Authentication, "the access token holds characters no token has")
        })?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    /// The header's value.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    /// Reads the answer of an OAuth 2.0 token endpoint (RFC 6749, section 5.1), or of a metadata service that
    /// tells the expiry as `expires_on` in seconds since 1970; numbers may be written as text.
    pub(crate) fn read(what: &str, answer: &Value, now: SystemTime) -> Result<Issued<Self>> {
        let number = |name: &str| match answer.get(name) {
            Some(Value::String(text)) => text.parse::<u64>().ok(),
            Some(value) => value.as_u64(),
            None => None,
        };
        let token = answer.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| crate::ask::unreadable(what))?;
        let expires = match (number("expires_in"), number("expires_on")) {
            (Some(seconds), _) => now.checked_add(std::time::Duration::from_secs(seconds)),
            (None, Some(at)) => SystemTime::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(at)),
            (None, None) => None,
        };
        Ok(Issued::new(Self::new(token)?, expires))
    }
}

/// A token that stays as it is.
#[async_trait]
impl Issuer<Token> for Token {
    async fn issue(&self) -> Result<Issued<Token>> {
        Ok(Issued::new(self.clone(), None))
    }
}

/// Puts a bearer token on requests, and fetches it anew when the provider refuses it.
pub struct Bearer {
    token: Renewed<Token>,
    headers: HeaderMap,
}

impl Bearer {
    /// Takes its tokens from `issuer`.
    #[must_use]
    pub fn new(issuer: Arc<dyn Issuer<Token>>, clock: &Clock) -> Self {
        Self { token: Renewed::new(issuer, clock.clone()), headers: HeaderMap::new() }
    }

    /// Puts further headers on requests that do not have them.
    #[must_use]
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }
}

#[async_trait]
impl Credentials for Bearer {
    async fn sign(&self, request: &mut Request<Bytes>) -> Result<()> {
        let token = self.token.current().await?;
        let headers = request.headers_mut();
        for (name, value) in &self.headers {
            headers.entry(name).or_insert_with(|| value.clone());
        }
        headers.insert(AUTHORIZATION, token.header());
        Ok(())
    }

    fn covers_body(&self) -> bool {
        false
    }

    fn refused(&self, failed: &FailedReply<'_>) -> bool {
        failed.status == StatusCode::UNAUTHORIZED && self.token.discard()
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer")
    }
}
