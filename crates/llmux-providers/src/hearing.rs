//! Recordings at providers whose forms are not OpenAI's: the client's fields in, his transcript out.

use std::time::Duration;

use bytes::Bytes;
use llmux_core::{
    Call, Error, ErrorKind, Exchange, Operation, Outgoing, ProviderSettings, Reply, Result, Usage,
};
use llmux_wire::{
    chat::Fit,
    convert::Converted,
    openai::{Transcript, TranscriptFormat, write_transcript},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{account::Account, shape};

/// OpenAI's field for the file.
pub(crate) const FILE: &str = "file";
/// Fields of OpenAI's that mean nothing elsewhere. Transcripts that come whole are not streamed, as OpenAI has it for
/// models that cannot.
const MEANINGLESS: &[&str] = &["model", "stream", "user", "include[]", "include", "chunking_strategy"];
const GRANULARITIES: [&str; 2] = ["timestamp_granularities[]", "timestamp_granularities"];

/// What a client wants to be heard.
pub(crate) struct Hearing {
    /// The language, as the client names it.
    pub(crate) language: Option<String>,
    /// How the transcript is wanted.
    pub(crate) format: TranscriptFormat,
    /// Fields that only the provider knows: texts, where they come from a form.
    pub(crate) own: Map<String, Value>,
    /// Whether it is wanted in English.
    pub(crate) translate: bool,
    prompt: Option<String>,
    temperature: Option<String>,
}

impl Hearing {
    /// Reads the fields of the client's form.
    pub(crate) fn of(call: &Call<'_>, settings: &ProviderSettings) -> Result<Self> {
        if !call.form {
            return Err(Error::invalid(FILE, "`file` is required, in a form (multipart/form-data)"));
        }
        let prepared = shape::prepared(call, false, &settings.shaping);
        let mut own: Map<String, Value> = serde_json::from_slice(&prepared).unwrap_or_default();
        own.extend(settings.shaping.extra_body.clone());
        let mut take =
            |name: &str| own.remove(name).filter(|value| !value.is_null()).map(|value| text(&value));
        let format = take("response_format").unwrap_or_default();
        let words = GRANULARITIES.map(&mut take).into_iter().flatten().any(|times| times.contains("word"));
        let (language, prompt, temperature) = (take("language"), take("prompt"), take("temperature"));
        for name in MEANINGLESS {
            own.remove(*name);
        }
        Ok(Self {
            language: language.filter(|language| !language.is_empty()),
            format: TranscriptFormat::of(&format, words)?,
            own,
            translate: call.operation == Operation::Translation,
            prompt,
            temperature,
        })
    }

    /// The prompt, for a provider that takes one.
    pub(crate) fn take_prompt(&mut self) -> Option<String> {
        self.prompt.take()
    }

    /// The temperature, for a provider that takes one.
    pub(crate) fn take_temperature(&mut self) -> Option<String> {
        self.temperature.take()
    }

    /// The provider's own fields as texts, for forms and queries. Of lists each item is one.
    pub(crate) fn own_texts(&self) -> impl Iterator<Item = (String, String)> {
        let each = |(name, value): (&String, &Value)| match value {
            Value::Array(items) => items.iter().map(|item| (name.clone(), text(item))).collect::<Vec<_>>(),
            value => vec![(name.clone(), text(value))],
        };
        self.own.iter().flat_map(each)
    }

    /// The provider's own fields as JSON has them.
    pub(crate) fn own_values(&self) -> impl Iterator<Item = (String, Value)> {
        let typed = |value: &Value| match value.as_str().map(str::trim) {
            Some("True") => true.into(),
            Some("False") => false.into(),
            Some(text) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
            None => value.clone(),
        };
        self.own.iter().map(move |(name, value)| (name.clone(), typed(value)))
    }

    /// An exchange whose last answer `read` understands. What the provider has no word for was only a hint: it is
    /// left out.
    pub(crate) fn exchange(
        self,
        call: &Call<'_>,
        settings: &ProviderSettings,
        outgoing: Outgoing,
        read: fn(&[u8]) -> Result<Transcript>,
    ) -> Exchange {
        let mut fit = Fit::new("", &settings.shaping).dropping(call.drop_params);
        for (name, left) in [("prompt", &self.prompt), ("temperature", &self.temperature)] {
            if left.is_some() {
                fit.drop(name);
            }
        }
        let (format, translate) = (self.format, self.translate);
        let reply = move |body: &[u8]| Ok(written(&read(body)?, format, translate));
        let reply: Box<dyn Reply> = Box::new(Converted::new(reply));
        Exchange::new(outgoing, reply, false)
            .with_content_type(format.content_type())
            .with_dropped(fit.into_dropped())
    }

    /// Refuses translations into English, for a provider that only writes down what is said.
    pub(crate) fn refuse_translation(self, account: &Account, call: &Call<'_>) -> Result<Self> {
        if self.translate { Err(account.lacks(call)) } else { Ok(self) }
    }
}

fn written(transcript: &Transcript, format: TranscriptFormat, translate: bool) -> (Bytes, Option<Usage>) {
    let task = if translate { "translate" } else { "transcribe" };
    let usage = transcript.seconds.map(|seconds| {
        let mut usage = Usage::default();
        usage.input_millis = (seconds.max(0.0) * 1000.0).round() as u64;
        usage
    });
    (write_transcript(transcript, format, task), usage)
}

/// A value as forms and queries have it.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Reads an answer of a provider's.
pub(crate) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| {
        Error::upstream(ErrorKind::BadReply, format!("the provider's answer is not understood: {error}"))
    })
}

/// How long to wait before a job is looked at for the `at`th time: a short one is soon found done, a long one is not
/// asked for all the time.
pub(crate) fn pause(at: u32) -> Duration {
    const FIRST: u64 = 250;
    const LONGEST: u64 = 3_000;
    let factor = 3_u64.saturating_pow(at).max(1) / 2_u64.saturating_pow(at).max(1);
    Duration::from_millis(FIRST.saturating_mul(factor.max(1)).min(LONGEST))
}

/// The job has failed at the provider.
pub(crate) fn failed(title: &str, message: Option<&str>) -> Error {
    let message = message.filter(|message| !message.is_empty()).unwrap_or("it says no more");
    Error::upstream(ErrorKind::ProviderFault, format!("{title} could not do the job: {message}"))
}
