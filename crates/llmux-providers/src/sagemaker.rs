//! Amazon SageMaker: endpoints of one's own, signed for. `sagemaker_chat` speaks OpenAI's messages, which containers for
//! language models understand; `sagemaker` gives a prompt, as older ones want it, and asks for embeddings.
//!
//! Source: "InvokeEndpoint" and "InvokeEndpointWithResponseStream" of SageMaker's runtime API; the forms of Hugging Face's
//! containers.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Uri, header::ACCEPT};
use llmux_core::{
    Call, Component, Credentials, Environment, Error, ErrorKind, Exchange, FailedReply, Operation, Outgoing,
    Provider, ProviderSettings, Result, Usage,
};
use llmux_credentials::{Clock, aws, sigv4::Scope};
use llmux_wire::{
    bedrock::{self, Unwrapped},
    chat::{ChatAnswer, Choice, FinishReason, Fit, Part},
    openai,
};
use serde_json::{Map, Value};

use crate::{
    compatible::{
        Compatible,
        table::{Host, Paths, Quirks},
    },
    estimate, hearing,
    replicate::prompt,
    shape, speak,
    target::{Target, segment, setting},
};

/// The name in `sagemaker/endpoint`.
pub(crate) const NAME: &str = "sagemaker";
/// The same for containers that speak OpenAI's messages.
pub(crate) const CHAT: &str = "sagemaker_chat";
const TITLE: &str = "SageMaker";
/// LiteLLM's default.
const REGION: &str = "us-west-2";

/// What containers for language models understand.
static HOST: Host =
    Host { name: CHAT, title: TITLE, paths: Paths::CHAT, quirks: Quirks::DEFAULT, ..Host::DEFAULT };

/// SageMaker, bound to a deployment's settings.
pub(crate) struct SageMaker {
    name: &'static str,
    settings: ProviderSettings,
    engine: Compatible,
    target: Target,
    credentials: Arc<dyn Credentials>,
}

impl Component for SageMaker {
    type Output = dyn Provider;
    type Config = ProviderSettings;
    const KIND: &'static str = NAME;

    fn build(settings: &ProviderSettings) -> Result<Arc<dyn Provider>> {
        Self::named(NAME, settings)
    }
}

impl SageMaker {
    /// For containers that speak OpenAI's messages.
    pub(crate) fn chatting(settings: &ProviderSettings) -> Result<Arc<dyn Provider>> {
        Self::named(CHAT, settings)
    }

    fn named(name: &'static str, settings: &ProviderSettings) -> Result<Arc<dyn Provider>> {
        let region = aws::region(settings).unwrap_or_else(|| REGION.to_owned());
        let base = settings
            .base_url
            .clone()
            .or_else(|| settings.options.text("sagemaker_base_url").map(str::to_owned));
        let base = base.unwrap_or_else(|| format!("https://runtime.sagemaker.{region}.amazonaws.com"));
        let target = Target::new(&base, settings);
        let _: Uri = target.uri("/endpoints")?;
        let mut bound = settings.clone();
        bound.base_url = Some(base);
        (bound.api_key, bound.environment) = (None, Environment::default());
        Ok(Arc::new(Self {
            name,
            settings: settings.clone(),
            engine: Compatible::build(&HOST, &bound)?,
            target,
            credentials: aws::credentials(settings, Scope::new(NAME, &region), &Clock::system())?,
        }))
    }

    fn request(&self, call: &Call<'_>, body: Bytes) -> Result<Request<Bytes>> {
        let method = if call.stream { "invocations-response-stream" } else { "invocations" };
        let uri = self.target.uri(&format!("/endpoints/{}/{method}", segment(call.model)))?;
        let mut request = self.target.post(&uri, body);
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        Ok(request)
    }

    /// The container's own stream comes in parts of Amazon's.
    fn converse(&self, call: &Call<'_>) -> Result<Exchange> {
        let mut exchange = self.engine.prepare(call)?;
        if let Outgoing::Send(request) = &mut exchange.outgoing {
            *request = self.request(call, request.body().clone())?;
        }
        if call.stream {
            exchange.reply = Box::new(Unwrapped::parts(exchange.reply));
        }
        Ok(exchange)
    }

