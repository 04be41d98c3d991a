//! Anthropic's Messages API, by its API reference.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, Request, Uri};
use llmux_core::{
    Call, Component, Dialect, Error, ErrorKind, Exchange, ExposeSecret, FailedReply, Operation, Outgoing,
    Provider, ProviderSettings, Relay, Result, Usage,
};
use llmux_wire::{anthropic, chat::Fit, convert::Converted, json::edit::Edits, passthrough::Passthrough};

use crate::{known, shape, speak, target::Target};

/// The name in `anthropic/model`.
/// Longest name of a tool, by the Messages reference.
const MOST_OF_A_NAME: usize = 128;
/// The name in `anthropic/model`.
pub(crate) const NAME: &str = "anthropic";
/// Environment variables that may hold the key.
pub(crate) const KEY_ENV: &[&str] = &["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"];
/// Environment variables that may hold another base URL.
pub(crate) const BASE_ENV: &[&str] = &["ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE"];

const BASE_URL: &str = "https://api.anthropic.com";
/// The only version of the API so far.
const VERSION: &str = "2023-06-01";
/// What a key of an OAuth login begins with; it travels as a bearer token.
const OAUTH_PREFIX: &str = "sk-ant-oat";

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");
const ANTHROPIC_BETA: HeaderName = HeaderName::from_static("anthropic-beta");

/// Anthropic, bound to a deployment's settings.
pub(crate) struct Anthropic {
    settings: ProviderSettings,
    target: Target,
    messages: Uri,
    count_tokens: Uri,
}

impl Component for Anthropic {
    type Output = dyn Provider;
    type Config = ProviderSettings;
    const KIND: &'static str = NAME;

    fn build(settings: &ProviderSettings) -> Result<Arc<dyn Provider>> {
        let base = settings.base_url.clone().or_else(|| settings.environment.first(BASE_ENV));
        let mut target = Target::new(base.as_deref().unwrap_or(BASE_URL), settings);
        target.header(ANTHROPIC_VERSION, settings.api_version.as_deref().unwrap_or(VERSION))?;
        let key = settings.api_key.clone().or_else(|| settings.environment.first(KEY_ENV).map(Into::into));
        match key {
            Some(key) if key.expose_secret().starts_with(OAUTH_PREFIX) => target.bearer(&key)?,
            Some(key) => target.key(X_API_KEY, "", &key)?,
            None => {}
        }
        Ok(Arc::new(Self {
            settings: settings.clone(),
            messages: target.uri("/v1/messages")?,
            count_tokens: target.uri("/v1/messages/count_tokens")?,
            target,
        }))
    }
}

impl Anthropic {
    fn request(&self, call: &Call<'_>, uri: &Uri, body: Bytes) -> Request<Bytes> {
        let mut request = self.target.post(uri, body);
        // A client that speaks this dialect says which version and previews it was written for.
        if call.dialect == Dialect::Anthropic {
            for name in [ANTHROPIC_VERSION, ANTHROPIC_BETA] {
                if let Some(value) = call.headers.get(&name) {
                    request.headers_mut().insert(name, value.clone());
                }
            }
        }
        request
    }

    /// The client speaks this dialect already.
    fn pass(&self, call: &Call<'_>, uri: &Uri) -> Result<Exchange> {
        let mut edits = Edits::new();
        let (body, envelope, shaping) = (call.body, call.envelope, &self.settings.shaping);
        shape::strip(body, envelope, true, &mut edits);
        shape::rename(body, envelope, call.model, &mut edits);
        if call.operation == Operation::Chat {
            shape::apply(body, envelope, shaping, &mut edits);
            shape::force(shaping, &mut edits);
        }
        let (body, more) = shape::changed(&edits, body, envelope);
        let request = self.request(call, uri, body);
        let reply = Box::new(Passthrough::new(anthropic::AnthropicWatch::new()));
        Ok(Exchange::new(Outgoing::Send(request), reply, call.stream).with_more(more))
    }

    /// A client of another dialect counts.
    fn count(&self, call: &Call<'_>) -> Result<Exchange> {
        let request = speak::read_count(call)?;
        let mut fit = Fit::new("Anthropic", &self.settings.shaping).dropping(call.drop_params);
        let body = anthropic::write_count_request(&request, call.model, &mut fit)?;
        let dialect = call.dialect;
        let reply = Converted::new(move |body| {
            let tokens = anthropic::read_count(body)?;
            let mut usage = Usage::default();
            usage.input = tokens;
            Ok((speak::write_count(dialect, tokens), Some(usage)))
        });
        let outgoing = Outgoing::Send(self.request(call, &self.count_tokens, body));
        Ok(Exchange::new(outgoing, Box::new(reply), false).with_dropped(fit.into_dropped()))
    }

