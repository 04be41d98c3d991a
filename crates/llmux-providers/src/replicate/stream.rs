//! A prediction's output as it is made.

use llmux_core::{Error, ErrorKind, Result};
use llmux_wire::{
    chat::{Event, FinishReason},
    sse::{Decoder, SseEvent},
    stream::StreamReader,
};

/// Reads the events of a prediction: `output` with more text, `error`, and `done`.
pub(super) struct Reader {
    decoder: Decoder,
    state: State,
}

struct State {
    id: String,
    model: String,
    started: bool,
    over: bool,
}

impl Reader {
    /// A reader of the answer with this id.
    pub(super) fn new(id: String, model: String) -> Self {
        Self { decoder: Decoder::new(), state: State { id, model, started: false, over: false } }
    }
}

impl State {
    fn read(&mut self, event: &SseEvent, events: &mut Vec<Event>) -> Result<()> {
        if self.over {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&event.data);
        match event.name.as_str() {
            "error" => {
                self.over = true;
                let error = Error::upstream(ErrorKind::ProviderFault, format!("Replicate: {text}"));
                events.push(Event::Error(error));
                return Ok(());
            }
            "output" | "done" => {}
            _ => return Ok(()),
        }
        if !self.started {
            self.started = true;
            let (id, model) = (self.id.clone(), self.model.clone());
            events.push(Event::Start { id, model, created: None, service_tier: None });
        }
        if event.name == "output" {
            events.push(Event::Text { choice: 0, text: text.into_owned() });
            return Ok(());
        }
        self.over = true;
        let reason = if text.contains("canceled") {
            FinishReason::Other("canceled".into())
        } else {
            FinishReason::Stop
        };
        events.extend([Event::Finish { choice: 0, reason }, Event::End]);
        Ok(())
    }
}

impl StreamReader for Reader {
    fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<()> {
        let Self { decoder, state } = self;
        decoder.push(bytes, |event| state.read(&event, events))
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<()> {
        let Self { decoder, state } = self;
        decoder.finish(|event| state.read(&event, events))
    }
}
