//! Images, sound and moderations: what is worth knowing of answers that pass untouched, and images written.

use std::ops::ControlFlow;

use base64::Engine as _;
use bytes::{Bytes, BytesMut};
use llmux_core::{Envelope, Error, ErrorKind, Operation, ReplyReport, Result, Usage};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};

use super::{answer_read::bad, error::read_stream_error, error::write_error};
use crate::{
    json::envelope,
    needle::{DONE, ERROR_FIELD, USAGE},
    passthrough::{Watch, frame_data},
    sse,
};

/// The last events of OpenAI's streams of images, speech and transcripts.
const LAST: [&str; 4] =
    ["image_generation.completed", "image_edit.completed", "speech.audio.done", "transcript.text.done"];

/// Watches images, speech, transcripts, translations and moderations.
pub struct MediaWatch {
    operation: Operation,
    done: bool,
}

impl MediaWatch {
    /// A watch on the answer to an operation.
    #[must_use]
    pub fn new(operation: Operation) -> Self {
        Self { operation, done: false }
    }

    /// Takes down what a document says, if it is one that says anything.
    fn note(&self, body: &[u8], fields: &Envelope, report: &mut ReplyReport) {
        let get = |name: &str| fields.get(body, name).filter(|raw| *raw != b"null");
        if let Some(model) = get("model").and_then(|raw| serde_json::from_slice(raw).ok()) {
            report.model = Some(model);
        }
        let wire = get("usage").and_then(|raw| serde_json::from_slice::<Wire>(raw).ok());
        if let Some(wire) = wire {
            report.usage.update(&wire.buckets(self.operation));
            report.usage_reported = true;
        } else if self.makes_images() {
            let images = get("data").and_then(|raw| serde_json::from_slice::<Vec<IgnoredAny>>(raw).ok());
            report.usage.output_images = images.map_or(0, |images| images.len() as u64);
        }
        // Mistral's, of which each page is sold.
        let read = get("usage_info").and_then(|raw| serde_json::from_slice::<Value>(raw).ok());
        if let Some(pages) = read.and_then(|read| read.get("pages_processed").and_then(Value::as_u64)) {
            report.usage.pages = pages;
            report.usage_reported = true;
        }
        if self.hears() && report.usage.input_millis == 0 && report.usage.prompt_total() == 0 {
            // Of `verbose_json`.
            let duration = get("duration").and_then(|raw| serde_json::from_slice::<Value>(raw).ok());
            report.usage.input_millis = duration.as_ref().map(millis).unwrap_or_default();
        }
    }

    fn makes_images(&self) -> bool {
        matches!(
            self.operation,
            Operation::ImageGeneration | Operation::ImageEdit | Operation::ImageVariation
        )
    }

    fn hears(&self) -> bool {
        matches!(self.operation, Operation::Transcription | Operation::Translation)
    }
}

impl Watch for MediaWatch {
    fn whole(&mut self, body: &[u8], report: &mut ReplyReport) -> Result<()> {
        let fields = envelope::read(body).map_err(|error| {
            Error::upstream(ErrorKind::BadReply, "the provider's answer is no JSON object").with_source(error)
        })?;
        refuse_error(body, &fields)?;
        self.note(body, &fields, report);
        Ok(())
    }

