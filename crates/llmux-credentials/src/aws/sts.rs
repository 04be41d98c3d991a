//! Temporary keys from AWS's Security Token Service.
//!
//! Source: AWS Security Token Service API reference, version 2011-06-15.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use llmux_core::{Error, ProviderSettings, Result};

use super::{Keys, chain::Source, refusal};
use crate::{
    Clock,
    ask::{self, Answer, Asker},
    date,
    oidc::TokenPlace,
    renewed::{Issued, Issuer, Renewed},
    sigv4::{self, Scope},
};

const WHAT: &str = "AWS's token service";
const VERSION: &str = "2011-06-15";

/// The token service of a region.
#[derive(Clone)]
pub(super) struct Sts {
    endpoint: String,
    scope: Scope,
    asker: Asker,
    clock: Clock,
}

impl Sts {
    /// The region's, unless `aws_sts_endpoint` names another.
    pub(super) fn new(settings: &ProviderSettings, region: &str, clock: &Clock) -> Self {
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let given = settings.option("aws_sts_endpoint", &["AWS_ENDPOINT_URL_STS"]);
        let endpoint = given.unwrap_or_else(|| format!("https://sts.{region}.{domain}"));
        Self {
            endpoint: format!("{}/", endpoint.trim_end_matches('/')),
            scope: Scope::new("sts", region),
            asker: Asker::new(settings),
            clock: clock.clone(),
        }
    }

    fn request(&self, action: &str, fields: &[(&str, &str)]) -> Result<Request<Bytes>> {
        let fixed = [("Action", action), ("Version", VERSION)];
        let fields: Vec<_> = fixed.into_iter().chain(fields.iter().copied()).collect();
        ask::post_form(&self.endpoint, &fields)
    }

    async fn keys(&self, request: Request<Bytes>) -> Result<Issued<Keys>> {
        let answer = self.asker.ask(WHAT, request).await?;
        let text = String::from_utf8_lossy(&answer.body);
        if !answer.status.is_success() {
            return Err(refused(&answer, &text));
        }
        let keys = || {
            let token = element(&text, "SessionToken")?;
            let keys = Keys::new(element(&text, "AccessKeyId")?, element(&text, "SecretAccessKey")?);
            let expires = date::rfc3339(&element(&text, "Expiration")?)?;
            Some(Issued::new(keys.with_session_token(Some(token.into())), Some(expires)))
        };
        keys().ok_or_else(|| ask::unreadable(WHAT))
    }
}

fn refused(answer: &Answer, text: &str) -> Error {
    let (code, message) = (element(text, "Code"), element(text, "Message"));
    let (code, message) = (code.unwrap_or_default(), message.unwrap_or_default());
    let advice = refusal::by_words(&code, &message).map(|refusal| format!("; {}", refusal.advice()));
    let words = format!("{code}: {message}{}", advice.unwrap_or_default());
    ask::refused_saying(WHAT, answer.status, &words)
}

/// The text of the first element of this name. The answers are small, and the names in them unique.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    let plain =
        entities.iter().fold(text.trim().to_owned(), |text, (entity, plain)| text.replace(entity, plain));
    (!plain.is_empty()).then_some(plain)
}

/// Keys of a role that other keys may assume.
pub(super) struct AssumeRole {
    sts: Sts,
    base: Renewed<Keys>,
    role: String,
    session: String,
    external_id: Option<String>,
}

impl AssumeRole {
    pub(super) fn new(sts: Sts, base: Source, role: &str, session: &str) -> Self {
        let base = Renewed::new(base, sts.clock.clone());
        Self { sts, base, role: role.to_owned(), session: session.to_owned(), external_id: None }
    }

    pub(super) fn with_external_id(mut self, id: Option<&str>) -> Self {
        self.external_id = id.map(str::to_owned);
        self
    }
}

#[async_trait]
impl Issuer<Keys> for AssumeRole {
    async fn issue(&self) -> Result<Issued<Keys>> {
        let base = self.base.current().await?;
        let mut fields = vec![("RoleArn", self.role.as_str()), ("RoleSessionName", &self.session)];
        if let Some(id) = &self.external_id {
            fields.push(("ExternalId", id));
        }
        let mut request = self.sts.request("AssumeRole", &fields)?;
        sigv4::sign(&mut request, &base, &self.sts.scope, self.sts.clock.now())?;
        self.sts.keys(request).await
    }
}

/// Keys of a role that an OIDC token allows to assume.
pub(super) struct WebIdentity {
    sts: Sts,
    role: String,
    session: String,
    token: Arc<TokenPlace>,
}

impl WebIdentity {
    pub(super) fn new(sts: Sts, role: &str, session: &str, token: TokenPlace) -> Self {
        Self { sts, role: role.to_owned(), session: session.to_owned(), token: Arc::new(token) }
    }
}

#[async_trait]
impl Issuer<Keys> for WebIdentity {
    async fn issue(&self) -> Result<Issued<Keys>> {
        let token = self.token.token()?;
        let fields = [
            ("RoleArn", self.role.as_str()),
            ("RoleSessionName", &self.session),
            ("WebIdentityToken", &token),
        ];
        let request = self.sts.request("AssumeRoleWithWebIdentity", &fields)?;
        self.sts.keys(request).await
    }
}
