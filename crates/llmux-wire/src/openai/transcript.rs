//! Transcripts of other providers, as OpenAI's clients ask for them.

use bytes::Bytes;
use llmux_core::{Error, Result};
use serde_json::{Map, Value, json};

/// What was heard.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Transcript {
    /// All of it.
    pub text: String,
    /// The language, by whatever name the provider has for it.
    pub language: Option<String>,
    /// How long the recording is, in seconds.
    pub seconds: Option<f64>,
    /// Words with their times, where the provider tells them.
    pub words: Vec<Span>,
    /// Longer pieces with their times, where the provider tells them.
    pub segments: Vec<Span>,
}

/// A piece of a transcript, and when it is heard.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Span {
    /// What is said.
    pub text: String,
    /// From this second on.
    pub start: f64,
    /// Up to this second.
    pub end: f64,
}

impl Span {
    /// What is said between two seconds.
    #[must_use]
    pub fn new(text: impl Into<String>, start: f64, end: f64) -> Self {
        Self { text: text.into(), start, end }
    }
}

/// How the client wants it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TranscriptFormat {
    /// An object with the text.
    #[default]
    Json,
    /// The text alone.
    Text,
    /// An object with language, duration, segments, and words if they are asked for.
    Verbose {
        /// Whether words are asked for.
        words: bool,
    },
    /// Subtitles of SubRip.
    Srt,
    /// Subtitles of WebVTT.
    Vtt,
}

impl TranscriptFormat {
    /// By the value of `response_format`, and whether `timestamp_granularities` asks for words.
    ///
    /// # Errors
    /// A 400 for any other format.
    pub fn of(name: &str, words: bool) -> Result<Self> {
        match name {
            "" | "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            "verbose_json" => Ok(Self::Verbose { words }),
            "srt" => Ok(Self::Srt),
            "vtt" => Ok(Self::Vtt),
            other => Err(Error::invalid(
                "response_format",
                format!(
                    "`response_format` must be json, text, srt, verbose_json or vtt for this model, not {other}"
                ),
            )),
        }
    }

    /// The content type, where it is not JSON: OpenAI's.
    #[must_use]
    pub fn content_type(self) -> Option<&'static str> {
        match self {
            Self::Json | Self::Verbose { .. } => None,
            Self::Text | Self::Srt => Some("text/plain; charset=utf-8"),
            Self::Vtt => Some("text/vtt; charset=utf-8"),
        }
    }

    /// Whether times are wanted, of words or of longer pieces.
    #[must_use]
    pub fn has_times(self) -> bool {
        !matches!(self, Self::Json | Self::Text)
    }
}

/// Writes a transcript. `task` is `transcribe` or `translate`.
#[must_use]
pub fn write_transcript(transcript: &Transcript, format: TranscriptFormat, task: &str) -> Bytes {
    match format {
        TranscriptFormat::Json => {
            let mut out = Map::new();
            out.insert("text".into(), transcript.text.as_str().into());
            out.extend(usage(transcript));
            Value::Object(out).to_string().into()
        }
        TranscriptFormat::Text => format!("{}\n", transcript.text).into(),
        TranscriptFormat::Verbose { words } => verbose(transcript, words, task),
        TranscriptFormat::Srt => subtitles(transcript, String::new(), ',', true).into(),
        TranscriptFormat::Vtt => subtitles(transcript, "WEBVTT\n\n".to_owned(), '.', false).into(),
    }
}

fn usage(transcript: &Transcript) -> Option<(String, Value)> {
    let seconds = transcript.seconds?.ceil();
    Some(("usage".to_owned(), json!({ "type": "duration", "seconds": seconds as u64 })))
}

fn verbose(transcript: &Transcript, words: bool, task: &str) -> Bytes {
    let mut out = Map::new();
    out.insert("task".into(), task.into());
    out.insert("language".into(), transcript.language.as_deref().unwrap_or_default().into());
    out.insert("duration".into(), transcript.seconds.unwrap_or_default().into());
    out.insert("text".into(), transcript.text.as_str().into());
    if words {
        let word = |word: &Span| json!({ "word": word.text, "start": word.start, "end": word.end });
        out.insert("words".into(), transcript.words.iter().map(word).collect());
    }
    // Official clients want figures that only Whisper has: they are zero, which it never says.
    let segment = |(at, span): (usize, &Span)| {
        json!({ "id": at, "seek": 0, "start": span.start, "end": span.end, "text": span.text, "tokens": [],
            "temperature": 0.0, "avg_logprob": 0.0, "compression_ratio": 0.0, "no_speech_prob": 0.0 })
    };
    out.insert("segments".into(), segments(transcript).iter().enumerate().map(segment).collect());
    out.extend(usage(transcript));
    Value::Object(out).to_string().into()
}

