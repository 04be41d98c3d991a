//! A reply whose dialect changes on the way: a provider's reader, the neutral model, a client's writer.

use bytes::{Bytes, BytesMut};
use llmux_core::{Error, Frames, Reply, ReplyReport, Result, ServiceTier};

use crate::{
    chat::{ChatAnswer, Event},
    course::{Course, cut_short},
    stream::{StreamReader, StreamWriter},
};

/// Room for what is written of one piece: most frames of most dialects fit.
const FRAME: usize = 512;

type AnswerReader = Box<dyn Fn(&[u8]) -> Result<ChatAnswer> + Send>;
type AnswerWriter = Box<dyn Fn(&ChatAnswer) -> Bytes + Send>;

/// Turns answers of one dialect into another.
pub struct Translated {
    read_answer: AnswerReader,
    write_answer: AnswerWriter,
    reader: Box<dyn StreamReader>,
    writer: Box<dyn StreamWriter>,
    course: Course,
    /// The model to name where the provider names none.
    model: String,
    /// The opening event, held back until the next one shows that it is not an error.
    start: Option<Event>,
    events: Vec<Event>,
}

impl Translated {
    /// Puts the halves together.
    #[must_use]
    pub fn new(
        read_answer: impl Fn(&[u8]) -> Result<ChatAnswer> + Send + 'static,
        write_answer: impl Fn(&ChatAnswer) -> Bytes + Send + 'static,
        reader: impl StreamReader + 'static,
        writer: impl StreamWriter + 'static,
    ) -> Self {
        Self {
            read_answer: Box::new(read_answer),
            write_answer: Box::new(write_answer),
            reader: Box::new(reader),
            writer: Box::new(writer),
            course: Course::default(),
            model: String::new(),
            start: None,
            events: Vec::new(),
        }
    }

    /// Names the model for providers whose answers do not.
    #[must_use]
    pub fn with_model(mut self, model: &str) -> Self {
        model.clone_into(&mut self.model);
        self
    }

    /// Writes one event to `bytes`. What is written before an error goes to `out`: the error has a piece of its own.
    fn forward(&mut self, mut event: Event, bytes: &mut BytesMut, out: &mut Frames) -> Result<()> {
        if self.course.over {
            return Ok(());
        }
        match &mut event {
            Event::Start { model, service_tier, .. } => {
                if model.is_empty() {
                    self.model.clone_into(model);
                }
                self.course.report.service = service_of(service_tier.as_deref());
                self.course.report.model = Some(model.clone()).filter(|model| !model.is_empty());
                self.start = Some(event);
                return Ok(());
            }
            Event::Ping if !self.course.started => return Ok(()),
            Event::Error(error) => self.course.fail(error),
            Event::Usage(usage) => {
                self.course.report.usage.update(usage);
                self.course.report.usage_reported = true;
            }
            Event::Finish { reason, .. } => {
                self.course.report.finish_reason = Some(reason.openai().to_owned())
            }
            Event::End => self.course.over = true,
            _ => {}
        }
        match event {
            // Nothing has gone out: another deployment may still answer.
            Event::Error(error) if !self.course.started => return Err(error),
            event => {
                self.open(bytes);
                if matches!(event, Event::Error(_)) {
                    out.push(bytes.split().freeze());
                }
                self.writer.event(event, bytes);
            }
        }
        Ok(())
    }

    fn open(&mut self, bytes: &mut BytesMut) {
        self.course.started = true;
        if let Some(start) = self.start.take() {
            self.writer.event(start, bytes);
        }
    }

    /// Forwards the events read so far, also those in front of a failure.
    fn drain(&mut self, read: Result<()>, out: &mut Frames) -> Result<()> {
        let mut events = std::mem::take(&mut self.events);
        let mut bytes = BytesMut::with_capacity(if events.is_empty() { 0 } else { FRAME });
        let forwarded = events.drain(..).try_for_each(|event| self.forward(event, &mut bytes, out));
        self.events = events;
        let result = forwarded.and(read);
        if let Err(error) = &result
            && self.course.started
            && !self.course.over
        {
            self.course.fail(error);
            out.push(bytes.split().freeze());
            self.writer.error(error, &mut bytes);
        }
        out.push(bytes.freeze());
        if self.course.started { Ok(()) } else { result }
    }
}

/// The class of service behind a provider's word; Gemini's are in capitals.
fn service_of(word: Option<&str>) -> ServiceTier {
    word.map(|word| ServiceTier::from_word(&word.to_ascii_lowercase())).unwrap_or_default()
}

impl Reply for Translated {
    fn whole(&mut self, body: Bytes) -> Result<Bytes> {
        let mut answer = (self.read_answer)(&body)?;
        if answer.model.is_empty() {
            self.model.clone_into(&mut answer.model);
        }
        if let Some(usage) = answer.usage {
            self.course.report.usage = usage;
            self.course.report.usage_reported = true;
        }
        self.course.report.service = service_of(answer.service_tier.as_deref());
        self.course.report.model = Some(answer.model.clone()).filter(|model| !model.is_empty());
        let finish = answer.choices.first().and_then(|choice| choice.finish.as_ref());
        self.course.report.finish_reason = finish.map(|reason| reason.openai().to_owned());
        Ok((self.write_answer)(&answer))
    }

    fn push(&mut self, piece: Bytes, out: &mut Frames) -> Result<()> {
        if self.course.over {
            return Ok(());
        }
        let mut events = std::mem::take(&mut self.events);
        let read = self.reader.push(&piece, &mut events);
        self.events = events;
        self.drain(read, out)
    }

    fn finish(&mut self, out: &mut Frames) -> Result<()> {
        if self.course.over {
            return Ok(());
        }
        let mut events = std::mem::take(&mut self.events);
        let mut read = self.reader.finish(&mut events);
        self.events = events;
        if self.course.started && read.is_err() {
            // The provider stopped in the middle of an event.
            self.course.report.cut_short = true;
            read = Err(cut_short());
        }
        self.drain(read, out)?;
        if self.course.over {
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
        let mut bytes = BytesMut::new();
        self.open(&mut bytes);
        self.writer.error(error, &mut bytes);
        out.push(bytes.freeze());
    }

    fn has_failed(&self) -> bool {
        self.course.has_failed()
    }

    fn report(&self) -> ReplyReport {
        self.course.report.clone()
    }
}
