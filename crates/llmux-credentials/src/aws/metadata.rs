//! Keys of the container or the machine that the program runs on.
//!
//! Sources: "Container credential provider" and "IMDS credential provider", AWS SDKs and Tools reference guide.

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Uri, header::AUTHORIZATION};
use llmux_core::{Environment, Error, ErrorKind, ProviderSettings, Result};
use serde_json::Value;

use super::Keys;
use crate::{
    ask::{self, Asker},
    date,
    renewed::{Issued, Issuer},
};

/// Where ECS offers the keys of a task.
const ECS: &str = "http://169.254.170.2";
/// Hosts that keys may come from without TLS: ECS, EKS, and the machine itself.
const PLAIN_HOSTS: &[&str] =
    &["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "localhost", "127.0.0.1", "[::1]"];

/// The keys that ECS, EKS and the like offer to a container.
pub(super) struct Container {
    url: String,
    environment: Environment,
    asker: Asker,
}

impl Container {
    const WHAT: &'static str = "the container's credentials service";

    /// What the environment of the container says; `None` outside of one.
    pub(super) fn of(settings: &ProviderSettings) -> Result<Option<Self>> {
        let variable = |name: &str| settings.environment.first(&[name]);
        let relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map(|path| format!("{ECS}{path}"));
        let Some(url) = relative.or_else(|| variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")) else {
            return Ok(None);
        };
        let allowed = url.parse::<Uri>().is_ok_and(|uri| {
            let plain = uri.host().is_some_and(|host| PLAIN_HOSTS.contains(&host));
            uri.scheme_str() == Some("https") || (uri.scheme_str() == Some("http") && plain)
        });
        if !allowed {
            let message =
                "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or lead to the container's own host";
            return Err(Error::new(ErrorKind::InvalidRequest, message));
        }
        let environment = settings.environment.clone();
        Ok(Some(Self { url, environment, asker: Asker::nearby(settings) }))
    }

    fn headers(&self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        let file = self.environment.first(&["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]);
        let token = match file {
            Some(path) => Some(self.environment.read(&path).map_err(|error| {
                let message = format!("the container's authorization token cannot be read: {error}");
                Error::new(ErrorKind::Authentication, message)
            })?),
            None => self.environment.first(&["AWS_CONTAINER_AUTHORIZATION_TOKEN"]),
        };
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, secret(token.trim(), Self::WHAT)?);
        }
        Ok(headers)
    }
}

#[async_trait]
impl Issuer<Keys> for Container {
    async fn issue(&self) -> Result<Issued<Keys>> {
        let answer = self.asker.json(Self::WHAT, ask::get(&self.url, self.headers()?)?).await?;
        keys(&answer).ok_or_else(|| ask::unreadable(Self::WHAT))
    }
}

/// The keys of the instance's role, by the second version of the metadata service.
pub(super) struct Instance {
    endpoint: String,
    disabled: bool,
    asker: Asker,
}

impl Instance {
    const WHAT: &'static str = "the instance's metadata service";
    const ROLES: &'static str = "/latest/meta-data/iam/security-credentials/";

    pub(super) fn new(settings: &ProviderSettings) -> Self {
        let variable = |name: &str| settings.environment.first(&[name]);
        let endpoint = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
        Self {
            endpoint: endpoint.unwrap_or_else(|| "http://169.254.169.254".to_owned()),
            disabled: variable("AWS_EC2_METADATA_DISABLED").is_some_and(|no| no.eq_ignore_ascii_case("true")),
            asker: Asker::nearby(settings),
        }
    }

    async fn text(&self, method: Method, path: &str, headers: HeaderMap) -> Result<String> {
        let url = format!("{}{path}", self.endpoint.trim_end_matches('/'));
        let answer = self.asker.ask(Self::WHAT, ask::request(method, &url, headers, Bytes::new())?).await?;
        if !answer.status.is_success() {
            return Err(ask::refused(Self::WHAT, &answer));
        }
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }

    async fn fetch(&self) -> Result<Issued<Keys>> {
        let mut headers = HeaderMap::new();
        headers.insert("x-aws-ec2-metadata-token-ttl-seconds", HeaderValue::from_static("300"));
        let token = self.text(Method::PUT, "/latest/api/token", headers).await?;
        let mut headers = HeaderMap::new();
        headers.insert("x-aws-ec2-metadata-token", secret(token.trim(), Self::WHAT)?);
        let roles = self.text(Method::GET, Self::ROLES, headers.clone()).await?;
        let role = roles.lines().next().unwrap_or_default().trim();
        let answer = self.text(Method::GET, &format!("{}{role}", Self::ROLES), headers).await?;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        keys(&answer).ok_or_else(|| ask::unreadable(Self::WHAT))
    }
}

#[async_trait]
impl Issuer<Keys> for Instance {
    async fn issue(&self) -> Result<Issued<Keys>> {
        // Whoever ends up here has no keys in any other place; that is what is to be said.
        let none = |reason: &str| {
            let message = format!(
                "no AWS keys were found in the deployment's settings, the environment, the shared files or the \
                 container, and {reason}"
            );
            Error::new(ErrorKind::Authentication, message)
        };
        if self.disabled {
            return Err(none("the instance's metadata service is switched off"));
        }
        self.fetch().await.map_err(|error| none(error.message()))
    }
}

fn keys(answer: &Value) -> Option<Issued<Keys>> {
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let keys = Keys::new(text("AccessKeyId")?, text("SecretAccessKey")?);
    let expires = text("Expiration").and_then(date::rfc3339);
    Some(Issued::new(keys.with_session_token(text("Token").map(Into::into)), expires))
}

fn secret(text: &str, what: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text).map_err(|_| ask::unreadable(what))?;
    value.set_sensitive(true);
    Ok(value)
}
