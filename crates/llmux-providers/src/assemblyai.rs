//! AssemblyAI: recordings are uploaded, then written down by a job.
//!
//! Source: "Upload a media file", "Transcribe audio" and "Get transcript" of AssemblyAI's API reference.

use bytes::Bytes;
use http::{HeaderValue, Uri, header::CONTENT_TYPE};
use llmux_core::{
    Call, Exchange, FormEdits, Operation, Outgoing, ProviderSettings, Result, Step, StepAnswer, Steps,
};
use llmux_wire::openai::{Span, Transcript};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    account::{Account, Host},
    hearing::{self, Hearing, failed, pause},
    target::Target,
};

pub(crate) static ACCOUNT: Account = Account {
    name: "assemblyai",
    title: "AssemblyAI",
    base_url: "https://api.assemblyai.com",
    key_env: &["ASSEMBLYAI_API_KEY"],
    base_env: &["ASSEMBLYAI_API_BASE"],
    auth: ("authorization", ""),
};

/// Models that are only known under the older field.
const OLD_MODELS: &[&str] = &["best", "nano"];

/// AssemblyAI, bound to a deployment's settings.
pub(crate) struct AssemblyAi {
    settings: ProviderSettings,
    target: Target,
    upload: Uri,
    transcripts: Uri,
}

impl Host for AssemblyAi {
    const ACCOUNT: &'static Account = &ACCOUNT;
    const READS_FORMS: bool = true;

    fn build(settings: &ProviderSettings) -> Result<Self> {
        let target = ACCOUNT.target(settings)?;
        Ok(Self {
            settings: settings.clone(),
            upload: target.uri("/v2/upload")?,
            transcripts: target.uri("/v2/transcript")?,
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

impl AssemblyAi {
    fn listen(&self, call: &Call<'_>) -> Result<Exchange> {
        let hearing = Hearing::of(call, &self.settings)?.refuse_translation(&ACCOUNT, call)?;
        let mut job = Map::new();
        if OLD_MODELS.contains(&call.model) {
            job.insert("speech_model".into(), call.model.into());
        } else {
            job.insert("speech_models".into(), vec![call.model].into());
        }
        match &hearing.language {
            Some(language) => job.insert("language_code".into(), language.as_str().into()),
            None => job.insert("language_detection".into(), true.into()),
        };
        job.extend(hearing.own_values());
        let mut request = self.target.post(&self.upload, Bytes::new());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        let steps =
            Job { target: self.target.clone(), transcripts: self.transcripts.clone(), job, looked: None };
        let exchange = hearing.exchange(call, &self.settings, Outgoing::Send(request), read);
        Ok(exchange.with_form(FormEdits::content()).with_steps(Box::new(steps)))
    }
}

struct Job {
    target: Target,
    transcripts: Uri,
    job: Map<String, Value>,
    /// How often the job has been looked at, once there is one.
    looked: Option<u32>,
}

#[derive(Deserialize)]
struct Uploaded {
    upload_url: String,
}

#[derive(Deserialize)]
struct State {
    id: String,
    status: String,
    error: Option<String>,
}

impl Steps for Job {
    fn next(&mut self, answer: &StepAnswer<'_>) -> Result<Step> {
        let Some(looked) = self.looked else {
            let uploaded: Uploaded = hearing::json(answer.body)?;
            let mut job = std::mem::take(&mut self.job);
            job.insert("audio_url".into(), uploaded.upload_url.into());
            self.looked = Some(0);
            let body = Value::Object(job).to_string();
            return Ok(Step::ask(self.target.post(&self.transcripts, body.into())));
        };
        let state: State = hearing::json(answer.body)?;
        match state.status.as_str() {
            "completed" => Ok(Step::Done(answer.body.clone())),
            "error" => Err(failed(ACCOUNT.title, state.error.as_deref())),
            _ => {
                self.looked = Some(looked.saturating_add(1));
                let path = format!("/v2/transcript/{}", crate::target::segment(&state.id));
                Ok(Step::ask_after(pause(looked), self.target.get(&self.target.uri(&path)?)))
            }
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    text: Option<String>,
    language_code: Option<String>,
    audio_duration: Option<f64>,
    words: Option<Vec<Word>>,
    utterances: Option<Vec<Word>>,
}

#[derive(Deserialize)]
struct Word {
    text: String,
    /// Milliseconds.
    start: f64,
    end: f64,
}

fn read(body: &[u8]) -> Result<Transcript> {
    let answer: Answer = hearing::json(body)?;
    let spans = |words: Option<Vec<Word>>| {
        let words = words.unwrap_or_default().into_iter();
        words.map(|word| Span::new(word.text, word.start / 1000.0, word.end / 1000.0)).collect()
    };
    let mut transcript = Transcript::default();
    transcript.text = answer.text.unwrap_or_default();
    (transcript.language, transcript.seconds) = (answer.language_code, answer.audio_duration);
    (transcript.words, transcript.segments) = (spans(answer.words), spans(answer.utterances));
    Ok(transcript)
}
