//! A reply that passes as it comes: client and provider speak the same dialect.
//!
//! Whole frames are handed on as the bytes they arrived in. A byte search decides whether one is worth a
//! closer look: usage, the terminal event, an error. What is in the others is not looked at, so a frame of garbage
//! without such a word reaches the client as it would if he had asked the provider himself.

use std::ops::ControlFlow;

use bytes::{Bytes, BytesMut};
use llmux_core::{Error, ErrorKind, Frames, Reply, ReplyReport, Result, Usage};
use memchr::memmem;

use crate::{course::Course, sse::MAX_EVENT};

/// What a dialect needs to know of the answers that pass.
pub trait Watch: Send {
    /// Looks at a whole answer.
    ///
    /// # Errors
    /// When it is none, or an error in disguise.
    fn whole(&mut self, body: &[u8], report: &mut ReplyReport) -> Result<()>;

    /// Looks at one frame of a stream: its lines, blank line included.
    ///
    /// Gives what to hand on: `Continue` for the frame as it is, `Break` for other bytes, possibly none.
    ///
    /// # Errors
    /// When the frame is an error of the provider.
    fn frame(&mut self, frame: &[u8], report: &mut ReplyReport) -> Result<ControlFlow<Bytes>>;

    /// Whether frames that hold none of the interesting words can be skipped unseen.
    fn is_dull(&self, frames: &[u8]) -> bool;

    /// Whether a frame at the beginning only announces an answer: an error may still take its place.
    fn is_preamble(&self, frame: &[u8]) -> bool {
        !carries_data(frame)
    }

    /// Where the first frame of `bytes` ends; `None` when it is not complete. Frames end in a blank line unless the
    /// dialect frames its streams otherwise.
    fn frame_end(&self, bytes: &[u8]) -> Option<usize> {
        frame_end(bytes)
    }

    /// Where the last complete frame of `bytes` ends; zero if there is none.
    fn last_frame_end(&self, bytes: &[u8]) -> usize {
        last_frame_end(bytes)
    }

    /// Completes the last frame as far as its end is only a formality: some hosts leave out the blank line behind
    /// their last event.
    fn complete(&self, last: &mut BytesMut) {
        let _ = last.split_off(last.trim_ascii_end().len());
        last.extend_from_slice(b"\n\n");
    }

    /// Whether the stream has come to its proper end.
    fn is_complete(&self) -> bool;

    /// Appends the dialect's error frame.
    fn write_error(&self, error: &Error, out: &mut BytesMut);
}

/// Hands answers on and watches them.
pub struct Passthrough<W> {
    watch: W,
    course: Course,
    /// The beginning of a frame that is not complete yet.
    held: BytesMut,
}

impl<W: Watch> Passthrough<W> {
    /// A reply at its start.
    #[must_use]
    pub fn new(watch: W) -> Self {
        Self { watch, course: Course::default(), held: BytesMut::new() }
    }

    /// Starts from what the request alone says was consumed; what the answer says replaces it.
    #[must_use]
    pub fn with_usage(mut self, usage: Usage) -> Self {
        self.course.report.usage = usage;
        self
    }

    /// Whether complete frames hold nothing of the answer yet.
    fn is_preamble(&self, mut frames: &[u8]) -> bool {
        while !frames.is_empty() {
            let (frame, rest) = frames.split_at(self.watch.frame_end(frames).unwrap_or(frames.len()));
            if !self.watch.is_preamble(frame) {
                return false;
            }
            frames = rest;
        }
        true
    }

    /// Hands complete frames on.
    ///
    /// # Errors
    /// When the stream begins with an error, or holds a frame that is none; those in front of it are handed on.
    fn frames(&mut self, mut frames: Bytes, out: &mut Frames) -> Result<()> {
        if self.course.started && self.watch.is_dull(&frames) {
            out.push(frames);
            return Ok(());
        }
        // Runs of frames that pass unchanged are handed on in one piece.
        let mut kept = 0;
        while let Some(rest) = frames.get(kept..).filter(|rest| !rest.is_empty()) {
            let end = kept + self.watch.frame_end(rest).unwrap_or(rest.len());
            let frame = frames.slice(kept..end);
            if self.course.started && self.watch.is_dull(&frame) {
                kept = end;
                continue;
            }
            match self.watch.frame(&frame, &mut self.course.report) {
                Ok(ControlFlow::Continue(())) => kept = end,
                Ok(ControlFlow::Break(other)) => {
                    out.push(frames.split_to(kept));
                    out.push(other);
                    let _ = frames.split_to(frame.len());
                    kept = 0;
                }
                Err(error) if !self.course.started => return Err(error),
                Err(error) if error.kind() == ErrorKind::BadReply => {
                    out.push(frames.split_to(kept));
                    return Err(error);
                }
                Err(error) => {
                    // The provider's own error frame is in the client's dialect already. Nothing follows it.
                    self.course.fail(&error);
                    out.push(frames.split_to(kept));
                    out.push(frame);
                    return Ok(());
                }
            }
            self.course.started |= !self.watch.is_preamble(&frame);
        }
        out.push(frames);
        Ok(())
    }
}

