//! ElevenLabs: voices, and transcripts of recordings.
//!
//! Source: "Create speech (streaming)" and "Create transcript" of ElevenLabs' API reference.

use bytes::Bytes;
use http::{StatusCode, Uri};
use llmux_core::{
    Call, Error, ErrorKind, Exchange, FailedReply, FormEdits, Operation, Outgoing, ProviderSettings, Result,
};
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
    name: "elevenlabs",
    title: "ElevenLabs",
    base_url: "https://api.elevenlabs.io",
    key_env: &["ELEVENLABS_API_KEY"],
    base_env: &["ELEVENLABS_API_BASE"],
    auth: ("xi-api-key", ""),
};

/// Voices of ElevenLabs' for OpenAI's names, as LiteLLM's users know them.
const VOICES: &[(&str, &str)] = &[
    ("alloy", "21m00Tcm4TlvDq8ikWAM"),
    ("ash", "AZnzlk1XvdvUeBnXmlld"),
    ("coral", "9BWtsMINqrJLrRacOk9x"),
    ("onyx", "29vD33N1CtxCmqQRPOHJ"),
    ("sage", "CwhRBWXzGAHq8TQ4Fs17"),
    ("verse", "CYw3kZ02Hs0563khs1Fj"),
];
/// OpenAI's formats; its samples have 24 kHz.
const FORMATS: &[(&str, &str)] =
    &[("mp3", "mp3_44100_128"), ("opus", "opus_48000_128"), ("pcm", "pcm_24000")];
const FILES: &[(&str, &str)] = &[(FILE, FILE)];

/// ElevenLabs, bound to a deployment's settings.
pub(crate) struct ElevenLabs {
    settings: ProviderSettings,
    target: Target,
    listen: Uri,
}

impl Host for ElevenLabs {
    const ACCOUNT: &'static Account = &ACCOUNT;
    const READS_FORMS: bool = true;

    fn build(settings: &ProviderSettings) -> Result<Self> {
        let target = ACCOUNT.target(settings)?;
        Ok(Self { settings: settings.clone(), listen: target.uri("/v1/speech-to-text")?, target })
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

    fn refine(_failed: &FailedReply<'_>, error: Error) -> Error {
        // An empty account is told as if the key were wrong.
        match error.code() {
            Some("quota_exceeded") => {
                error.with_kind(ErrorKind::PaymentRequired).with_status(StatusCode::PAYMENT_REQUIRED)
            }
            _ => error,
        }
    }
}

impl ElevenLabs {
    fn listen(&self, call: &Call<'_>) -> Result<Exchange> {
        let mut hearing = Hearing::of(call, &self.settings)?.refuse_translation(&ACCOUNT, call)?;
        let mut fields = vec![("model_id".to_owned(), call.model.to_owned())];
        fields.extend(hearing.language.clone().map(|language| ("language_code".to_owned(), language)));
        fields.extend(hearing.take_temperature().map(|value| ("temperature".to_owned(), value)));
        fields.extend(hearing.own_texts());
        let outgoing = Outgoing::Send(self.target.post(&self.listen, Bytes::new()));
        let exchange = hearing.exchange(call, &self.settings, outgoing, read);
        Ok(exchange.with_form(FormEdits::files(FILES, fields)))
    }

    fn speak(&self, call: &Call<'_>) -> Result<Exchange> {
        let mut speaking = Speaking::of(call, &self.settings, ACCOUNT.title)?;
        let voice = match VOICES.iter().find(|(name, _)| *name == speaking.voice) {
            Some((_, id)) => *id,
            None if speaking.voice.is_empty() => return Err(Error::invalid("voice", "`voice` is required")),
            None => speaking.voice.as_str(),
        };
        let path = format!("/v1/text-to-speech/{}/stream", crate::target::segment(voice));
        let format = speaking.format_in(FORMATS)?.to_owned();
        let uri = self.target.query(&path, &[("output_format".to_owned(), format)])?;
        let mut body = Map::new();
        body.insert("text".into(), speaking.input.as_str().into());
        body.insert("model_id".into(), call.model.into());
        if let Some(speed) = speaking.speed {
            body.insert("voice_settings".into(), json!({ "speed": speed }));
        }
        body.extend(std::mem::take(&mut speaking.own));
        let body = Value::Object(body).to_string();
        Ok(speaking.exchange(Outgoing::Send(self.target.post(&uri, body.into()))))
    }
}

#[derive(Deserialize)]
struct Answer {
    text: String,
    language_code: Option<String>,
    #[serde(default)]
    words: Vec<Word>,
    audio_duration_secs: Option<f64>,
}

#[derive(Deserialize)]
struct Word {
    text: String,
    start: Option<f64>,
    end: Option<f64>,
    #[serde(rename = "type")]
    kind: String,
}

fn read(body: &[u8]) -> Result<Transcript> {
    let answer: Answer = hearing::json(body)?;
    let ends = answer.words.iter().filter_map(|word| word.end);
    let mut transcript = Transcript::default();
    // Older answers do not tell how long the recording is: at least up to its last sound.
    transcript.seconds = answer.audio_duration_secs.or_else(|| ends.reduce(f64::max));
    let words = answer.words.into_iter().filter(|word| word.kind == "word");
    transcript.words = words.filter_map(|word| Some(Span::new(word.text, word.start?, word.end?))).collect();
    (transcript.text, transcript.language) = (answer.text, answer.language_code);
    Ok(transcript)
}
