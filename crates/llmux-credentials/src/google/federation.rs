//! Workload identity federation: tokens for those of another identity provider (AIP-4117).

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, header::HOST};
use llmux_core::{Error, ErrorKind, ProviderSettings, Result};
use percent_encoding::utf8_percent_encode;
use serde_json::{Value, json};

use super::{
    SCOPE,
    file::{text, wrong},
};
use crate::{
    Clock, Issued, Issuer, Renewed, Token,
    ask::{self, Asker},
    aws,
    oidc::TokenPlace,
    sigv4::{self, Scope},
};

const WHAT: &str = "Google's token exchange";
const TOKEN_URL: &str = "https://sts.googleapis.com/v1/token";
/// What an AWS identity is proved for.
const TARGET: HeaderName = HeaderName::from_static("x-goog-cloud-target-resource");

/// An external account.
pub(super) struct Federation {
    audience: String,
    token_type: String,
    url: String,
    user_project: Option<String>,
    subject: Subject,
    asker: Asker,
    clock: Clock,
}

/// Where the other provider's token comes from.
enum Subject {
    File(TokenPlace, Option<String>),
    Url(String, HeaderMap, Option<String>),
    Aws(Renewed<aws::Keys>, Scope),
}

impl Federation {
    pub(super) fn read(file: &Value, settings: &ProviderSettings, clock: &Clock) -> Result<Self> {
        let project = file.get("workforce_pool_user_project").and_then(Value::as_str);
        Ok(Self {
            audience: text(file, "audience")?.to_owned(),
            token_type: text(file, "subject_token_type")?.to_owned(),
            url: text(file, "token_url").unwrap_or(TOKEN_URL).to_owned(),
            user_project: project.map(str::to_owned),
            subject: Subject::read(file.get("credential_source").unwrap_or(&Value::Null), settings, clock)?,
            asker: Asker::new(settings),
            clock: clock.clone(),
        })
    }

    async fn subject_token(&self) -> Result<String> {
        match &self.subject {
            Subject::File(place, field) => member(&place.token()?, field.as_deref()),
            Subject::Url(url, headers, field) => {
                let what = "the identity provider of the Google credentials";
                let answer = self.asker.ask(what, ask::get(url, headers.clone())?).await?;
                if !answer.status.is_success() {
                    return Err(ask::refused(what, &answer));
                }
                member(&String::from_utf8_lossy(&answer.body), field.as_deref())
            }
            Subject::Aws(keys, scope) => self.caller_identity(&*keys.current().await?, scope),
        }
    }

    /// A request to AWS that proves who signed it, written down instead of sent.
    fn caller_identity(&self, keys: &aws::Keys, scope: &Scope) -> Result<String> {
        let host = format!("sts.{}.amazonaws.com", scope.region());
        let url = format!("https://{host}?Action=GetCallerIdentity&Version=2011-06-15");
        let mut request: Request<Bytes> = ask::post(&url)?;
        let value =
            |text: &str| HeaderValue::from_str(text).map_err(|_| wrong("name an impossible audience"));
        request.headers_mut().insert(HOST, value(&host)?);
        request.headers_mut().insert(TARGET, value(&self.audience)?);
        sigv4::sign(&mut request, keys, scope, self.clock.now())?;
        let headers = request.headers().iter().map(
            |(name, value)| json!({"key": name.as_str(), "value": String::from_utf8_lossy(value.as_bytes())}),
        );
        let proof = json!({"url": url, "method": "POST", "headers": headers.collect::<Vec<_>>()});
        Ok(utf8_percent_encode(&proof.to_string(), ask::UNRESERVED).to_string())
    }
}

impl Subject {
    fn read(source: &Value, settings: &ProviderSettings, clock: &Clock) -> Result<Self> {
        let get = |name: &str| source.get(name).and_then(Value::as_str);
        let format = source.get("format");
        let json = format.and_then(|format| format.get("type")).and_then(Value::as_str) == Some("json");
        let field = format.and_then(|format| format.get("subject_token_field_name")).and_then(Value::as_str);
        let field = json.then(|| field.unwrap_or("access_token").to_owned());
        if get("environment_id").is_some_and(|id| id.starts_with("aws")) {
            let region = aws::region(settings);
            let region = region.ok_or_else(|| wrong("are of AWS, whose region is told by AWS_REGION"))?;
            let keys = aws::keys(settings, &region, clock)?;
            return Ok(Self::Aws(keys, Scope::new("sts", region)));
        }
        if let Some(path) = get("file") {
            return Ok(Self::File(TokenPlace::file(path, &settings.environment), field));
        }
        if let Some(url) = get("url") {
            let mut headers = HeaderMap::new();
            for (name, value) in source.get("headers").and_then(Value::as_object).into_iter().flatten() {
                let name = HeaderName::from_bytes(name.as_bytes()).ok();
                let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
                let (Some(name), Some(value)) = (name, value) else {
                    return Err(wrong("name an impossible header in `credential_source`"));
                };
                headers.insert(name, value);
            }
            return Ok(Self::Url(url.to_owned(), headers, field));
        }
        Err(wrong("take their token from a program, which a gateway does not start"))
    }
}

/// A token that is the text, or a member of it as JSON.
fn member(text: &str, field: Option<&str>) -> Result<String> {
    let Some(field) = field else { return Ok(text.trim().to_owned()) };
    let json: Value = serde_json::from_str(text).unwrap_or_default();
    let token = json.get(field).and_then(Value::as_str).map(str::to_owned);
    let none =
        || Error::new(ErrorKind::Authentication, format!("the identity token has no member `{field}`"));
    token.ok_or_else(none)
}

#[async_trait]
impl Issuer<Token> for Federation {
    async fn issue(&self) -> Result<Issued<Token>> {
        let token = self.subject_token().await?;
        let options = self.user_project.as_ref().map(|project| json!({"userProject": project}).to_string());
        let mut fields = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("audience", self.audience.as_str()),
            ("scope", SCOPE),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("subject_token", &token),
            ("subject_token_type", &self.token_type),
        ];
        if let Some(options) = &options {
            fields.push(("options", options));
        }
        let answer = self.asker.json(WHAT, ask::post_form(&self.url, &fields)?).await?;
        Token::read(WHAT, &answer, self.clock.now())
    }
}
