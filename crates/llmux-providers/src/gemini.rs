//! Google's Gemini API (Google AI Studio), by its API reference.

mod images;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, Request, Uri};
use llmux_core::{
    Call, Component, Dialect, Error, ErrorKind, Exchange, FailedReply, Operation, Outgoing, Provider,
    ProviderSettings, Relay, Result, Usage,
};
use llmux_wire::{
    chat::{Fit, ToolNames},
    convert::Converted,
    gemini,
    inline::may_name_media,
    json::edit::Edits,
};

use crate::{
    known, shape, speak,
    target::{Target, setting},
};

/// The name in `gemini/model`.
pub(crate) const NAME: &str = "gemini";
/// Environment variables that may hold the key.
pub(crate) const KEY_ENV: &[&str] = &["GEMINI_API_KEY", "GOOGLE_API_KEY"];
/// Environment variables that may hold another base URL.
pub(crate) const BASE_ENV: &[&str] = &["GEMINI_API_BASE", "GOOGLE_GEMINI_BASE_URL"];

const BASE_URL: &str = "https://generativelanguage.googleapis.com";
/// The version that has everything.
const VERSION: &str = "v1beta";

const X_GOOG_API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

/// Gemini, bound to a deployment's settings.
pub(crate) struct Gemini {
    settings: ProviderSettings,
    target: Target,
    /// What the path of every model begins with.
    models: String,
    /// Whether a request to count tokens is wrapped; on Vertex AI it is not.
    wraps_counts: bool,
}

impl Component for Gemini {
    type Output = dyn Provider;
    type Config = ProviderSettings;
    const KIND: &'static str = NAME;

    fn build(settings: &ProviderSettings) -> Result<Arc<dyn Provider>> {
        let base = settings.base_url.clone().or_else(|| settings.environment.first(BASE_ENV));
        let mut target = Target::new(base.as_deref().unwrap_or(BASE_URL), settings);
        let key = settings.api_key.clone().or_else(|| settings.environment.first(KEY_ENV).map(Into::into));
        if let Some(key) = key {
            target.key(X_GOOG_API_KEY, "", &key)?;
        }
        let base = target.base();
        let versioned = ["/v1", "/v1beta", "/v1alpha"].iter().any(|version| base.ends_with(version));
        let version = settings.api_version.as_deref().unwrap_or(VERSION);
        let root = if versioned { base.to_owned() } else { format!("{base}/{version}") };
        let models = format!("{root}/models/");
        let _: Uri = models.parse().map_err(|_| setting("api_base", "is not a valid URL"))?;
        if !models.starts_with("http://") && !models.starts_with("https://") {
            return Err(setting("api_base", "must begin with http:// or https://"));
        }
        Ok(Arc::new(Self { settings: settings.clone(), target, models, wraps_counts: true }))
    }
}

impl Gemini {
    /// The same engine on Vertex AI: `models` is what the path of every model begins with.
    pub(crate) fn on_vertex(settings: &ProviderSettings, target: Target, models: String) -> Self {
        Self { settings: settings.clone(), target, models, wraps_counts: false }
    }

    /// A request of this deployment's to any address.
    pub(crate) fn post(&self, uri: &Uri, body: Bytes) -> Request<Bytes> {
        self.target.post(uri, body)
    }

    /// Where a model is asked for something.
    fn uri(&self, model: &str, method: &str) -> Result<Uri> {
        format!("{}{model}:{method}", self.models).parse().map_err(|_| {
            Error::client(ErrorKind::InvalidRequest, "the model's name cannot stand in a URL")
                .with_param("model")
        })
    }

    fn request(&self, call: &Call<'_>, body: Bytes) -> Result<Request<Bytes>> {
        let method = match call.operation {
            Operation::CountTokens => "countTokens",
            Operation::Embeddings if asks_for_one(call) => "embedContent",
            Operation::Embeddings => "batchEmbedContents",
            _ if call.stream => "streamGenerateContent?alt=sse",
            _ => "generateContent",
        };
        Ok(self.target.post(&self.uri(model(call), method)?, body))
    }