impl<W: Watch> Reply for Passthrough<W> {
    fn whole(&mut self, body: Bytes) -> Result<Bytes> {
        self.watch.whole(&body, &mut self.course.report)?;
        Ok(body)
    }

    fn push(&mut self, piece: Bytes, out: &mut Frames) -> Result<()> {
        if self.course.over {
            return Ok(());
        }
        let mut piece = if self.held.is_empty() {
            piece
        } else {
            self.held.extend_from_slice(&piece);
            self.held.split().freeze()
        };
        let mut complete = self.watch.last_frame_end(&piece);
        // What is in front of the answer waits for it: an error may come instead, and another deployment's turn.
        if !self.course.started && self.is_preamble(piece.get(..complete).unwrap_or_default()) {
            complete = 0;
        }
        let rest = piece.split_off(complete);
        if !rest.is_empty() {
            if rest.len() > MAX_EVENT {
                return Err(Error::upstream(
                    ErrorKind::BadReply,
                    "the provider sent an event that is too long",
                ));
            }
            self.held.extend_from_slice(&rest);
        }
        if piece.is_empty() {
            return Ok(());
        }
        match self.frames(piece, out) {
            Err(error) if self.course.started => {
                self.fail(&error, out);
                Ok(())
            }
            watched => watched,
        }
    }

    fn finish(&mut self, out: &mut Frames) -> Result<()> {
        if self.course.over {
            return Ok(());
        }
        let mut held = self.held.split();
        if !held.is_empty() {
            self.watch.complete(&mut held);
            let mut last = Frames::default();
            let watched = self.frames(held.freeze(), &mut last);
            if self.watch.is_complete() || self.course.over {
                while let Some(piece) = last.pop() {
                    out.push(piece);
                }
            } else if !self.course.started {
                watched?;
            }
        }
        if self.watch.is_complete() || self.course.over {
            self.course.over = true;
            return Ok(());
        }
        let error = self.course.cut_short()?;
        self.fail(&error, out);
        Ok(())
    }

    fn fail(&mut self, error: &Error, out: &mut Frames) {
        if self.course.over {
            return;
        }
        self.course.fail(error);
        let mut frame = BytesMut::new();
        self.watch.write_error(error, &mut frame);
        out.push(frame.freeze());
    }

    fn has_failed(&self) -> bool {
        self.course.has_failed()
    }

    fn report(&self) -> ReplyReport {
        self.course.report.clone()
    }
}

/// Whether a frame says anything: comments do not.
pub(crate) fn carries_data(frame: &[u8]) -> bool {
    memmem::find(frame, b"data:").is_some()
}

/// Where the first frame of `bytes` ends, blank line included.
fn frame_end(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'\n', bytes.get(from..)?) {
        let next = from + at + 1;
        match bytes.get(next..)? {
            [b'\n', ..] => return Some(next + 1),
            [b'\r', b'\n', ..] => return Some(next + 2),
            _ => from = next,
        }
    }
    None
}

/// Where the last complete frame of `bytes` ends; zero if there is none.
fn last_frame_end(bytes: &[u8]) -> usize {
    // Hosts send whole frames nearly always.
    if bytes.ends_with(b"\n\n") {
        return bytes.len();
    }
    let plain = memmem::rfind(bytes, b"\n\n").map_or(0, |at| at + 2);
    let carriage = memmem::rfind(bytes, b"\n\r\n").map_or(0, |at| at + 3);
    plain.max(carriage)
}

/// The data of a frame, if it has exactly one line of it.
#[must_use]
pub(crate) fn frame_data(frame: &[u8]) -> Option<&[u8]> {
    let mut lines = frame.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data:"));
    let data = lines.next().filter(|_| lines.next().is_none())?;
    Some(data.trim_ascii())
}
