//! Rev AI: recordings are handed in as jobs.
//!
//! Source: "Submit transcription job", "Get job by id" and "Get transcript by id" of Rev AI's asynchronous speech-to-text
//! API.

use bytes::Bytes;
use http::{HeaderValue, Uri, header::ACCEPT};
use llmux_core::{
    Call, Exchange, FormEdits, Operation, Outgoing, ProviderSettings, Result, Step, StepAnswer, Steps,
};
use llmux_wire::openai::{Span, Transcript};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    account::{Account, Host},
    hearing::{self, FILE, Hearing, failed, pause},
    target::Target,
};

pub(crate) static ACCOUNT: Account = Account {
    name: "revai",
    title: "Rev AI",
    base_url: "https://api.rev.ai",
    key_env: &["REVAI_API_KEY"],
    base_env: &["REVAI_API_BASE"],
    auth: ("authorization", "Bearer"),
};

const FILES: &[(&str, &str)] = &[(FILE, "media")];
/// The transcript as JSON, with times.
const TRANSCRIPT: HeaderValue = HeaderValue::from_static("application/vnd.rev.transcript.v1.0+json");
const JOBS: &str = "/speechtotext/v1/jobs";

/// Rev AI, bound to a deployment's settings.
pub(crate) struct RevAi {
    settings: ProviderSettings,
    target: Target,
    jobs: Uri,
}

impl Host for RevAi {
    const ACCOUNT: &'static Account = &ACCOUNT;
    const READS_FORMS: bool = true;

    fn build(settings: &ProviderSettings) -> Result<Self> {
        let target = ACCOUNT.target(settings)?;
        Ok(Self { settings: settings.clone(), jobs: target.uri(JOBS)?, target })
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        match call.operation {
            Operation::Transcription | Operation::Translation => self.listen(call),
            _ => Err(ACCOUNT.lacks(call)),
        }
    }
}

impl RevAi {
    fn listen(&self, call: &Call<'_>) -> Result<Exchange> {
        let hearing = Hearing::of(call, &self.settings)?.refuse_translation(&ACCOUNT, call)?;
        let mut options = Map::new();
        options.insert("transcriber".into(), call.model.into());
        if let Some(language) = &hearing.language {
            options.insert("language".into(), language.as_str().into());
        }
        options.extend(hearing.own_values());
        let fields = vec![("options".to_owned(), Value::Object(options).to_string())];
        let outgoing = Outgoing::Send(self.target.post(&self.jobs, Bytes::new()));
        let steps = Job { target: self.target.clone(), looked: 0, done: None };
        let exchange = hearing.exchange(call, &self.settings, outgoing, read);
        Ok(exchange.with_form(FormEdits::files(FILES, fields)).with_steps(Box::new(steps)))
    }
}

struct Job {
    target: Target,
    looked: u32,
    /// What is known of the job once it is done.
    done: Option<State>,
}

#[derive(Deserialize)]
struct State {
    id: String,
    status: String,
    failure_detail: Option<String>,
    duration_seconds: Option<f64>,
    language: Option<String>,
}

impl Steps for Job {
    fn next(&mut self, answer: &StepAnswer<'_>) -> Result<Step> {
        if let Some(done) = self.done.take() {
            // The transcript itself tells neither.
            let transcript: Value = hearing::json(answer.body)?;
            let whole = json!({ "transcript": transcript, "duration": done.duration_seconds, "language": done.language });
            return Ok(Step::Done(whole.to_string().into()));
        }
        let state: State = hearing::json(answer.body)?;
        let path = format!("{JOBS}/{}", crate::target::segment(&state.id));
        match state.status.as_str() {
            "transcribed" => {
                let mut request = self.target.get(&self.target.uri(&format!("{path}/transcript"))?);
                request.headers_mut().insert(ACCEPT, TRANSCRIPT);
                self.done = Some(state);
                Ok(Step::ask(request))
            }
            "failed" => Err(failed(ACCOUNT.title, state.failure_detail.as_deref())),
            _ => {
                let after = pause(self.looked);
                self.looked = self.looked.saturating_add(1);
                Ok(Step::ask_after(after, self.target.get(&self.target.uri(&path)?)))
            }
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    transcript: Monologues,
    duration: Option<f64>,
    language: Option<String>,
}

#[derive(Deserialize)]
struct Monologues {
    monologues: Vec<Monologue>,
}

#[derive(Deserialize)]
struct Monologue {
    elements: Vec<Element>,
}

#[derive(Deserialize)]
struct Element {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    value: String,
    ts: Option<f64>,
    end_ts: Option<f64>,
}

/// Each speaker's words are a line. Punctuation belongs to the word in front of it.
fn read(body: &[u8]) -> Result<Transcript> {
    let answer: Answer = hearing::json(body)?;
    let mut transcript = Transcript::default();
    (transcript.seconds, transcript.language) = (answer.duration, answer.language);
    for monologue in answer.transcript.monologues {
        if !transcript.text.is_empty() {
            transcript.text.push('\n');
        }
        for element in monologue.elements {
            transcript.text.push_str(&element.value);
            match element.ts.zip(element.end_ts) {
                Some((start, end)) if element.kind == "text" => {
                    transcript.words.push(Span::new(element.value, start, end));
                }
                _ => {
                    if let Some(word) = transcript.words.last_mut() {
                        word.text.push_str(element.value.trim());
                    }
                }
            }
        }
    }
    Ok(transcript)
}
