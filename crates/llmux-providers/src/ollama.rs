//! Ollama, by its API reference: its own API, or its OpenAI route where the address says `/v1`.

use std::sync::Arc;

use http::Uri;
use llmux_core::{
    Call, Component, Dialect, Error, ErrorKind, Exchange, FailedReply, Operation, Outgoing, Provider,
    ProviderSettings, Result,
};
use llmux_wire::{chat::Fit, inline::may_name_media, ollama};

use crate::{compatible, estimate, shape, speak, target::Target};

/// The name in `ollama/model`.
pub(crate) const NAME: &str = "ollama";
/// LiteLLM's name for chats by `/api/chat`, which is how all chats go here.
pub(crate) const ALIAS: &str = "ollama_chat";
/// Environment variables that may hold the key: Ollama's cloud wants one, a server of one's own does not.
const KEY_ENV: &[&str] = &["OLLAMA_API_KEY"];
/// Environment variables that may hold another base URL.
const BASE_ENV: &[&str] = &["OLLAMA_API_BASE"];

const BASE_URL: &str = "http://localhost:11434";

/// Ollama, bound to a deployment's settings.
pub(crate) struct Ollama {
    settings: ProviderSettings,
    target: Target,
    chat: Uri,
    generate: Uri,
    embed: Uri,
    embeddings: Uri,
}

impl Component for Ollama {
    type Output = dyn Provider;
    type Config = ProviderSettings;
    const KIND: &'static str = NAME;

    fn build(settings: &ProviderSettings) -> Result<Arc<dyn Provider>> {
        let base = settings.base_url.clone().or_else(|| settings.environment.first(BASE_ENV));
        let base = base.as_deref().unwrap_or(BASE_URL).trim_end_matches('/');
        if base.ends_with("/v1") {
            return compatible::build(compatible::OLLAMA, settings);
        }
        let ends = ["/api/chat", "/api/generate", "/api/embed", "/api"];
        let root = ends.iter().find_map(|end| base.strip_suffix(end)).unwrap_or(base);
        let mut target = Target::new(root, settings);
        let key = settings.api_key.clone().or_else(|| settings.environment.first(KEY_ENV).map(Into::into));
        if let Some(key) = key {
            target.bearer(&key)?;
        }
        Ok(Arc::new(Self {
            settings: settings.clone(),
            chat: target.uri("/api/chat")?,
            generate: target.uri("/api/generate")?,
            embed: target.uri("/api/embed")?,
            embeddings: target.uri("/api/embeddings")?,
            target,
        }))
    }
}

impl Ollama {
    fn fit(&self, call: &Call<'_>) -> Fit<'_> {
        Fit::new("Ollama", &self.settings.shaping).dropping(call.drop_params)
    }

    /// The client speaks this dialect already.
    fn pass(&self, call: &Call<'_>, uri: &Uri) -> Exchange {
        let request = self.target.post(uri, shape::passed(call, &self.settings.shaping));
        let reply = speak::passthrough(Dialect::Ollama, false);
        Exchange::new(Outgoing::Send(request), reply, call.stream)
    }

    /// Embeddings have an older form with an older path.
    fn embeddings_uri(&self, call: &Call<'_>) -> &Uri {
        let has = |name: &str| call.envelope.find(call.body, name).is_some();
        if has("prompt") && !has("input") { &self.embeddings } else { &self.embed }
    }

    /// The client speaks another dialect: the deployment's defaults are in its words too.
    fn translate(&self, call: &Call<'_>) -> Result<Exchange> {
        let shaping = &self.settings.shaping;
        let request = speak::read(call, &shape::prepared(call, true, shaping))?;
        let mut fit = self.fit(call);
        let body = shape::forced(ollama::write_request(&request, call.model, &mut fit)?, shaping)?;
        let reader = ollama::StreamReader::new();
        let reply = speak::translated(call, request.stream_usage, ollama::read_answer, reader);
        let outgoing = Outgoing::Send(self.target.post(&self.chat, body));
        Ok(Exchange::new(outgoing, reply, call.stream).with_dropped(fit.into_dropped()))
    }

    fn embed(&self, call: &Call<'_>) -> Result<Exchange> {
        let shaping = &self.settings.shaping;
        let request = speak::read_embeddings(call.dialect, &shape::prepared(call, true, shaping))?;
        let body = shape::forced(ollama::write_embeddings_request(&request, call.model)?, shaping)?;
        let reply = speak::embedded(call, request, ollama::read_embeddings);
        Ok(Exchange::new(Outgoing::Send(self.target.post(&self.embed, body)), reply, false))
    }
}

impl Provider for Ollama {
    fn name(&self) -> &str {
        NAME
    }