    fn frame(&mut self, frame: &[u8], report: &mut ReplyReport) -> Result<ControlFlow<Bytes>> {
        let Some(data) = frame_data(frame).filter(|data| !data.is_empty()) else {
            return Ok(ControlFlow::Continue(()));
        };
        if data == b"[DONE]" {
            self.done = true;
            return Ok(ControlFlow::Continue(()));
        }
        let fields = envelope::read(data).map_err(|error| bad_frame(data, error))?;
        refuse_error(data, &fields)?;
        let kind = fields.get(data, "type").and_then(|raw| serde_json::from_slice::<String>(raw).ok());
        if kind.is_some_and(|kind| LAST.contains(&kind.as_str())) {
            self.done = true;
            self.note(data, &fields, report);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn is_dull(&self, frames: &[u8]) -> bool {
        let last = |frames| LAST.iter().any(|kind| memchr::memmem::find(frames, kind.as_bytes()).is_some());
        !USAGE.is_in(frames) && !DONE.is_in(frames) && !ERROR_FIELD.is_in(frames) && !last(frames)
    }

    fn is_complete(&self) -> bool {
        self.done
    }

    fn write_error(&self, error: &Error, out: &mut BytesMut) {
        sse::write(out, "", &write_error(error));
    }
}

/// Refuses an error that comes with a success status, or as an event.
fn refuse_error(body: &[u8], fields: &Envelope) -> Result<()> {
    match fields.get(body, "error").filter(|raw| *raw != b"null") {
        None => Ok(()),
        Some(raw) => {
            let error: Value = serde_json::from_slice(raw).map_err(|error| bad(raw, error))?;
            Err(read_stream_error(&json!({ "error": error })))
        }
    }
}

fn bad_frame(data: &[u8], error: Error) -> Error {
    match serde_json::from_slice::<IgnoredAny>(data) {
        Err(cause) => bad(data, cause),
        Ok(_) => Error::upstream(ErrorKind::BadReply, "the provider sent an event that is no object")
            .with_source(error),
    }
}

/// Usage of images, speech and transcripts, by OpenAI's reference; and what Mistral calls the same.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wire {
    #[serde(alias = "prompt_tokens")]
    input_tokens: Option<u64>,
    #[serde(alias = "completion_tokens")]
    output_tokens: Option<u64>,
    #[serde(alias = "input_token_details", alias = "prompt_tokens_details")]
    input_tokens_details: Option<Details>,
    #[serde(alias = "output_token_details", alias = "completion_tokens_details")]
    output_tokens_details: Option<Details>,
    /// Seconds that were heard, where those are billed. Mistral tells them beside tokens.
    #[serde(alias = "prompt_audio_seconds")]
    seconds: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    audio_tokens: Option<u64>,
    image_tokens: Option<u64>,
    text_tokens: Option<u64>,
    cached_tokens: Option<u64>,
}

impl Wire {
    fn buckets(&self, operation: Operation) -> Usage {
        let none = Details::default();
        let mut usage = Usage::default();
        let details = self.input_tokens_details.as_ref().unwrap_or(&none);
        let mut left = self.input_tokens.unwrap_or_default();
        usage.cache_read = take(&mut left, details.cached_tokens);
        usage.input_audio = take(&mut left, details.audio_tokens);
        usage.input_image = take(&mut left, details.image_tokens);
        usage.input = left;
        let details = self.output_tokens_details.as_ref();
        let mut left = self.output_tokens.unwrap_or_default();
        // What comes out of a model of images or of voices is that, unless it says otherwise.
        let (image, audio) = match (details, operation) {
            (Some(details), _) => (details.image_tokens, details.audio_tokens),
            (None, Operation::ImageGeneration | Operation::ImageEdit) => (Some(left), None),
            (None, Operation::Speech) => (None, Some(left)),
            _ => (None, None),
        };
        let text = details.and_then(|details| details.text_tokens).unwrap_or_default().min(left);
        left = left.saturating_sub(text);
        usage.output_image = take(&mut left, image);
        usage.output_audio = take(&mut left, audio);
        usage.output = left.saturating_add(text);
        usage.input_millis = self.seconds.as_ref().map(millis).unwrap_or_default();
        usage
    }
}

fn take(left: &mut u64, part: Option<u64>) -> u64 {
    let taken = part.unwrap_or_default().min(*left);
    *left = left.saturating_sub(taken);
    taken
}

/// Milliseconds of a number of seconds, which some hosts write as text.
fn millis(seconds: &Value) -> u64 {
    let seconds = seconds.as_f64().or_else(|| seconds.as_str()?.parse().ok()).unwrap_or_default();
    (seconds * 1000.0).round() as u64
}

/// Writes an answer of images, each as the bytes of its file.
#[must_use]
pub fn write_images(created: u64, images: &[Bytes], format: &str, usage: &Usage) -> Bytes {
    let encode = |image| base64::engine::general_purpose::STANDARD.encode(image);
    let data: Vec<_> = images.iter().map(|image| json!({ "b64_json": encode(image) })).collect();
    let usage = write_image_usage(usage);
    json!({ "created": created, "data": data, "output_format": format, "usage": usage }).to_string().into()
}

/// Writes what images consumed, in tokens.
#[must_use]
pub fn write_image_usage(usage: &Usage) -> Value {
    let words = usage.completion_total().saturating_sub(usage.output_image);
    json!({
        "input_tokens": usage.prompt_total(),
        "output_tokens": usage.completion_total(),
        "total_tokens": usage.total(),
        "input_tokens_details": { "text_tokens": usage.input, "image_tokens": usage.input_image },
        "output_tokens_details": { "text_tokens": words, "image_tokens": usage.output_image },
    })
}

#[cfg(test)]
mod tests {
    use llmux_core::{Frames, Reply as _};

