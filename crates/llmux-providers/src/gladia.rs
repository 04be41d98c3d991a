//! Gladia: recordings are uploaded, then written down by a job.
//!
//! Source: "Upload an audio file", "Initiate a new pre-recorded job" and "Get the pre-recorded job's metadata" of
//! Gladia's API reference, version 2.

use bytes::Bytes;
use http::Uri;
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
    name: "gladia",
    title: "Gladia",
    base_url: "https://api.gladia.io",
    key_env: &["GLADIA_API_KEY"],
    base_env: &["GLADIA_API_BASE"],
    auth: ("x-gladia-key", ""),
};

const FILES: &[(&str, &str)] = &[(FILE, "audio")];

/// Gladia, bound to a deployment's settings.
pub(crate) struct Gladia {
    settings: ProviderSettings,
    target: Target,
    upload: Uri,
    jobs: Uri,
}

impl Host for Gladia {
    const ACCOUNT: &'static Account = &ACCOUNT;
    const READS_FORMS: bool = true;

    fn build(settings: &ProviderSettings) -> Result<Self> {
        let target = ACCOUNT.target(settings)?;
        Ok(Self {
            settings: settings.clone(),
            upload: target.uri("/v2/upload")?,
            jobs: target.uri("/v2/pre-recorded")?,
            target,
        })
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

impl Gladia {
    fn listen(&self, call: &Call<'_>) -> Result<Exchange> {
        let mut hearing = Hearing::of(call, &self.settings)?.refuse_translation(&ACCOUNT, call)?;
        let mut job = Map::new();
        // Its only model has no name of its own.
        if !matches!(call.model, "" | "default") {
            job.insert("model".into(), call.model.into());
        }
        if let Some(language) = &hearing.language {
            job.insert("language_config".into(), json!({ "languages": [language] }));
        }
        job.extend(hearing.take_prompt().map(|prompt| ("context_prompt".to_owned(), prompt.into())));
        job.extend(hearing.own_values());
        let outgoing = Outgoing::Send(self.target.post(&self.upload, Bytes::new()));
        let steps = Job { target: self.target.clone(), jobs: self.jobs.clone(), job: Some(job), looked: 0 };
        let exchange = hearing.exchange(call, &self.settings, outgoing, read);
        Ok(exchange.with_form(FormEdits::files(FILES, Vec::new())).with_steps(Box::new(steps)))
    }
}

struct Job {
    target: Target,
    jobs: Uri,
    /// The job, until it is handed in.
    job: Option<Map<String, Value>>,
    looked: u32,
}

/// The answers on the way, each of which has some of the fields.
#[derive(Deserialize)]
struct State {
    audio_url: Option<String>,
    id: Option<String>,
    status: Option<String>,
    error_code: Option<Value>,
}

impl Steps for Job {
    fn next(&mut self, answer: &StepAnswer<'_>) -> Result<Step> {
        let state: State = hearing::json(answer.body)?;
        if let Some((url, mut job)) = state.audio_url.zip(self.job.take()) {
            job.insert("audio_url".into(), url.into());
            let body = Value::Object(job).to_string();
            return Ok(Step::ask(self.target.post(&self.jobs, body.into())));
        }
        match state.status.as_deref() {
            Some("done") => Ok(Step::Done(answer.body.clone())),
            Some("error") => {
                let code = state.error_code.map(|code| format!("error {code}"));
                Err(failed(ACCOUNT.title, code.as_deref()))
            }
            _ => {
                let path =
                    format!("/v2/pre-recorded/{}", crate::target::segment(&state.id.unwrap_or_default()));
                let after = pause(self.looked);
                self.looked = self.looked.saturating_add(1);
                Ok(Step::ask_after(after, self.target.get(&self.target.uri(&path)?)))
            }
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    result: Outcome,
}

#[derive(Deserialize)]
struct Outcome {
    metadata: Metadata,
    transcription: Transcription,
}

#[derive(Deserialize)]
struct Metadata {
    audio_duration: Option<f64>,
    billing_time: Option<f64>,
}

#[derive(Deserialize)]
struct Transcription {
    full_transcript: String,
    #[serde(default)]
    languages: Vec<String>,
    #[serde(default)]
    utterances: Vec<Utterance>,
}

#[derive(Deserialize)]
struct Utterance {
    text: String,
    start: f64,
    end: f64,
    #[serde(default)]
    words: Vec<Word>,
}

#[derive(Deserialize)]
struct Word {
    word: String,
    start: f64,
    end: f64,
}

fn read(body: &[u8]) -> Result<Transcript> {
    let Outcome { metadata, transcription } = hearing::json::<Answer>(body)?.result;
    let mut transcript = Transcript::default();
    transcript.text = transcription.full_transcript;
    transcript.language = transcription.languages.into_iter().next();
    transcript.seconds = metadata.audio_duration.or(metadata.billing_time);
    for said in transcription.utterances {
        transcript.segments.push(Span::new(said.text, said.start, said.end));
        let words = said.words.into_iter();
        transcript.words.extend(words.map(|word| Span::new(word.word.trim(), word.start, word.end)));
    }
    Ok(transcript)
}