    /// The client speaks another dialect: the deployment's defaults are in its words too.
    fn translate(&self, call: &Call<'_>) -> Result<Exchange> {
        let shaping = &self.settings.shaping;
        let body = shape::prepared(call, true, shaping);
        let (request, names) = speak::read_fitting(call, &body, shaping, MOST_OF_A_NAME)?;
        let mut fit = Fit::new("Anthropic", shaping).dropping(call.drop_params);
        let body = shape::forced(anthropic::write_request(&request, call.model, &mut fit)?, shaping)?;
        let outgoing = Outgoing::Send(self.request(call, &self.messages, body));
        let reader = names.watching(anthropic::StreamReader::new());
        let read = names.reading(anthropic::read_answer);
        let reply = speak::translated(call, request.stream_usage, read, reader);
        Ok(Exchange::new(outgoing, reply, call.stream).with_dropped(fit.into_dropped()))
    }
}

impl Provider for Anthropic {
    fn name(&self) -> &str {
        NAME
    }

    fn base_url(&self) -> &str {
        self.target.base()
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        match (call.operation, call.dialect) {
            (Operation::Chat, Dialect::Anthropic) => self.pass(call, &self.messages),
            (Operation::CountTokens, Dialect::Anthropic) => self.pass(call, &self.count_tokens),
            (Operation::CountTokens, _) => self.count(call),
            (Operation::Chat | Operation::Completion, _) => self.translate(call),
            (operation, _) => Err(Error::client(
                ErrorKind::InvalidRequest,
                format!("Anthropic has no {operation}; choose a model of another provider"),
            )
            .with_param("model")),
        }
    }

    fn classify(&self, failed: &FailedReply<'_>) -> Error {
        anthropic::read_error(failed.status, failed.headers, failed.body, NAME)
    }

    fn relay(&self, head: Request<()>) -> Result<Relay> {
        let known = known::anthropic(&head);
        let version = head.headers().get(ANTHROPIC_VERSION).cloned();
        let mut head = self.target.relay(head)?;
        // The client says which version it was written for.
        if let Some(version) = version {
            head.headers_mut().insert(ANTHROPIC_VERSION, version);
        }
        Ok(Relay::new(head).with_known(known))
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, header::AUTHORIZATION};
    use llmux_wire::json::envelope;

    use super::*;

    fn sent(settings: &ProviderSettings, dialect: Dialect, body: &'static str) -> Request<Bytes> {
        let provider = Anthropic::build(settings).unwrap();
        let body = Bytes::from_static(body.as_bytes());
        let fields = envelope::read(&body).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(ANTHROPIC_BETA, "preview-1".parse().unwrap());
        let call = Call::new(Operation::Chat, dialect, "claude-up", &body, &fields, &headers);
        match provider.prepare(&call).unwrap().outgoing {
            Outgoing::Send(request) => request,
            Outgoing::Answered(_) => panic!("must be sent"),
        }
    }

    fn settings(key: &str) -> ProviderSettings {
        let mut settings = ProviderSettings::default();
        settings.api_key = Some(key.into());
        settings
    }

    #[test]
    fn the_clients_bytes_pass_but_for_the_model() {
        let body = r#"{"model":"c", "max_tokens":5,"new_field":{"x":1.0}, "messages":[]}"#;
        let request = sent(&settings("k"), Dialect::Anthropic, body);
        assert_eq!(
            request.body(),
            r#"{"model":"claude-up", "max_tokens":5,"new_field":{"x":1.0}, "messages":[]}"#
        );
        assert_eq!(request.uri(), "https://api.anthropic.com/v1/messages");
        assert_eq!(request.headers()["anthropic-beta"], "preview-1");
        assert_eq!(request.headers()["x-api-key"], "k");
    }

    #[test]
    fn a_login_token_travels_as_a_bearer_token() {
        let request = sent(&settings("sk-ant-oat01-x"), Dialect::Anthropic, r#"{"model":"c"}"#);
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer sk-ant-oat01-x");
        assert!(request.headers().get(X_API_KEY).is_none());
    }

    #[test]
    fn a_chat_of_openais_dialect_is_written_anew() {
        let body = r#"{"model":"c","messages":[{"role":"user","content":"hi"}]}"#;
        let request = sent(&settings("k"), Dialect::OpenAi, body);
        let sent: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!((&sent["model"], &sent["messages"][0]["role"]), (&"claude-up".into(), &"user".into()));
        assert!(request.headers().get(ANTHROPIC_BETA).is_none());
    }
}
