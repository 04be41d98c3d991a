//! Replicate: chats and images as predictions, which are waited for, looked at or streamed.
//!
//! Source: "Create a prediction", "Get a prediction" and "Streaming output" of Replicate's HTTP API.

pub(crate) mod prompt;
mod stream;

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Request, Uri,
    header::{ACCEPT, CACHE_CONTROL},
};
use llmux_core::{
    Call, Error, ErrorKind, Exchange, Operation, Outgoing, ProviderSettings, Result, Step, StepAnswer, Steps,
    Usage,
};
use llmux_wire::chat::{ChatAnswer, Choice, FinishReason, Fit, Part};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    account::{Account, Host},
    drawing::{Drawing, Image, Painted, Painter},
    estimate,
    hearing::{self, failed, pause},
    shape, speak,
    target::Target,
};

pub(crate) static ACCOUNT: Account = Account {
    name: "replicate",
    title: "Replicate",
    base_url: "https://api.replicate.com/v1",
    key_env: &["REPLICATE_API_KEY", "REPLICATE_API_TOKEN"],
    base_env: &["REPLICATE_API_BASE"],
    auth: ("authorization", "Bearer"),
};

/// Predictions are looked at and streamed below this domain.
const OWN: &[&str] = &["replicate.com"];
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// Replicate, bound to a deployment's settings.
pub(crate) struct Replicate {
    settings: ProviderSettings,
    target: Target,
}

impl Host for Replicate {
    const ACCOUNT: &'static Account = &ACCOUNT;

    fn build(settings: &ProviderSettings) -> Result<Self> {
        let target = ACCOUNT.target(settings)?;
        let _: Uri = target.uri("/predictions")?;
        Ok(Self { settings: settings.clone(), target })
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        match call.operation {
            Operation::Chat | Operation::Completion => self.chat(call),
            Operation::CountTokens => estimate::answer(call, self.settings.tokens.as_deref()),
            Operation::ImageGeneration => self.draw(call),
            _ => Err(ACCOUNT.lacks(call)),
        }
    }
}

impl Replicate {
    /// A prediction: of an official model, of a version (`owner/name:version`, or the version alone), or of a deployment.
    fn request(&self, model: &str, input: Map<String, Value>, stream: bool) -> Result<Request<Bytes>> {
        let version = model.rsplit_once(':').map(|(_, version)| version);
        let version = version.or_else(|| (!model.contains('/')).then_some(model));
        let path = match version {
            Some(_) => "/predictions".to_owned(),
            None if model.starts_with("deployments/") => format!("/{model}/predictions"),
            None => format!("/models/{model}/predictions"),
        };
        let uri = self.target.uri(&path).map_err(|_| {
            Error::client(ErrorKind::InvalidRequest, "the model's name cannot stand in a URL")
                .with_param("model")
        })?;
        let mut body = Map::new();
        body.extend(version.map(|version| ("version".to_owned(), version.into())));
        if stream {
            body.insert("stream".into(), true.into());
        }
        body.insert("input".into(), input.into());
        let mut request = self.target.post(&uri, Value::Object(body).to_string().into());
        if !stream {
            // As long as it does by itself: a minute.
            request.headers_mut().insert(PREFER, HeaderValue::from_static("wait"));
        }
        Ok(request)
    }

    fn chat(&self, call: &Call<'_>) -> Result<Exchange> {
        let shaping = &self.settings.shaping;
        let prepared = shape::prepared(call, true, shaping);
        let request = speak::read(call, &prepared)?;
        let mut fit = Fit::new(ACCOUNT.title, shaping).dropping(call.drop_params);
        let mut input = prompt::input(&request, call.model, &mut fit)?;
        input.extend(shaping.extra_body.clone());
        let outgoing = Outgoing::Send(self.request(call.model, input, call.stream)?);
        let model = call.model.to_owned();
        let reader = stream::Reader::new(speak::answer_id(call), model.clone());
        let read = move |body: &[u8]| read(body, &model);
        let reply = speak::translated(call, request.stream_usage, read, reader);
        let prediction = Prediction { target: self.target.clone(), stream: call.stream, looked: 0 };
        let exchange = Exchange::new(outgoing, reply, call.stream).with_steps(Box::new(prediction));
        Ok(exchange.with_dropped(fit.into_dropped()))
    }