    fn fit(&self, call: &Call<'_>) -> Fit<'_> {
        Fit::new("Gemini", &self.settings.shaping).dropping(call.drop_params)
    }

    /// The client speaks this dialect already. Model and stream, which stand in the path, are no fields here.
    fn pass(&self, call: &Call<'_>) -> Result<Exchange> {
        let mut edits = Edits::new();
        let (body, envelope, shaping) = (call.body, call.envelope, &self.settings.shaping);
        shape::strip(body, envelope, true, &mut edits);
        if call.operation == Operation::Chat {
            shape::apply(body, envelope, shaping, &mut edits);
            shape::force(shaping, &mut edits);
        }
        for name in ["model", "stream"] {
            if envelope.find(body, name).is_some() {
                edits.remove(name);
            }
        }
        let request = self.request(call, edits.apply(body, envelope))?;
        let reply = speak::passthrough(Dialect::Gemini, false);
        Ok(Exchange::new(Outgoing::Send(request), reply, call.stream))
    }

    /// The client speaks another dialect: the deployment's defaults are in its words too.
    fn translate(&self, call: &Call<'_>) -> Result<Exchange> {
        let shaping = &self.settings.shaping;
        let prepared = shape::prepared(call, true, shaping);
        let mut request = speak::read(call, &prepared)?;
        let names = ToolNames::fit(&mut request, speak::MOST_OF_A_NAME);
        let mut fit = self.fit(call);
        let body = shape::forced(gemini::write_request(&request, model(call), &mut fit)?, shaping)?;
        let outgoing = Outgoing::Send(self.request(call, body)?);
        let reader = names.watching(gemini::StreamReader::new());
        let read = names.reading(gemini::read_answer);
        let reply = speak::translated(call, request.stream_usage, read, reader);
        Ok(Exchange::new(outgoing, reply, call.stream).with_dropped(fit.into_dropped()))
    }

    fn count(&self, call: &Call<'_>) -> Result<Exchange> {
        let request = speak::read_count(call)?;
        let mut fit = self.fit(call);
        let body = if self.wraps_counts {
            gemini::write_count_request(&request, model(call), &mut fit)?
        } else {
            gemini::write_plain_count_request(&request, model(call), &mut fit)?
        };
        let dialect = call.dialect;
        let reply = Converted::new(move |body| {
            let tokens = gemini::read_count(body)?;
            let mut usage = Usage::default();
            usage.input = tokens;
            Ok((speak::write_count(dialect, tokens), Some(usage)))
        });
        let outgoing = Outgoing::Send(self.request(call, body)?);
        Ok(Exchange::new(outgoing, Box::new(reply), false).with_dropped(fit.into_dropped()))
    }

    /// A client of this dialect asks for embeddings: but for the model, its request passes.
    fn pass_embeddings(&self, call: &Call<'_>) -> Result<Exchange> {
        let mut edits = Edits::new();
        shape::strip(call.body, call.envelope, true, &mut edits);
        let body = gemini::rename_embeddings(&edits.apply(call.body, call.envelope), model(call))?;
        let reply = Converted::passing(None);
        Ok(Exchange::new(Outgoing::Send(self.request(call, body)?), Box::new(reply), false))
    }

    /// The API reports no usage for embeddings.
    fn embed(&self, call: &Call<'_>) -> Result<Exchange> {
        let request = speak::read_embeddings(call.dialect, call.body)?;
        let body = gemini::write_embeddings_request(&request, model(call));
        let reply = speak::embedded(call, request, |body| Ok((gemini::read_embeddings(body)?, None)));
        Ok(Exchange::new(Outgoing::Send(self.request(call, body)?), reply, false))
    }
}

/// Whether a client asks for one vector by itself.
fn asks_for_one(call: &Call<'_>) -> bool {
    call.dialect == Dialect::Gemini && call.envelope.find(call.body, "requests").is_none()
}

/// The model's own name; some clients write it as a resource.
fn model<'a>(call: &Call<'a>) -> &'a str {
    call.model.strip_prefix("models/").unwrap_or(call.model)
}

impl Provider for Gemini {
    fn name(&self) -> &str {
        NAME
    }

    fn base_url(&self) -> &str {
        self.target.base()
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        match (call.operation, call.dialect) {
            (Operation::Chat | Operation::CountTokens, Dialect::Gemini) => self.pass(call),
            (Operation::Chat | Operation::Completion, _) => self.translate(call),
            (Operation::CountTokens, _) => self.count(call),
            (Operation::Embeddings, Dialect::Gemini) => self.pass_embeddings(call),
            (Operation::Embeddings, _) => self.embed(call),
            (Operation::ImageGeneration, _) => self.draw(call),
            (operation, _) => Err(Error::client(
                ErrorKind::InvalidRequest,
                format!("Gemini has no {operation}; choose a model of another provider"),
            )
            .with_param("model")),
        }
    }

    fn wants_media(&self, call: &Call<'_>) -> bool {
        call.dialect != Dialect::Gemini && may_name_media(call.body)
    }

    fn classify(&self, failed: &FailedReply<'_>) -> Error {
        gemini::read_error(failed.status, failed.headers, failed.body, NAME)
    }

