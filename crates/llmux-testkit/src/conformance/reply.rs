//! The rules of [`Reply`].

use bytes::Bytes;
use llmux_core::{Error, ErrorKind, Frames, Reply, ReplyReport};

use crate::splits;

/// Checks a reader of streams on one whole stream of its provider:
///
/// - however the bytes are split, output and report are the same;
/// - the output is whole frames at any time;
/// - a stream that ends early or breaks off ends with an error frame, or fails when nothing was put out;
/// - a stream of nothing fails.
///
/// # Panics
/// When a rule is broken.
pub fn reply(make: impl Fn() -> Box<dyn Reply>, stream: &[u8]) {
    framed_reply(make, stream, Framing::Events, Framing::Events);
}

/// How a stream is cut into frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events, of which a blank line ends each, or Amazon's messages.
    Events,
    /// One JSON value on each line.
    Lines,
}

/// As [`reply`], for a provider's stream and a client's that are cut into frames in these ways.
///
/// # Panics
/// When a rule is broken.
pub fn framed_reply(make: impl Fn() -> Box<dyn Reply>, stream: &[u8], provider: Framing, client: Framing) {
    let expected = read(&mut *make(), [Bytes::copy_from_slice(stream)], client);
    assert_eq!(expected.error, None, "a whole stream must not fail");
    assert!(!expected.output.is_empty(), "a whole stream gives output");
    assert!(!expected.report.cut_short, "a whole stream is not cut short");
    for pieces in splits(stream) {
        let lengths: Vec<_> = pieces.iter().take(8).map(Bytes::len).collect();
        let outcome = read(&mut *make(), pieces, client);
        assert_same(&outcome, &expected, &format!("split into {lengths:?} …"));
    }

    let nothing = read(&mut *make(), [], client);
    assert!(nothing.error.is_some() && nothing.output.is_empty(), "a stream of nothing fails");
    let frames = frames(stream, provider);
    // A stream this short may be complete with its first frame already.
    if let [first, _, _, ..] = frames.as_slice() {
        ends_early(&make, &first[..first.len() / 2], client);
        ends_early(&make, first, client);
        breaks_off(&make, first, client);
    }
}

/// Checks a reader of streams on a stream that begins with the provider's error: it fails, however the bytes
/// are split, and puts nothing out, so that another deployment can be tried.
///
/// # Panics
/// When a rule is broken.
pub fn reply_error(make: impl Fn() -> Box<dyn Reply>, stream: &[u8]) {
    for pieces in splits(stream) {
        let outcome = read(&mut *make(), pieces, Framing::Events);
        assert!(outcome.error.is_some(), "a stream that begins with an error must fail");
        assert_eq!(text(&outcome.output), "", "nothing may be put out before the failure");
    }
}

/// Checks a reader of whole answers: `body`, an answer of its provider, gives a JSON document; what is no
/// answer fails as [`ErrorKind::BadReply`].
///
/// # Panics
/// When a rule is broken.
pub fn whole_reply(make: impl Fn() -> Box<dyn Reply>, body: &[u8]) {
    let answer = make().whole(Bytes::copy_from_slice(body)).expect("an answer of the provider is read");
    serde_json::from_slice::<serde_json::Value>(&answer).expect("the client's answer is JSON");
    for broken in ["", "<html><body>503</body></html>", "{\"id\": \"x", "[]", "null"] {
        let error = make().whole(Bytes::from_static(broken.as_bytes())).expect_err("this is no answer");
        assert_eq!(error.kind(), ErrorKind::BadReply, "{broken:?}: {error}");
    }
}

/// What came of a stream.
#[derive(Debug)]
struct Outcome {
    output: Vec<u8>,
    error: Option<String>,
    report: ReplyReport,
    failed: bool,
}

fn read(reply: &mut dyn Reply, pieces: impl IntoIterator<Item = Bytes>, client: Framing) -> Outcome {
    let mut output = Vec::new();
    let mut error = push(reply, pieces, client, &mut output).err();
    if error.is_none() {
        let mut out = Frames::default();
        error = reply.finish(&mut out).err();
        take(out, client, &mut output);
    }
    if let Some(error) = &error {
        assert_eq!(
            text(&output),
            "",
            "once something was put out errors become frames, not failures: {error}"
        );
    }
    let (report, failed) = (reply.report(), reply.has_failed());
    Outcome { output, error: error.as_ref().map(ToString::to_string), report, failed }
}