fn subtitles(transcript: &Transcript, mut out: String, point: char, numbered: bool) -> String {
    for (at, span) in segments(transcript).iter().enumerate() {
        if numbered {
            out.push_str(&format!("{}\n", at + 1));
        }
        let (start, end) = (clock(span.start, point), clock(span.end, point));
        out.push_str(&format!("{start} --> {end}\n{}\n\n", span.text.trim()));
    }
    out
}

/// `hours:minutes:seconds`, with milliseconds behind the point.
fn clock(seconds: f64, point: char) -> String {
    let millis = (seconds.max(0.0) * 1000.0).round() as u64;
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    format!("{hours:02}:{minutes:02}:{:02}{point}{:03}", millis / 1000 % 60, millis % 1000)
}

/// The longer pieces: the provider's, else made of words, else all of it in one.
fn segments(transcript: &Transcript) -> Vec<Span> {
    if !transcript.segments.is_empty() {
        return transcript.segments.clone();
    }
    if transcript.words.is_empty() {
        let whole = Span::new(transcript.text.as_str(), 0.0, transcript.seconds.unwrap_or_default());
        return if transcript.text.is_empty() { Vec::new() } else { vec![whole] };
    }
    let mut segments: Vec<Span> = Vec::new();
    for word in &transcript.words {
        match segments.last_mut().filter(|last| takes(last, word)) {
            Some(last) => {
                last.text.push(' ');
                last.text.push_str(&word.text);
                last.end = word.end;
            }
            None => segments.push(word.clone()),
        }
    }
    segments
}

/// Whether a word belongs to the piece before it: a piece ends with its sentence, at a pause, or when it fills two lines
/// of subtitles.
fn takes(piece: &Span, word: &Span) -> bool {
    const LINES: usize = 84;
    const PAUSE: f64 = 1.0;
    !piece.text.ends_with(['.', '?', '!', '。', '？', '！'])
        && word.start - piece.end < PAUSE
        && piece.text.len() + word.text.len() < LINES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript() -> Transcript {
        let words = [("Good", 0.0, 0.4), ("day.", 0.4, 0.9), ("Late", 3_661.0, 3_661.25)];
        Transcript {
            text: "Good day. Late".to_owned(),
            language: Some("en".to_owned()),
            seconds: Some(3_661.25),
            words: words.map(|(text, start, end)| Span::new(text, start, end)).into(),
            segments: Vec::new(),
        }
    }

    fn written(format: TranscriptFormat) -> String {
        String::from_utf8(write_transcript(&transcript(), format, "transcribe").to_vec()).unwrap()
    }

    #[test]
    fn every_format_says_the_same() {
        let json: Value = serde_json::from_str(&written(TranscriptFormat::Json)).unwrap();
        let usage = json!({"type": "duration", "seconds": 3_662});
        assert_eq!(json, json!({"text": "Good day. Late", "usage": usage}));
        assert_eq!(written(TranscriptFormat::Text), "Good day. Late\n");
        assert_eq!(
            written(TranscriptFormat::Srt),
            "1\n00:00:00,000 --> 00:00:00,900\nGood day.\n\n2\n01:01:01,000 --> 01:01:01,250\nLate\n\n"
        );
        assert!(written(TranscriptFormat::Vtt).starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:00.900\nGood"));
    }

    #[test]
    fn words_come_where_they_are_asked_for_and_segments_always() {
        let verbose =
            |words| -> Value { serde_json::from_str(&written(TranscriptFormat::Verbose { words })).unwrap() };
        assert_eq!(verbose(true)["words"][1], json!({"word": "day.", "start": 0.4, "end": 0.9}));
        assert!(verbose(false).get("words").is_none());
        assert_eq!(verbose(false)["segments"].as_array().unwrap().len(), 2);
        assert_eq!(verbose(false)["language"], "en");
    }

    #[test]
    fn without_times_the_whole_is_one_segment() {
        let bare = Transcript { text: "Good day".to_owned(), seconds: Some(2.0), ..Transcript::default() };
        assert_eq!(segments(&bare), [Span::new("Good day", 0.0, 2.0)]);
        assert!(segments(&Transcript::default()).is_empty());
    }

    #[test]
    fn formats_are_known_by_name() {
        assert_eq!(TranscriptFormat::of("", false).unwrap(), TranscriptFormat::Json);
        assert_eq!(TranscriptFormat::of("yaml", false).unwrap_err().param(), Some("response_format"));
    }
}