    /// A prompt, for containers that only go on with a text.
    fn complete(&self, call: &Call<'_>) -> Result<Exchange> {
        let shaping = &self.settings.shaping;
        if call.stream {
            let message = "endpoints of `sagemaker/` do not stream; name the model `sagemaker_chat/…` if its container can";
            return Err(Error::unsupported("stream", message));
        }
        let request = speak::read(call, &shape::prepared(call, true, shaping))?;
        let mut fit = Fit::new(TITLE, shaping).dropping(call.drop_params);
        let mut parameters = prompt::input(&request, call.model, &mut fit)?;
        let mut take =
            |name: &str| parameters.remove(name).and_then(|value| Some(value.as_str()?.to_owned()));
        let (asked, system) = (take("prompt").unwrap_or_default(), take("system_prompt"));
        let inputs = system.map_or_else(|| asked.clone(), |system| format!("{system}\n\n{asked}"));
        for (name, own) in [("max_tokens", "max_new_tokens"), ("stop_sequences", "stop")] {
            if let Some(value) = parameters.remove(name) {
                parameters.insert(own.to_owned(), value);
            }
        }
        if !request.sampling.stop.is_empty() {
            parameters.insert("stop".to_owned(), request.sampling.stop.clone().into());
        }
        parameters.insert("return_full_text".to_owned(), false.into());
        let mut body = Map::new();
        body.insert("inputs".to_owned(), inputs.into());
        body.insert("parameters".to_owned(), parameters.into());
        body.extend(self.settings.shaping.extra_body.clone());
        let outgoing = Outgoing::Send(self.request(call, Value::Object(body).to_string().into())?);
        let (id, model) = (speak::answer_id(call), call.model.to_owned());
        let read = move |body: &[u8]| read_text(body, &id, &model);
        let reply = speak::translated(call, false, read, openai::StreamReader::new());
        Ok(Exchange::new(outgoing, reply, false).with_dropped(fit.into_dropped()))
    }

    fn embed(&self, call: &Call<'_>) -> Result<Exchange> {
        let request =
            speak::read_embeddings(call.dialect, &shape::prepared(call, true, &self.settings.shaping))?;
        let mut body = Map::from_iter([("inputs".to_owned(), request.inputs.clone().into())]);
        body.extend(self.settings.shaping.extra_body.clone());
        let outgoing = Outgoing::Send(self.request(call, Value::Object(body).to_string().into())?);
        Ok(Exchange::new(outgoing, speak::embedded(call, request, read_vectors), false))
    }
}

/// What a container has gone on with: `[{"generated_text"}]`, or the object alone.
fn read_text(body: &[u8], id: &str, model: &str) -> Result<ChatAnswer> {
    let answer: Value = hearing::json(body)?;
    let text = answer.pointer("/0/generated_text").or_else(|| answer.get("generated_text"));
    let text = text.and_then(Value::as_str).ok_or_else(|| {
        Error::upstream(ErrorKind::BadReply, "the container's answer holds no `generated_text`")
    })?;
    let choice = Choice { parts: vec![Part::text(text)], finish: Some(FinishReason::Stop), logprobs: None };
    Ok(ChatAnswer {
        id: id.to_owned(),
        model: model.to_owned(),
        choices: vec![choice],
        ..ChatAnswer::default()
    })
}

/// Vectors, bare or under a name.
fn read_vectors(body: &[u8]) -> Result<speak::Vectors> {
    let mut answer: Value = hearing::json(body)?;
    let named = ["embedding", "embeddings"].iter().find_map(|name| answer.get_mut(*name).map(Value::take));
    let vectors = serde_json::from_value(named.unwrap_or(answer));
    let vectors = vectors.map_err(|error| {
        Error::upstream(ErrorKind::BadReply, format!("the container's answer holds no embeddings: {error}"))
    })?;
    Ok((vectors, None::<Usage>))
}

impl Provider for SageMaker {
    fn name(&self) -> &str {
        self.name
    }

    fn base_url(&self) -> &str {
        self.target.base()
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        match call.operation {
            Operation::Chat | Operation::Completion if self.name == CHAT => self.converse(call),
            Operation::Chat | Operation::Completion => self.complete(call),
            Operation::Embeddings => self.embed(call),
            Operation::CountTokens => estimate::answer(call, self.settings.tokens.as_deref()),
            operation => Err(setting("model", &format!("of SageMaker has no {operation}"))),
        }
    }

    /// What the container itself has refused stands inside the service's error.
    fn classify(&self, failed: &FailedReply<'_>) -> Error {
        let error = bedrock::read_error(failed.status, failed.headers, failed.body, TITLE);
        let inner = serde_json::from_slice::<Value>(failed.body).unwrap_or_default();
        let status = inner.get("OriginalStatusCode").and_then(Value::as_u64);
        let status = status.and_then(|status| http::StatusCode::from_u16(u16::try_from(status).ok()?).ok());
        match status {
            Some(status) => error.with_kind(ErrorKind::from_status(status)).with_status(status),
            None => error,
        }
    }

    fn credentials(&self, _: &str) -> Option<&Arc<dyn Credentials>> {
        Some(&self.credentials)
    }
}
