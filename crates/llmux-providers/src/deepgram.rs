//! Deepgram: recordings as they are, and voices.
//!
//! Source: "Pre-recorded audio" and "Text to speech" of Deepgram's API reference.

use bytes::Bytes;
use http::{Uri, header::CONTENT_TYPE};
use llmux_core::{Call, Error, Exchange, FormEdits, Operation, Outgoing, ProviderSettings, Result};
use llmux_wire::openai::{Span, Transcript};
use serde::Deserialize;
use serde_json::json;

use crate::{
    account::{Account, Host},
    hearing::{self, Hearing},
    speaking::Speaking,
    target::Target,
};

pub(crate) static ACCOUNT: Account = Account {
    name: "deepgram",
    title: "Deepgram",
    base_url: "https://api.deepgram.com/v1",
    key_env: &["DEEPGRAM_API_KEY"],
    base_env: &["DEEPGRAM_API_BASE"],
    auth: ("authorization", "Token"),
};

/// OpenAI's formats, as encoding and container.
const FORMATS: &[(&str, &str)] = &[
    ("mp3", "encoding=mp3"),
    ("opus", "encoding=opus&container=ogg"),
    ("aac", "encoding=aac"),
    ("flac", "encoding=flac"),
    ("wav", "encoding=linear16&container=wav"),
    ("pcm", "encoding=linear16&container=none&sample_rate=24000"),
];

/// Deepgram, bound to a deployment's settings.
pub(crate) struct Deepgram {
    settings: ProviderSettings,
    target: Target,
}

impl Host for Deepgram {
    const ACCOUNT: &'static Account = &ACCOUNT;
    const READS_FORMS: bool = true;

    fn build(settings: &ProviderSettings) -> Result<Self> {
        let target = ACCOUNT.target(settings)?;
        let _: Uri = target.uri("/listen")?;
        Ok(Self { settings: settings.clone(), target })
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

impl Deepgram {
    fn listen(&self, call: &Call<'_>) -> Result<Exchange> {
        let hearing = Hearing::of(call, &self.settings)?.refuse_translation(&ACCOUNT, call)?;
        let mut query = vec![("model".to_owned(), call.model.to_owned())];
        match &hearing.language {
            Some(language) => query.push(("language".to_owned(), language.clone())),
            None => query.push(("detect_language".to_owned(), "true".to_owned())),
        }
        // Sentences and figures, as OpenAI's clients know them.
        query.push(("smart_format".to_owned(), "true".to_owned()));
        if hearing.format.has_times() {
            query.push(("utterances".to_owned(), "true".to_owned()));
        }
        let own: Vec<_> = hearing.own_texts().collect();
        query.retain(|(name, _)| own.iter().all(|(own, _)| own != name));
        query.extend(own);
        let uri = self.target.query("/listen", &query)?;
        let mut request = self.target.post(&uri, Bytes::new());
        // That of the file.
        request.headers_mut().remove(CONTENT_TYPE);
        let exchange = hearing.exchange(call, &self.settings, Outgoing::Send(request), read);
        Ok(exchange.with_form(FormEdits::content()))
    }

    fn speak(&self, call: &Call<'_>) -> Result<Exchange> {
        let speaking = Speaking::of(call, &self.settings, ACCOUNT.title)?;
        let mut query = vec![("model".to_owned(), voice(call.model, &speaking.voice))];
        query.extend(speaking.own.iter().map(|(name, value)| {
            (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        }));
        query.extend(speaking.speed.map(|speed| ("speed".to_owned(), speed.to_string())));
        let format = speaking.format_in(FORMATS)?;
        let uri = format!("{}&{format}", self.target.query("/speak", &query)?);
        let uri: Uri = uri.parse().map_err(|_| Error::invalid("voice", "the voice cannot stand in a URL"))?;
        let body = json!({ "text": speaking.input }).to_string();
        Ok(speaking.exchange(Outgoing::Send(self.target.post(&uri, body.into()))))
    }
}

/// Deepgram's models are voices: a family alone is completed by the voice, one of OpenAI's by the family's first.
fn voice(model: &str, voice: &str) -> String {
    let voice = voice.trim().to_ascii_lowercase();
    match model {
        "aura" | "aura-2" if voice.starts_with("aura-") => voice,
        "aura" | "aura-2" => {
            let usual = if model == "aura" { "asteria" } else { "thalia" };
            let known = !voice.is_empty() && !crate::speaking::OPENAI_VOICES.contains(&voice.as_str());
            format!("{model}-{}-en", if known { voice.as_str() } else { usual })
        }
        model => model.to_owned(),
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    metadata: Metadata,
    results: Results,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    duration: Option<f64>,
}

#[derive(Deserialize)]
struct Results {
    channels: Vec<Channel>,
    #[serde(default)]
    utterances: Vec<Utterance>,
}

#[derive(Deserialize)]
struct Channel {
    alternatives: Vec<Alternative>,
    detected_language: Option<String>,
}

#[derive(Deserialize)]
struct Alternative {
    transcript: String,
    #[serde(default)]
    words: Vec<Word>,
    #[serde(default)]
    languages: Vec<String>,
}

#[derive(Deserialize)]
struct Word {
    word: String,
    punctuated_word: Option<String>,
    start: f64,
    end: f64,
}

#[derive(Deserialize)]
struct Utterance {
    transcript: String,
    start: f64,
    end: f64,
}

/// Channels follow one another, as lines.
fn read(body: &[u8]) -> Result<Transcript> {
    let answer: Answer = hearing::json(body)?;
    let mut transcript = Transcript::default();
    transcript.seconds = answer.metadata.duration;
    for channel in answer.results.channels {
        let Some(best) = channel.alternatives.into_iter().next() else { continue };
        if !transcript.text.is_empty() {
            transcript.text.push('\n');
        }
        transcript.text.push_str(&best.transcript);
        transcript.language =
            transcript.language.or(channel.detected_language).or_else(|| best.languages.into_iter().next());
        let words = best.words.into_iter();
        let words =
            words.map(|word| Span::new(word.punctuated_word.unwrap_or(word.word), word.start, word.end));
        transcript.words.extend(words);
    }
    let utterances = answer.results.utterances.into_iter();
    transcript.segments = utterances.map(|said| Span::new(said.transcript, said.start, said.end)).collect();
    Ok(transcript)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_completed_by_the_voice() {
        assert_eq!(voice("aura-2", "Orion"), "aura-2-orion-en");
        assert_eq!(voice("aura-2", "alloy"), "aura-2-thalia-en");
        assert_eq!(voice("aura", "aura-luna-en"), "aura-luna-en");
        assert_eq!(voice("aura-asteria-en", "orion"), "aura-asteria-en");
    }
}