    fn relay(&self, head: Request<()>) -> Result<Relay> {
        let (known, model, piecemeal) =
            (known::gemini(&head), known::model(&head), known::is_piecemeal(&head));
        let relay = Relay::new(self.target.relay(head)?).with_known(known);
        Ok(relay.with_model(model).with_piecemeal(piecemeal))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use llmux_wire::json::envelope;
    use serde_json::{Value, json};

    use super::*;

    fn prepare(operation: Operation, dialect: Dialect, stream: bool, body: &'static str) -> Exchange {
        let mut settings = ProviderSettings::default();
        settings.api_key = Some("k".into());
        let provider = Gemini::build(&settings).unwrap();
        let body = Bytes::from_static(body.as_bytes());
        let fields = envelope::read(&body).unwrap();
        let headers = HeaderMap::new();
        let call =
            Call::new(operation, dialect, "gemini-2.5-flash", &body, &fields, &headers).with_stream(stream);
        provider.prepare(&call).unwrap()
    }

    fn sent(exchange: Exchange) -> Request<Bytes> {
        match exchange.outgoing {
            Outgoing::Send(request) => request,
            Outgoing::Answered(_) => panic!("must be sent"),
        }
    }

    #[test]
    fn the_clients_bytes_pass_without_what_stands_in_the_path() {
        let body = r#"{"contents":[], "newField": {"x":1.0},"model":"alias"}"#;
        let request = sent(prepare(Operation::Chat, Dialect::Gemini, true, body));
        assert_eq!(request.body(), r#"{"contents":[], "newField": {"x":1.0}}"#);
        let models = "https://generativelanguage.googleapis.com/v1beta/models";
        assert_eq!(
            request.uri(),
            format!("{models}/gemini-2.5-flash:streamGenerateContent?alt=sse").as_str()
        );
        assert_eq!(request.headers()["x-goog-api-key"], "k");
    }

    #[test]
    fn a_base_url_may_name_the_version() {
        for base in ["https://a.b", "https://a.b/", "https://a.b/v1beta"] {
            let mut settings = ProviderSettings::default();
            settings.base_url = Some(base.into());
            let provider = Gemini::build(&settings).unwrap();
            let body = Bytes::from_static(br#"{"contents":[]}"#);
            let (fields, headers) = (envelope::read(&body).unwrap(), HeaderMap::new());
            let call = Call::new(Operation::CountTokens, Dialect::Gemini, "m", &body, &fields, &headers);
            let request = sent(provider.prepare(&call).unwrap());
            assert_eq!(request.uri(), "https://a.b/v1beta/models/m:countTokens", "{base}");
        }
        let mut settings = ProviderSettings::default();
        settings.base_url = Some("a.b".into());
        assert_eq!(Gemini::build(&settings).err().unwrap().param(), Some("api_base"));
    }

    #[test]
    fn chats_of_the_other_dialects_are_written_anew() {
        let openai = r#"{"model":"c","messages":[{"role":"user","content":"hi"}]}"#;
        let anthropic = r#"{"model":"c","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
        let responses = r#"{"model":"c","input":"hi"}"#;
        let clients = [
            (Dialect::OpenAi, openai),
            (Dialect::Anthropic, anthropic),
            (Dialect::OpenAiResponses, responses),
        ];
        for (dialect, body) in clients {
            let request = sent(prepare(Operation::Chat, dialect, false, body));
            let sent: Value = serde_json::from_slice(request.body()).unwrap();
            assert_eq!(sent["contents"], json!([{"parts": [{"text": "hi"}], "role": "user"}]), "{dialect}");
            assert!(sent.get("model").is_none() && request.uri().path().ends_with(":generateContent"));
        }
    }

    #[test]
    fn googles_own_embeddings_pass_to_the_method_that_they_were_sent_to() {
        let one = r#"{"content":{"parts":[{"text":"hi"}]},"taskType":"CLUSTERING"}"#;
        let request = sent(prepare(Operation::Embeddings, Dialect::Gemini, false, one));
        assert!(request.uri().path().ends_with("/gemini-2.5-flash:embedContent") && request.body() == one);
        let batch = r#"{"requests":[{"model":"models/c","content":{"parts":[{"text":"hi"}]}}]}"#;
        let request = sent(prepare(Operation::Embeddings, Dialect::Gemini, false, batch));
        assert!(request.uri().path().ends_with(":batchEmbedContents"));
        assert_eq!(request.body(), &batch.replace("models/c", "models/gemini-2.5-flash"));
    }

    #[test]
    fn an_anthropic_client_counts_and_an_openai_client_embeds() {
        let body = r#"{"model":"c","messages":[{"role":"user","content":"hi"}]}"#;
        let mut exchange = prepare(Operation::CountTokens, Dialect::Anthropic, false, body);
        let answer = exchange.reply.whole(Bytes::from_static(br#"{"totalTokens":3}"#)).unwrap();
        assert_eq!(answer, r#"{"input_tokens":3}"#);

        let body = r#"{"model":"c","input":"hi"}"#;
        let mut exchange = prepare(Operation::Embeddings, Dialect::OpenAi, false, body);
        let answer =
            exchange.reply.whole(Bytes::from_static(br#"{"embeddings":[{"values":[1.0]}]}"#)).unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["data"][0]["embedding"], json!([1.0]));
    }
}