    fn base_url(&self) -> &str {
        self.target.base()
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        match (call.operation, call.dialect) {
            (Operation::Chat, Dialect::Ollama) => Ok(self.pass(call, &self.chat)),
            (Operation::Completion, Dialect::Ollama) => Ok(self.pass(call, &self.generate)),
            (Operation::Embeddings, Dialect::Ollama) => Ok(self.pass(call, self.embeddings_uri(call))),
            (Operation::Chat | Operation::Completion, _) => self.translate(call),
            (Operation::Embeddings, _) => self.embed(call),
            (Operation::CountTokens, _) => estimate::answer(call, self.settings.tokens.as_deref()),
            (operation, _) => Err(Error::client(
                ErrorKind::InvalidRequest,
                format!("Ollama has no {operation}; choose a model of another provider"),
            )
            .with_param("model")),
        }
    }

    fn wants_media(&self, call: &Call<'_>) -> bool {
        call.dialect != Dialect::Ollama && may_name_media(call.body)
    }

    fn classify(&self, failed: &FailedReply<'_>) -> Error {
        ollama::read_error(failed.status, failed.headers, failed.body, "Ollama")
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, Request};
    use llmux_wire::json::envelope;
    use serde_json::{Value, json};

    use super::*;

    fn provider(base: Option<&str>) -> Arc<dyn Provider> {
        let mut settings = ProviderSettings::default();
        settings.base_url = base.map(str::to_owned);
        Ollama::build(&settings).unwrap()
    }

    fn sent(provider: &dyn Provider, operation: Operation, dialect: Dialect, body: &Value) -> Request<Bytes> {
        let body = Bytes::from(body.to_string());
        let (fields, headers) = (envelope::read(&body).unwrap(), HeaderMap::new());
        let call = Call::new(operation, dialect, "llama3", &body, &fields, &headers);
        match provider.prepare(&call).unwrap().outgoing {
            Outgoing::Send(request) => request,
            Outgoing::Answered(_) => panic!("must be sent"),
        }
    }

    #[test]
    fn a_clients_bytes_pass_to_the_path_they_came_for() {
        let provider = provider(None);
        for (operation, path, body) in [
            (Operation::Chat, "/api/chat", json!({"model": "a", "messages": [], "x": {"y": 1.0}})),
            (Operation::Completion, "/api/generate", json!({"model": "a", "prompt": "p"})),
            (Operation::Embeddings, "/api/embed", json!({"model": "a", "input": "p"})),
            (Operation::Embeddings, "/api/embeddings", json!({"model": "a", "prompt": "p"})),
        ] {
            let request = sent(&*provider, operation, Dialect::Ollama, &body);
            assert_eq!(request.uri(), format!("http://localhost:11434{path}").as_str());
            let expected = body.to_string().replace("\"a\"", "\"llama3\"");
            assert_eq!(request.body(), expected.as_bytes());
        }
    }

    #[test]
    fn the_address_tells_which_api_is_asked() {
        let chat = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        for (base, uri) in [
            ("http://a:1", "http://a:1/api/chat"),
            ("http://a:1/api/", "http://a:1/api/chat"),
            ("http://a:1/api/chat", "http://a:1/api/chat"),
            ("http://a:1/v1", "http://a:1/v1/chat/completions"),
        ] {
            let request = sent(&*provider(Some(base)), Operation::Chat, Dialect::OpenAi, &chat);
            assert_eq!(request.uri(), uri, "{base}");
        }
    }
}
