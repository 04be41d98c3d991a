//! Pictures and sounds that stand for texts: small, made from nothing but the text, and the same each time.

use bytes::{BufMut, Bytes, BytesMut};
use http::StatusCode;
use llmux_core::{Call, Error, Exchange, Operation, Outgoing, Result, ScriptedReply, Usage};
use llmux_wire::{
    openai::{MediaWatch, write_images},
    passthrough::Passthrough,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Echo, answer::words, headers};

/// Most images of one answer, as OpenAI has it.
const MAX_IMAGES: u64 = 10;
/// Width and height of a picture.
const SIDE: u32 = 8;
/// Samples a second of a sound: one byte each, one channel.
const RATE: u32 = 8_000;
/// Samples that a character is heard for: a twentieth of a second.
const PER_CHARACTER: usize = 400;
/// Characters that are heard at most; the rest is silence nobody needs.
const MAX_HEARD: usize = 600;

/// Pictures in the colours of the prompt.
pub(super) fn images(echo: &Echo, call: &Call<'_>) -> Result<Exchange> {
    // Variations have none.
    let prompt =
        if call.operation == Operation::ImageVariation { Ok(String::new()) } else { text(call, "prompt") }?;
    let count = count(call);
    if !(1..=MAX_IMAGES).contains(&count) {
        return Err(Error::invalid("n", format!("`n` must be between 1 and {MAX_IMAGES}")));
    }
    let pictures: Vec<_> = (0..count).map(|at| png(&prompt, at)).collect();
    let mut usage = Usage::default();
    usage.input = words(&prompt);
    usage.output_image = count;
    let body = write_images(call.created, &pictures, "png", &usage);
    if !call.stream {
        return Ok(exchange(echo, call, "application/json", vec![body]));
    }
    let mut event: Value = serde_json::from_slice(&body).unwrap_or_default();
    let picture = event.pointer_mut("/data/0/b64_json").map(Value::take).unwrap_or_default();
    let told = event.get_mut("usage").map(Value::take).unwrap_or_default();
    let partial = json!({ "type": "image_generation.partial_image", "b64_json": picture,
        "created_at": call.created, "partial_image_index": 0, "output_format": "png" });
    let last = json!({ "type": "image_generation.completed", "b64_json": picture,
        "created_at": call.created, "output_format": "png", "usage": told });
    let frame = |event: Value| {
        let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
        Bytes::from(format!("event: {kind}\ndata: {event}\n\n"))
    };
    Ok(exchange(echo, call, "text/event-stream", vec![frame(partial), frame(last)]))
}

/// How many are wanted. The fields of a form are texts.
fn count(call: &Call<'_>) -> u64 {
    let wanted = call.envelope.get(call.body, "n").filter(|raw| *raw != b"null").unwrap_or(b"1");
    serde_json::from_slice(wanted.trim_ascii())
        .or_else(|_| serde_json::from_slice::<String>(wanted).map(|text| text.parse().unwrap_or_default()))
        .unwrap_or_default()
}

/// The words of any recording: those of the prompt, or of the deployment. The file is not looked at.
pub(super) fn transcript(echo: &Echo, call: &Call<'_>) -> Exchange {
    let prompt = text(call, "prompt").ok().filter(|prompt| !prompt.is_empty());
    let words = echo.faults.text.clone().or(prompt).unwrap_or_else(|| "Hello from LLMux".to_owned());
    if call.stream {
        let delta = json!({ "type": "transcript.text.delta", "delta": words });
        let done = json!({ "type": "transcript.text.done", "text": words });
        let frames = [delta, done].map(|event| Bytes::from(format!("data: {event}\n\n")));
        return exchange(echo, call, "text/event-stream", frames.into());
    }
    let format = text(call, "response_format").unwrap_or_default();
    let (kind, body) = match format.as_str() {
        "text" => ("text/plain; charset=utf-8", format!("{words}\n")),
        "srt" => ("text/plain; charset=utf-8", format!("1\n00:00:00,000 --> 00:00:01,000\n{words}\n\n")),
        "vtt" => ("text/vtt; charset=utf-8", format!("WEBVTT\n\n00:00.000 --> 00:01.000\n{words}\n\n")),
        "verbose_json" => {
            let body = json!({ "task": "transcribe", "language": "english", "duration": 1.0, "text": words });
            ("application/json", body.to_string())
        }
        _ => ("application/json", json!({ "text": words }).to_string()),
    };
    exchange(echo, call, kind, vec![body.into()])
}

/// A tone for each character: WAV, or its bare samples for those that ask for `pcm`.
pub(super) fn speech(echo: &Echo, call: &Call<'_>) -> Result<Exchange> {
    let input = text(call, "input")?;
    let format = call.envelope.get(call.body, "response_format");
    let samples = tones(&input);
    let (kind, sound) =
        if format == Some(b"\"pcm\"") { ("audio/pcm", samples) } else { ("audio/wav", wav(&samples)) };
    let mut rest = sound;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        pieces.push(rest.split_to(rest.len().min(16 << 10)));
    }
    Ok(exchange(echo, call, kind, pieces))
}

