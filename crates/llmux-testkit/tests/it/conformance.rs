//! The suites pass what keeps the rules and fail what does not.

use bytes::Bytes;
use llmux_core::{Candidate, Error, ErrorKind, Frames, PickContext, Reply, ReplyReport, Result, Strategy};
use llmux_testkit::{answers, conformance};

/// Picks by a rule that a test sets.
struct ByRule(fn(&[Candidate<'_>], u64) -> Option<usize>);

impl Strategy for ByRule {
    fn pick(&self, candidates: &[Candidate<'_>], cx: &PickContext) -> Option<usize> {
        (self.0)(candidates, cx.random)
    }
}

fn spread(candidates: &[Candidate<'_>], random: u64) -> Option<usize> {
    random.checked_rem(candidates.len() as u64).map(|index| index as usize)
}

#[test]
fn a_strategy_that_keeps_the_rules_passes() {
    conformance::strategy(&ByRule(spread));
}

#[test]
#[should_panic(expected = "is no index into")]
fn a_strategy_that_picks_out_of_range_fails() {
    conformance::strategy(&ByRule(|candidates, _| (!candidates.is_empty()).then_some(candidates.len())));
}

#[test]
#[should_panic(expected = "must be picked")]
fn a_strategy_that_picks_nothing_fails() {
    conformance::strategy(&ByRule(|_, _| None));
}

/// Passes the frames of an OpenAI stream, with the faults that a test asks for.
#[derive(Default)]
struct PassThrough {
    buffer: Vec<u8>,
    begun: bool,
    done: bool,
    cut_short: bool,
    failed: bool,
    passes_pieces: bool,
    forgives_cuts: bool,
}

impl Reply for PassThrough {
    fn whole(&mut self, body: Bytes) -> Result<Bytes> {
        let is_answer = serde_json::from_slice::<serde_json::Value>(&body).is_ok_and(|body| body.is_object());
        is_answer.then_some(body).ok_or_else(|| Error::upstream(ErrorKind::BadReply, "no answer"))
    }

    fn push(&mut self, piece: Bytes, out: &mut Frames) -> Result<()> {
        if self.passes_pieces {
            out.push(piece);
            return Ok(());
        }
        self.buffer.extend_from_slice(&piece);
        while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
            let frame: Vec<u8> = self.buffer.drain(..end + 2).collect();
            if !self.begun && frame.starts_with(b"data: {\"error\"") {
                return Err(Error::upstream(ErrorKind::ProviderFault, "the stream begins with an error"));
            }
            self.begun = true;
            self.done |= frame == b"data: [DONE]\n\n";
            out.push(frame);
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Frames) -> Result<()> {
        if !self.begun {
            return Err(Error::upstream(ErrorKind::BadReply, "an empty stream"));
        }
        if !self.done && !self.forgives_cuts {
            (self.cut_short, self.failed) = (true, true);
            out.push("data: {\"error\": {\"message\": \"cut short\"}}\n\n");
        }
        Ok(())
    }

    fn fail(&mut self, error: &Error, out: &mut Frames) {
        self.failed = true;
        out.push(format!("data: {{\"error\": {{\"message\": \"{}\"}}}}\n\n", error.message()));
    }

    fn has_failed(&self) -> bool {
        self.failed
    }

    fn report(&self) -> ReplyReport {
        let mut report = ReplyReport::default();
        report.cut_short = self.cut_short;
        report
    }
}

fn stream() -> Bytes {
    answers::openai_stream(&["Hello", " world"]).bytes()
}

#[test]
fn a_reply_that_keeps_the_rules_passes() {
    let make = || Box::new(PassThrough::default()) as Box<dyn Reply>;
    conformance::reply(make, &stream());
    conformance::reply_error(make, b"data: {\"error\": {\"message\": \"no\"}}\n\n");
    conformance::whole_reply(make, &answers::openai_chat("hi").bytes());
}

#[test]
#[should_panic(expected = "the output stops inside a frame")]
fn a_reply_that_puts_out_parts_of_frames_fails() {
    let broken = || PassThrough { passes_pieces: true, begun: true, done: true, ..PassThrough::default() };
    conformance::reply(|| Box::new(broken()), &stream());
}

#[test]
#[should_panic(expected = "is reported as cut short")]
fn a_reply_that_overlooks_a_missing_end_fails() {
    let broken = || PassThrough { forgives_cuts: true, ..PassThrough::default() };
    conformance::reply(|| Box::new(broken()), &stream());
}

#[test]
#[should_panic(expected = "must fail")]
fn a_reply_that_passes_an_error_at_the_beginning_fails() {
    let broken = || PassThrough { begun: true, ..PassThrough::default() };
    conformance::reply_error(|| Box::new(broken()), b"data: {\"error\": {\"message\": \"no\"}}\n\n");
}