fn push(
    reply: &mut dyn Reply,
    pieces: impl IntoIterator<Item = Bytes>,
    client: Framing,
    output: &mut Vec<u8>,
) -> Result<(), Error> {
    for piece in pieces {
        let mut out = Frames::default();
        reply.push(piece, &mut out)?;
        take(out, client, output);
    }
    Ok(())
}

/// Moves what was put out, after checking that it ends with a whole frame.
fn take(mut out: Frames, client: Framing, output: &mut Vec<u8>) {
    if out.is_empty() {
        return;
    }
    while let Some(frame) = out.pop() {
        output.extend_from_slice(&frame);
    }
    let whole = if client == Framing::Lines {
        output.ends_with(b"\n")
    } else if is_event_stream(output) {
        frames(output, client).into_iter().map(<[u8]>::len).sum::<usize>() == output.len()
    } else {
        output.is_empty() || [&b"\n\n"[..], b"\r\n\r\n"].iter().any(|end| output.ends_with(end))
    };
    assert!(whole, "the output stops inside a frame: {}", text(output));
}

fn assert_same(outcome: &Outcome, expected: &Outcome, how: &str) {
    assert_eq!(outcome.error, expected.error, "{how}: another outcome than in one piece");
    assert_eq!(text(&outcome.output), text(&expected.output), "{how}: another output than in one piece");
    assert_eq!(outcome.report, expected.report, "{how}: another report than in one piece");
    assert_eq!(outcome.failed, expected.failed, "{how}: failed otherwise than in one piece");
}

/// The provider ends the stream in good order, but too early.
fn ends_early(make: impl Fn() -> Box<dyn Reply>, stream: &[u8], client: Framing) {
    let mut pushed = Vec::new();
    push(&mut *make(), [Bytes::copy_from_slice(stream)], client, &mut pushed)
        .expect("the stream begins well");
    let outcome = read(&mut *make(), [Bytes::copy_from_slice(stream)], client);
    if outcome.error.is_some() {
        return;
    }
    assert!(outcome.report.cut_short, "a stream without its end is reported as cut short");
    assert!(outcome.failed, "a stream without its end has failed");
    let added = outcome.output.strip_prefix(&pushed[..]).expect("output is never taken back");
    assert!(is_error(&text(added)), "a stream without its end gets an error frame: {}", text(added));
}

/// The connection breaks off.
fn breaks_off(make: impl Fn() -> Box<dyn Reply>, stream: &[u8], client: Framing) {
    let mut reply = make();
    let mut output = Vec::new();
    push(&mut *reply, [Bytes::copy_from_slice(stream)], client, &mut output).expect("the stream begins well");
    let before = output.len();
    let mut out = Frames::default();
    reply.fail(&Error::upstream(ErrorKind::Connection, "the connection broke off"), &mut out);
    take(out, client, &mut output);
    let added = text(&output[before..]);
    assert!(is_error(&added) && added.contains("broke off"), "no error frame: {added:?}");
    assert!(reply.has_failed(), "a stream that broke off has failed");
}

/// Whether frames tell of a failure: as an error, or as Amazon's streams say it.
fn is_error(frames: &str) -> bool {
    frames.contains("error") || frames.contains(":exception-type")
}

/// Whether a stream is one of Amazon's: messages that begin with their length, of less than 16 MiB.
fn is_event_stream(stream: &[u8]) -> bool {
    stream.first() == Some(&0)
}

/// The frames of a stream: server-sent events or lines with their separators, or messages of Amazon's.
fn frames(stream: &[u8], framing: Framing) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    if is_event_stream(stream) {
        let mut rest = stream;
        while let Some(length) = rest.first_chunk().map(|length| u32::from_be_bytes(*length) as usize) {
            let Some((frame, after)) = rest.split_at_checked(length) else { break };
            frames.push(frame);
            rest = after;
        }
        return frames;
    }
    let mut start = 0;
    for end in 1..=stream.len() {
        let read = &stream[start..end];
        let line = framing == Framing::Lines && read.ends_with(b"\n");
        if line || read.ends_with(b"\n\n") || read.ends_with(b"\r\n\r\n") {
            frames.push(read);
            start = end;
        }
    }
    frames
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
