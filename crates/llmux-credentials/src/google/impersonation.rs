//! Tokens of a service account that another identity may act for.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;
use http::{
    HeaderMap, Method,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use llmux_core::{ProviderSettings, Result};
use serde_json::{Value, json};

use super::SCOPE;
use crate::{
    Clock, Issued, Issuer, Renewed, Token,
    ask::{self, Asker},
    date,
};

const WHAT: &str = "Google's impersonation service";

/// Source: `generateAccessToken` of the IAM Service Account Credentials API, version 1.
pub(super) struct Impersonation {
    source: Renewed<Token>,
    url: String,
    delegates: Value,
    asker: Asker,
}

impl Impersonation {
    pub(super) fn new(
        source: Arc<dyn Issuer<Token>>,
        url: &str,
        settings: &ProviderSettings,
        clock: &Clock,
    ) -> Self {
        Self {
            source: Renewed::new(source, clock.clone()),
            url: url.to_owned(),
            delegates: json!([]),
            asker: Asker::new(settings),
        }
    }

    pub(super) fn with_delegates(mut self, delegates: Option<&Value>) -> Self {
        self.delegates = delegates.filter(|list| list.is_array()).cloned().unwrap_or_else(|| json!([]));
        self
    }
}

#[async_trait]
impl Issuer<Token> for Impersonation {
    async fn issue(&self) -> Result<Issued<Token>> {
        let source = self.source.current().await?;
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, source.header());
        headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        let body = json!({"scope": [SCOPE], "delegates": self.delegates, "lifetime": "3600s"});
        let request = ask::request(Method::POST, &self.url, headers, body.to_string().into())?;
        let answer = self.asker.json(WHAT, request).await?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let token = text("accessToken").ok_or_else(|| ask::unreadable(WHAT))?;
        let expires: Option<SystemTime> = text("expireTime").and_then(date::rfc3339);
        Ok(Issued::new(Token::new(token)?, expires))
    }
}
