//! Recordings at fal: put into its storage, then written down by a job of its queue.
//!
//! Source: "Queue API" of fal's documentation, its client's storage, and the models `whisper` and `wizper`.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header::CONTENT_TYPE};
use llmux_core::{Call, Exchange, FormEdits, Outgoing, ProviderSettings, Result, Step, StepAnswer, Steps};
use llmux_wire::openai::{Span, Transcript};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{ACCOUNT, Hosts, OWN};
use crate::{
    hearing::{self, Hearing, failed, pause},
    target::Target,
};

/// What is said of a file whose kind is known only when it passes.
const KIND: &str = "application/octet-stream";

/// Makes a call ready.
pub(super) fn listen(
    call: &Call<'_>,
    settings: &ProviderSettings,
    target: &Target,
    hosts: &Hosts,
) -> Result<Exchange> {
    let mut hearing = Hearing::of(call, settings)?;
    let mut job = Map::new();
    job.insert("task".into(), if hearing.translate { "translate" } else { "transcribe" }.into());
    job.extend(hearing.language.clone().map(|language| ("language".to_owned(), language.into())));
    job.extend(hearing.take_prompt().map(|prompt| ("prompt".to_owned(), prompt.into())));
    job.extend(hearing.own_values());
    let body = json!({ "file_name": "recording", "content_type": KIND }).to_string();
    let request = target.post(&hosts.storage, body.into());
    let queue = format!("{}/{}", hosts.queue, call.model).parse();
    let queue = queue.map_err(|_| super::bad_name())?;
    let submit = target.post(&queue, Bytes::new());
    let steps = Job { target: target.clone(), submit, stage: Stage::Storage(job), looked: 0 };
    let exchange = hearing.exchange(call, settings, Outgoing::Send(request), read);
    Ok(exchange.with_steps(Box::new(steps)))
}

struct Job {
    target: Target,
    /// The request that hands the job in, without its body.
    submit: Request<Bytes>,
    stage: Stage,
    looked: u32,
}

/// Whose answer comes next.
enum Stage {
    /// That of the storage, which tells where the file goes.
    Storage(Map<String, Value>),
    /// That to the file.
    File(Map<String, Value>),
    /// That of the queue.
    Queue(Option<State>),
    /// The result.
    Result,
}

#[derive(Deserialize)]
struct Place {
    file_url: String,
    upload_url: String,
}

#[derive(Deserialize)]
struct State {
    status: String,
    status_url: Option<String>,
    response_url: Option<String>,
    error: Option<String>,
}

impl Steps for Job {
    fn next(&mut self, answer: &StepAnswer<'_>) -> Result<Step> {
        match std::mem::replace(&mut self.stage, Stage::Result) {
            Stage::Storage(mut job) => {
                let place: Place = hearing::json(answer.body)?;
                let mut request = self.target.follow(&place.upload_url, &[])?;
                *request.method_mut() = Method::PUT;
                request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(KIND));
                job.insert("audio_url".into(), place.file_url.into());
                self.stage = Stage::File(job);
                Ok(Step::upload(request, FormEdits::content()))
            }
            Stage::File(job) => {
                *self.submit.body_mut() = Value::Object(job).to_string().into();
                self.stage = Stage::Queue(None);
                Ok(Step::ask(self.submit.clone()))
            }
            Stage::Queue(first) => self.look(answer, first),
            Stage::Result => Ok(Step::Done(answer.body.clone())),
        }
    }
}

impl Job {
    /// `first`: what the queue said when the job was handed in.
    fn look(&mut self, answer: &StepAnswer<'_>, first: Option<State>) -> Result<Step> {
        let now: State = hearing::json(answer.body)?;
        if let Some(error) = now.error.as_deref().filter(|error| !error.is_empty()) {
            return Err(failed(ACCOUNT.title, Some(error)));
        }
        let done = now.status == "COMPLETED";
        let known = first.unwrap_or(now);
        let url = |url: &Option<String>| url.clone().unwrap_or_default();
        if done {
            return Ok(Step::ask(self.target.follow(&url(&known.response_url), OWN)?));
        }
        let request = self.target.follow(&url(&known.status_url), OWN)?;
        let after = pause(self.looked);
        self.looked = self.looked.saturating_add(1);
        self.stage = Stage::Queue(Some(known));
        Ok(Step::ask_after(after, request))
    }
}

#[derive(Deserialize)]
struct Answer {
    text: String,
    #[serde(default)]
    chunks: Vec<Chunk>,
    #[serde(default, alias = "inferred_languages")]
    languages: Vec<String>,
}

#[derive(Deserialize)]
struct Chunk {
    timestamp: (Option<f64>, Option<f64>),
    text: String,
}

fn read(body: &[u8]) -> Result<Transcript> {
    let answer: Answer = hearing::json(body)?;
    let mut transcript = Transcript::default();
    transcript.text = answer.text;
    transcript.language = answer.languages.into_iter().next();
    // How long the recording is, is not told: at least up to its last words.
    transcript.seconds = answer.chunks.iter().filter_map(|chunk| chunk.timestamp.1).reduce(f64::max);
    let spans = answer.chunks.into_iter().map(|chunk| {
        let start = chunk.timestamp.0.unwrap_or_default();
        Span::new(chunk.text, start, chunk.timestamp.1.unwrap_or(start))
    });
    transcript.segments = spans.collect();
    Ok(transcript)
}