    fn draw(&self, call: &Call<'_>) -> Result<Exchange> {
        let mut drawing = Drawing::of(call, &self.settings, ACCOUNT.title)?.with_prompt()?;
        let mut input = Map::new();
        input.insert("prompt".into(), drawing.prompt.as_str().into());
        if drawing.count > 1 {
            input.insert("num_outputs".into(), drawing.count.into());
        }
        input.extend(drawing.aspect().map(|aspect| ("aspect_ratio".to_owned(), aspect.into())));
        input.extend(drawing.format.take().map(|format| ("output_format".to_owned(), format.into())));
        input.extend(std::mem::take(&mut drawing.own));
        let outgoing = Outgoing::Send(self.request(call.model, input, false)?);
        let prediction = Prediction { target: self.target.clone(), stream: false, looked: 0 };
        Ok(drawing.exchange(call, outgoing, &self.target, prediction))
    }
}

/// A prediction that is waited for.
struct Prediction {
    target: Target,
    stream: bool,
    looked: u32,
}

#[derive(Deserialize)]
struct State {
    id: String,
    status: String,
    #[serde(default)]
    output: Value,
    #[serde(default)]
    error: Value,
    #[serde(default)]
    urls: Urls,
    #[serde(default)]
    metrics: Metrics,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Urls {
    get: Option<String>,
    stream: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metrics {
    input_token_count: Option<u64>,
    output_token_count: Option<u64>,
}

impl Prediction {
    /// What comes next, unless the prediction is done.
    fn step(&mut self, state: &State) -> Result<Option<Step>> {
        match state.status.as_str() {
            "failed" | "canceled" | "aborted" => {
                let words = state.error.as_str().unwrap_or(&state.status);
                let error = failed(ACCOUNT.title, Some(words));
                let filtered = ["NSFW", "flagged as sensitive"].iter().any(|word| words.contains(word));
                return Err(if filtered { error.with_kind(ErrorKind::ContentPolicy) } else { error });
            }
            _ if self.stream => {
                let url = state.urls.stream.as_deref().ok_or_else(|| {
                    Error::client(
                        ErrorKind::UnsupportedParameter,
                        "this model of Replicate's does not stream",
                    )
                    .with_param("stream")
                })?;
                let mut request = self.target.follow(url, OWN)?;
                request.headers_mut().insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
                request.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                return Ok(Some(Step::Last(request)));
            }
            "succeeded" => return Ok(None),
            _ => {}
        }
        let own = || format!("{}/predictions/{}", self.target.base(), crate::target::segment(&state.id));
        let url = state.urls.get.clone().unwrap_or_else(own);
        let after = pause(self.looked);
        self.looked = self.looked.saturating_add(1);
        Ok(Some(Step::ask_after(after, self.target.follow(&url, OWN)?)))
    }
}

impl Steps for Prediction {
    fn next(&mut self, answer: &StepAnswer<'_>) -> Result<Step> {
        let step = self.step(&hearing::json(answer.body)?)?;
        Ok(step.unwrap_or_else(|| Step::Done(answer.body.clone())))
    }
}

impl Painter for Prediction {
    fn look(&mut self, answer: &StepAnswer<'_>) -> Result<Painted> {
        let state: State = hearing::json(answer.body)?;
        Ok(match self.step(&state)? {
            Some(step) => step.into(),
            None => Painted::Images(texts(&state.output).map(Image::at).collect()),
        })
    }
}

/// The texts of an output: one, or a list.
fn texts(output: &Value) -> impl Iterator<Item = &str> {
    let list = output.as_array().into_iter().flatten().filter_map(Value::as_str);
    output.as_str().into_iter().chain(list)
}

/// Reads a prediction that is done.
fn read(body: &[u8], model: &str) -> Result<ChatAnswer> {
    let state: State = hearing::json(body)?;
    let text: String = texts(&state.output).collect();
    let usage =
        state.metrics.input_token_count.zip(state.metrics.output_token_count).map(|(input, output)| {
            let mut usage = Usage::default();
            (usage.input, usage.output) = (input, output);
            usage
        });
    let choice = Choice { parts: vec![Part::text(text)], finish: Some(FinishReason::Stop), logprobs: None };
    Ok(ChatAnswer {
        id: state.id,
        model: model.to_owned(),
        choices: vec![choice],
        usage,
        ..ChatAnswer::default()
    })
}