/// Nothing that is said to the echo breaks rules.
pub(super) fn moderation(echo: &Echo, call: &Call<'_>) -> Result<Exchange> {
    let input = call.envelope.get(call.body, "input").unwrap_or(b"null");
    let count = match serde_json::from_slice(input) {
        Ok(Value::Array(inputs)) => inputs.len(),
        Ok(Value::String(_)) => 1,
        _ => return Err(Error::invalid("input", "`input` must be a string or an array")),
    };
    let results = vec![json!({ "flagged": false, "categories": {}, "category_scores": {} }); count];
    let id = format!("modr-{}", crate::speak::answer_id(call));
    let body = json!({ "id": id, "model": call.model, "results": results }).to_string();
    Ok(exchange(echo, call, "application/json", vec![body.into()]))
}

/// A field that must be a text.
fn text(call: &Call<'_>, name: &str) -> Result<String> {
    let raw = call.envelope.get(call.body, name).unwrap_or(b"null");
    serde_json::from_slice(raw).map_err(|_| Error::invalid(name, format!("`{name}` must be a string")))
}

fn exchange(echo: &Echo, call: &Call<'_>, kind: &'static str, pieces: Vec<Bytes>) -> Exchange {
    let mut usage = Usage::default();
    if call.operation == Operation::Speech {
        usage.input_characters = text(call, "input").map_or(0, |text| text.chars().count() as u64);
    }
    let reply = Passthrough::new(MediaWatch::new(call.operation)).with_usage(usage);
    let waits = std::iter::once(echo.faults.first_byte).chain(std::iter::repeat(echo.faults.between));
    let mut pieces: Vec<_> = waits.zip(pieces).collect();
    let cut = echo.faults.cut_after;
    pieces.truncate(cut.unwrap_or(usize::MAX));
    let scripted = ScriptedReply::pieces(StatusCode::OK, headers(kind), pieces).with_cut(cut.is_some());
    Exchange::media(Outgoing::Answered(scripted), Box::new(reply))
}

/// A picture of coloured squares: PNG (RFC 2083), its data stored and not compressed (RFC 1950 and 1951).
fn png(prompt: &str, at: u64) -> Bytes {
    let mut rows = Vec::new();
    for row in 0..SIDE {
        // No filter.
        rows.push(0);
        let mut hasher = Sha256::new();
        hasher.update(prompt.as_bytes());
        hasher.update(at.to_be_bytes());
        hasher.update(row.to_be_bytes());
        let colours: [u8; 32] = hasher.finalize().into();
        rows.extend_from_slice(colours.get(..SIDE as usize * 3).unwrap_or_default());
    }
    let length = u16::try_from(rows.len()).unwrap_or(u16::MAX);
    let mut data = BytesMut::new();
    data.put_slice(&[0x78, 0x01, 0x01]);
    data.put_u16_le(length);
    data.put_u16_le(!length);
    data.put_slice(&rows);
    data.put_u32(adler32(&rows));
    let mut header = BytesMut::new();
    header.put_u32(SIDE);
    header.put_u32(SIDE);
    // Eight bits for each of red, green and blue.
    header.put_slice(&[8, 2, 0, 0, 0]);
    let mut file = BytesMut::new();
    file.put_slice(b"\x89PNG\r\n\x1a\n");
    for (kind, content) in [(b"IHDR", &header), (b"IDAT", &data), (b"IEND", &BytesMut::new())] {
        file.put_u32(u32::try_from(content.len()).unwrap_or_default());
        let mut sum = crc32fast::Hasher::new();
        sum.update(kind);
        sum.update(content);
        file.put_slice(kind);
        file.put_slice(content);
        file.put_u32(sum.finalize());
    }
    file.freeze()
}

/// The checksum of RFC 1950.
fn adler32(bytes: &[u8]) -> u32 {
    let (low, high) = bytes.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    high << 16 | low
}

/// Square waves, the higher the letter the higher the tone.
fn tones(text: &str) -> Bytes {
    let mut samples = BytesMut::new();
    for letter in text.chars().take(MAX_HEARD) {
        let half = 40 - (u32::from(letter) % 32) as usize;
        let wave = (0..PER_CHARACTER).map(|at| if (at / half).is_multiple_of(2) { 0x60 } else { 0xA0 });
        samples.extend(wave);
    }
    samples.freeze()
}

/// The samples as a WAV file: one channel, eight bits.
fn wav(samples: &[u8]) -> Bytes {
    let length = u32::try_from(samples.len()).unwrap_or_default();
    let mut file = BytesMut::with_capacity(samples.len() + 44);
    file.put_slice(b"RIFF");
    file.put_u32_le(length + 36);
    file.put_slice(b"WAVEfmt ");
    file.put_u32_le(16);
    // PCM, one channel.
    file.put_u16_le(1);
    file.put_u16_le(1);
    file.put_u32_le(RATE);
    // A byte for each sample.
    file.put_u32_le(RATE);
    file.put_u16_le(1);
    file.put_u16_le(8);
    file.put_slice(b"data");
    file.put_u32_le(length);
    file.put_slice(samples);
    file.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_files_that_follow_from_the_prompt() {
        let picture = png("a", 0);
        assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n") && picture.ends_with(b"IEND\xae\x42\x60\x82"));
        assert_eq!(picture, png("a", 0));
        assert!(picture != png("b", 0) && picture != png("a", 1));
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
    }

    #[test]
    fn a_sound_is_as_long_as_its_text() {
        let sound = wav(&tones("abc"));
        assert_eq!(sound.len(), 44 + 3 * PER_CHARACTER);
        assert_eq!(sound.get(40..44), Some(&1_200_u32.to_le_bytes()[..]));
    }
}