    use super::*;
    use crate::passthrough::Passthrough;

    fn report(operation: Operation, body: &str) -> ReplyReport {
        let mut reply = Passthrough::new(MediaWatch::new(operation));
        assert_eq!(reply.whole(Bytes::copy_from_slice(body.as_bytes())).unwrap(), body);
        reply.report()
    }

    #[test]
    fn tokens_of_images_are_told_apart_from_those_of_text() {
        let usage = report(
            Operation::ImageEdit,
            r#"{"data":[{"b64_json":"x"}],"usage":{"total_tokens":100,"input_tokens":50,"output_tokens":50,
               "input_tokens_details":{"text_tokens":10,"image_tokens":40}}}"#,
        )
        .usage;
        assert_eq!((usage.input, usage.input_image, usage.output, usage.output_image), (10, 40, 0, 50));
        assert_eq!((usage.output_images, usage.total()), (0, 100));
    }

    #[test]
    fn images_without_tokens_are_counted() {
        let report = report(Operation::ImageGeneration, r#"{"created":1,"data":[{"url":"a"},{"url":"b"}]}"#);
        assert_eq!((report.usage.output_images, report.usage_reported), (2, false));
    }

    #[test]
    fn transcripts_are_billed_by_tokens_or_by_time() {
        let usage = |body| report(Operation::Transcription, body).usage;
        let tokens = usage(
            r#"{"text":"a","usage":{"type":"tokens","input_tokens":14,"output_tokens":4,"total_tokens":18,
               "input_token_details":{"text_tokens":4,"audio_tokens":10}}}"#,
        );
        assert_eq!((tokens.input, tokens.input_audio, tokens.output), (4, 10, 4));
        assert_eq!(usage(r#"{"text":"a","usage":{"type":"duration","seconds":9}}"#).input_millis, 9_000);
        assert_eq!(usage(r#"{"text":"a","duration":8.47}"#).input_millis, 8_470);
        assert_eq!(usage(r#"{"text":"a","duration":"1.5"}"#).input_millis, 1_500);
    }

    #[test]
    fn an_error_with_a_success_status_is_an_error() {
        for body in [r#"{"error":{"message":"no","type":"server_error"}}"#, "[]", "oops"] {
            let mut reply = Passthrough::new(MediaWatch::new(Operation::Speech));
            assert!(reply.whole(Bytes::from_static(body.as_bytes())).is_err(), "{body}");
        }
    }

    #[test]
    fn events_pass_untouched_and_their_last_one_is_read() {
        let stream = "event: image_generation.partial_image\ndata: {\"type\":\"image_generation.partial_image\",\
            \"b64_json\":\"x\"}\n\nevent: image_generation.completed\ndata: {\"type\":\"image_generation.completed\",\
            \"b64_json\":\"y\",\"usage\":{\"input_tokens\":3,\"output_tokens\":7}}\n\n";
        for size in [1, 7, stream.len()] {
            let mut reply = Passthrough::new(MediaWatch::new(Operation::ImageGeneration));
            let (mut frames, mut out) = (Frames::default(), Vec::new());
            for piece in stream.as_bytes().chunks(size) {
                reply.push(Bytes::copy_from_slice(piece), &mut frames).unwrap();
            }
            reply.finish(&mut frames).unwrap();
            while let Some(frame) = frames.pop() {
                out.extend_from_slice(&frame);
            }
            assert_eq!(out, stream.as_bytes());
            let usage = reply.report().usage;
            assert_eq!((usage.input, usage.output_image), (3, 7));
        }
    }

    #[test]
    fn a_stream_without_its_last_event_ends_in_an_error() {
        let mut reply = Passthrough::new(MediaWatch::new(Operation::Transcription));
        let mut frames = Frames::default();
        let piece = "data: {\"type\":\"transcript.text.delta\",\"delta\":\"a\"}\n\n";
        reply.push(Bytes::from_static(piece.as_bytes()), &mut frames).unwrap();
        reply.finish(&mut frames).unwrap();
        assert!(reply.has_failed() && reply.report().cut_short);
    }
}
