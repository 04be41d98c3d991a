//! Cohere, by its API reference, version 2: chat, embeddings and documents ranked.

use std::sync::Arc;

use http::{Request, Uri};
use llmux_core::{
    Call, Component, Dialect, Error, ErrorKind, Exchange, FailedReply, Operation, Outgoing, Provider,
    ProviderSettings, Relay, Result,
};
use llmux_wire::{chat::Fit, cohere, rerank::RerankForm};

use crate::{estimate, known, rerank, shape, speak, target::Target};

/// The name in `cohere/model`.
pub(crate) const NAME: &str = "cohere";
/// Another name of LiteLLM's for the same.
pub(crate) const ALIAS: &str = "cohere_chat";
/// Environment variables that may hold the key.
pub(crate) const KEY_ENV: &[&str] = &["COHERE_API_KEY", "CO_API_KEY"];
/// Environment variables that may hold another base URL.
pub(crate) const BASE_ENV: &[&str] = &["COHERE_API_BASE", "CO_API_URL"];

const BASE_URL: &str = "https://api.cohere.com";

/// Cohere, bound to a deployment's settings.
pub(crate) struct Cohere {
    settings: ProviderSettings,
    target: Target,
    chat: Uri,
    embed: Uri,
    rerank: Uri,
}

impl Component for Cohere {
    type Output = dyn Provider;
    type Config = ProviderSettings;
    const KIND: &'static str = NAME;

    fn build(settings: &ProviderSettings) -> Result<Arc<dyn Provider>> {
        let base = settings.base_url.clone().or_else(|| settings.environment.first(BASE_ENV));
        let mut target = Target::new(root(base.as_deref().unwrap_or(BASE_URL)), settings);
        let key = settings.api_key.clone().or_else(|| settings.environment.first(KEY_ENV).map(Into::into));
        if let Some(key) = key {
            target.bearer(&key)?;
        }
        Ok(Arc::new(Self {
            settings: settings.clone(),
            chat: target.uri("/v2/chat")?,
            embed: target.uri("/v2/embed")?,
            rerank: target.uri("/v2/rerank")?,
            target,
        }))
    }
}

/// The address below which everything is: bases are given with a version, or with a whole path, too.
fn root(base: &str) -> &str {
    let base = base.trim_end_matches('/');
    let ends = ["/chat", "/embed", "/rerank"];
    let base = ends.iter().find_map(|end| base.strip_suffix(end)).unwrap_or(base);
    ["/v1", "/v2"].iter().find_map(|end| base.strip_suffix(end)).unwrap_or(base)
}

impl Cohere {
    fn fit(&self, call: &Call<'_>) -> Fit<'_> {
        Fit::new("Cohere", &self.settings.shaping).dropping(call.drop_params)
    }

    /// The client speaks this dialect already.
    fn pass(&self, call: &Call<'_>, uri: &Uri) -> Exchange {
        let request = self.target.post(uri, shape::passed(call, &self.settings.shaping));
        let reply = speak::passthrough(Dialect::Cohere, false);
        Exchange::new(Outgoing::Send(request), reply, call.stream)
    }

    /// The client speaks another dialect: the deployment's defaults are in its words too.
    fn translate(&self, call: &Call<'_>) -> Result<Exchange> {
        let shaping = &self.settings.shaping;
        let request = speak::read(call, &shape::prepared(call, true, shaping))?;
        let mut fit = self.fit(call);
        let body = shape::forced(cohere::write_request(&request, call.model, &mut fit)?, shaping)?;
        let reader = cohere::StreamReader::new();
        let reply = speak::translated(call, request.stream_usage, cohere::read_answer, reader);
        let outgoing = Outgoing::Send(self.target.post(&self.chat, body));
        Ok(Exchange::new(outgoing, reply, call.stream).with_dropped(fit.into_dropped()))
    }

    fn embeddings(&self, call: &Call<'_>) -> Result<Exchange> {
        let shaping = &self.settings.shaping;
        let request = speak::read_embeddings(call.dialect, &shape::prepared(call, true, shaping))?;
        let body = shape::forced(cohere::write_embeddings_request(&request, call.model)?, shaping)?;
        let reply = speak::embedded(call, request, cohere::read_embeddings);
        Ok(Exchange::new(Outgoing::Send(self.target.post(&self.embed, body)), reply, false))
    }
}

impl Provider for Cohere {
    fn name(&self) -> &str {
        NAME
    }

    fn base_url(&self) -> &str {
        self.target.base()
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        match (call.operation, call.dialect) {
            (Operation::Chat, Dialect::Cohere) => Ok(self.pass(call, &self.chat)),
            (Operation::Embeddings, Dialect::Cohere) => Ok(self.pass(call, &self.embed)),
            (Operation::Chat | Operation::Completion, _) => self.translate(call),
            (Operation::Embeddings, _) => self.embeddings(call),
            (Operation::Rerank, _) => {
                rerank::exchange(call, &self.settings, &self.target, &self.rerank, RerankForm::Cohere)
            }
            (Operation::CountTokens, _) => estimate::answer(call, self.settings.tokens.as_deref()),
            (operation, _) => Err(Error::client(
                ErrorKind::InvalidRequest,
                format!("Cohere has no {operation}; choose a model of another provider"),
            )
            .with_param("model")),
        }
    }

    fn classify(&self, failed: &FailedReply<'_>) -> Error {
        cohere::read_error(failed.status, failed.headers, failed.body, "Cohere")
    }

    fn relay(&self, head: Request<()>) -> Result<Relay> {
        let known = known::cohere(&head);
        Ok(Relay::new(self.target.relay(head)?).with_known(known))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, Request};
    use llmux_wire::json::envelope;
    use serde_json::{Value, json};

    use super::*;

    fn sent(base: Option<&str>, operation: Operation, dialect: Dialect, body: &Value) -> Request<Bytes> {
        let mut settings = ProviderSettings::default();
        settings.api_key = Some("k".into());
        settings.base_url = base.map(str::to_owned);
        let provider = Cohere::build(&settings).unwrap();
        let body = Bytes::from(body.to_string());
        let (fields, headers) = (envelope::read(&body).unwrap(), HeaderMap::new());
        let call = Call::new(operation, dialect, "command-a-03-2025", &body, &fields, &headers);
        match provider.prepare(&call).unwrap().outgoing {
            Outgoing::Send(request) => request,
            Outgoing::Answered(_) => panic!("must be sent"),
        }
    }

    #[test]
    fn the_clients_bytes_pass_with_the_providers_name_of_the_model() {
        let body = json!({"model": "alias", "messages": [], "new_field": {"x": 1.0}});
        let request = sent(None, Operation::Chat, Dialect::Cohere, &body);
        assert_eq!(request.uri(), "https://api.cohere.com/v2/chat");
        assert_eq!(request.headers()["authorization"], "Bearer k");
        let expected = br#"{"model":"command-a-03-2025","messages":[],"new_field":{"x":1.0}}"#;
        assert_eq!(&request.body()[..], expected);
    }

    #[test]
    fn a_base_url_may_name_version_and_path() {
        let body = json!({"model": "m", "input": "x"});
        for base in ["https://a.b", "https://a.b/v1", "https://a.b/v2/", "https://a.b/v2/chat"] {
            let request = sent(Some(base), Operation::Embeddings, Dialect::OpenAi, &body);
            assert_eq!(request.uri(), "https://a.b/v2/embed", "{base}");
        }
    }
}
