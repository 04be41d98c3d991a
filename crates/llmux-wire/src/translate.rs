//! A reply whose dialect changes on the way: a provider's reader, the neutral model, a client's writer.

use bytes::{Bytes, BytesMut};
use llmux_core::{Error, ErrorKind, Frames, Reply, ReplyReport, Result};

use crate::{
    chat::{ChatAnswer, Event},
    stream::{StreamReader, StreamWriter},
};

type AnswerReader = fn(&[u8]) -> Result<ChatAnswer>;
type AnswerWriter = Box<dyn Fn(&ChatAnswer) -> Bytes + Send>;

/// Turns answers of one dialect into another.
pub struct Translated {
    read_answer: AnswerReader,
    write_answer: AnswerWriter,
    reader: Box<dyn StreamReader>,
    writer: Box<dyn StreamWriter>,
    report: ReplyReport,
    /// The model to name where the provider names none.
    model: String,
    /// The opening event, held back until the next one shows that it is not an error.
    start: Option<Event>,
    started: bool,
    over: bool,
    events: Vec<Event>,
}

impl Translated {
    /// Puts the halves together.
    #[must_use]
    pub fn new(
        read_answer: AnswerReader,
        write_answer: impl Fn(&ChatAnswer) -> Bytes + Send + 'static,
        reader: impl StreamReader + 'static,
        writer: impl StreamWriter + 'static,
    ) -> Self {
        Self {
            read_answer,
            write_answer: Box::new(write_answer),
            reader: Box::new(reader),
            writer: Box::new(writer),
            report: ReplyReport::default(),
            model: String::new(),
            start: None,
            started: false,
            over: false,
            events: Vec::new(),
        }
    }

    /// Names the model for providers whose answers do not.
    #[must_use]
    pub fn with_model(mut self, model: &str) -> Self {
        model.clone_into(&mut self.model);
        self
    }

    fn forward(&mut self, mut event: Event, out: &mut BytesMut) -> Result<()> {
        if self.over {
            return Ok(());
        }
        match &mut event {
            Event::Start { model, .. } => {
                if model.is_empty() {
                    self.model.clone_into(model);
                }
                self.report.model = Some(model.clone()).filter(|model| !model.is_empty());
                self.start = Some(event);
                return Ok(());
            }
            Event::Ping if !self.started => return Ok(()),
            Event::Error(error) => {
                self.report.stream_error = Some(error.message().to_owned());
                self.over = true;
            }
            Event::Usage(usage) => {
                self.report.usage.update(usage);
                self.report.usage_reported = true;
            }
            Event::Finish { reason, .. } => self.report.finish_reason = Some(reason.openai().to_owned()),
            Event::End => self.over = true,
            _ => {}
        }
        match event {
            // Nothing has gone out: another deployment may still answer.
            Event::Error(error) if !self.started => return Err(error),
            event => {
                self.open(out);
                self.writer.event(event, out);
            }
        }
        Ok(())
    }

    fn open(&mut self, out: &mut BytesMut) {
        self.started = true;
        if let Some(start) = self.start.take() {
            self.writer.event(start, out);
        }
    }

    /// Forwards the events read so far, also those in front of a failure.
    fn drain(&mut self, read: Result<()>, out: &mut Frames) -> Result<()> {
        let mut bytes = BytesMut::new();
        let mut events = std::mem::take(&mut self.events);
        let forwarded = events.drain(..).try_for_each(|event| self.forward(event, &mut bytes));
        self.events = events;
        let result = forwarded.and(read);
        if let Err(error) = &result
            && self.started
            && !self.over
        {
            self.over = true;
            self.report.stream_error = Some(error.message().to_owned());
            self.writer.error(error, &mut bytes);
        }
        out.push(bytes.freeze());
        if self.started { Ok(()) } else { result }
    }
}

impl Reply for Translated {
    fn whole(&mut self, body: Bytes) -> Result<Bytes> {
        let mut answer = (self.read_answer)(&body)?;
        if answer.model.is_empty() {
            self.model.clone_into(&mut answer.model);
        }
        if let Some(usage) = answer.usage {
            self.report.usage = usage;
            self.report.usage_reported = true;
        }
        self.report.model = Some(answer.model.clone()).filter(|model| !model.is_empty());
        let finish = answer.choices.first().and_then(|choice| choice.finish.as_ref());
        self.report.finish_reason = finish.map(|reason| reason.openai().to_owned());
        Ok((self.write_answer)(&answer))
    }

    fn push(&mut self, piece: Bytes, out: &mut Frames) -> Result<()> {
        if self.over {
            return Ok(());
        }
        let mut events = std::mem::take(&mut self.events);
        let read = self.reader.push(&piece, &mut events);
        self.events = events;
        self.drain(read, out)
    }

    fn finish(&mut self, out: &mut Frames) -> Result<()> {
        if self.over {
            return Ok(());
        }
        let mut events = std::mem::take(&mut self.events);
        let mut read = self.reader.finish(&mut events);
        self.events = events;
        if self.started && read.is_err() {
            // The provider stopped in the middle of an event.
            self.report.cut_short = true;
            read = Err(cut_short());
        }
        self.drain(read, out)?;
        if self.over {
            return Ok(());
        }
        self.report.cut_short = true;
        if !self.started {
            return Err(cut_short());
        }
        self.fail(&cut_short(), out);
        Ok(())
    }

    fn fail(&mut self, error: &Error, out: &mut Frames) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        self.report.stream_error = Some(error.message().to_owned());
        let mut bytes = BytesMut::new();
        self.open(&mut bytes);
        self.writer.error(error, &mut bytes);
        out.push(bytes.freeze());
    }

    fn report(&self) -> ReplyReport {
        self.report.clone()
    }
}

/// The error for a stream that ended without its terminal event.
#[must_use]
pub(crate) fn cut_short() -> Error {
    Error::upstream(ErrorKind::BadReply, "the provider's stream ended before the answer was complete")
}
