//! Cartesia: recordings and voices.
//!
//! Source: "Speech-to-Text (batch)" and "Text to Speech (bytes)" of Cartesia's API reference.

use bytes::Bytes;
use http::{HeaderName, Uri};
use llmux_core::{Call, Error, Exchange, FormEdits, Operation, Outgoing, ProviderSettings, Result};
use llmux_wire::openai::{Span, Transcript};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    account::{Account, Host},
    hearing::{self, FILE, Hearing},
    speaking::Speaking,
    target::Target,
};

pub(crate) static ACCOUNT: Account = Account {
    name: "cartesia",
    title: "Cartesia",
    base_url: "https://api.cartesia.ai",
    key_env: &["CARTESIA_API_KEY"],
    base_env: &["CARTESIA_API_BASE"],
    auth: ("authorization", "Bearer"),
};

const FILES: &[(&str, &str)] = &[(FILE, FILE)];
/// The version whose forms these are.
const VERSION: &str = "2025-04-16";
/// OpenAI's formats as Cartesia's containers.
const FORMATS: &[(&str, &str)] = &[("mp3", "mp3"), ("wav", "wav"), ("pcm", "raw")];

/// Cartesia, bound to a deployment's settings.
pub(crate) struct Cartesia {
    settings: ProviderSettings,
    target: Target,
    listen: Uri,
    speak: Uri,
}

impl Host for Cartesia {
    const ACCOUNT: &'static Account = &ACCOUNT;
    const READS_FORMS: bool = true;

    fn build(settings: &ProviderSettings) -> Result<Self> {
        let mut target = ACCOUNT.target(settings)?;
        let version = settings.api_version.as_deref().unwrap_or(VERSION);
        target.header(HeaderName::from_static("cartesia-version"), version)?;
        let (listen, speak) = (target.uri("/stt")?, target.uri("/tts/bytes")?);
        Ok(Self { settings: settings.clone(), listen, speak, target })
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        match call.operation {
            Operation::Transcription | Operation::Translation => self.listen(call),
            Operation::Speech => self.speak(call),
            _ => Err(ACCOUNT.lacks(call)),
        }
    }
}

impl Cartesia {
    fn listen(&self, call: &Call<'_>) -> Result<Exchange> {
        let hearing = Hearing::of(call, &self.settings)?.refuse_translation(&ACCOUNT, call)?;
        let mut fields = vec![("model".to_owned(), call.model.to_owned())];
        fields.extend(hearing.language.clone().map(|language| ("language".to_owned(), language)));
        if hearing.format.has_times() {
            fields.push(("timestamp_granularities[]".to_owned(), "word".to_owned()));
        }
        fields.extend(hearing.own_texts());
        let outgoing = Outgoing::Send(self.target.post(&self.listen, Bytes::new()));
        let exchange = hearing.exchange(call, &self.settings, outgoing, read);
        Ok(exchange.with_form(FormEdits::files(FILES, fields)))
    }

    fn speak(&self, call: &Call<'_>) -> Result<Exchange> {
        let mut speaking = Speaking::of(call, &self.settings, ACCOUNT.title)?;
        if speaking.voice.is_empty() {
            return Err(Error::invalid("voice", "`voice` is required: the id of a voice of Cartesia's"));
        }
        let format = match speaking.format_in(FORMATS)? {
            "mp3" => json!({ "container": "mp3", "sample_rate": 44_100, "bit_rate": 128_000 }),
            container => json!({ "container": container, "encoding": "pcm_s16le", "sample_rate": 24_000 }),
        };
        let mut body = Map::new();
        body.insert("model_id".into(), call.model.into());
        body.insert("transcript".into(), speaking.input.as_str().into());
        body.insert("voice".into(), json!({ "mode": "id", "id": speaking.voice }));
        body.insert("output_format".into(), format);
        if let Some(speed) = speaking.speed {
            body.insert("generation_config".into(), json!({ "speed": speed }));
        }
        body.extend(std::mem::take(&mut speaking.own));
        let body = Value::Object(body).to_string();
        Ok(speaking.exchange(Outgoing::Send(self.target.post(&self.speak, body.into()))))
    }
}

#[derive(Deserialize)]
struct Answer {
    text: String,
    language: Option<String>,
    duration: Option<f64>,
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
    let answer: Answer = hearing::json(body)?;
    let mut transcript = Transcript::default();
    (transcript.text, transcript.language) = (answer.text, answer.language);
    transcript.seconds = answer.duration;
    let words = answer.words.into_iter();
    transcript.words = words.map(|word| Span::new(word.word, word.start, word.end)).collect();
    Ok(transcript)
}
