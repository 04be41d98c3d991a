//! A streamed response, for a client.

mod item;
#[cfg(test)]
mod tests;

use bytes::BytesMut;
use llmux_core::{Error, Usage};
use serde_json::{Value, json};

use self::item::Numbered;
use super::{
    answer_write::{Head, Outcome, response_id, status},
    error::{event_fields, response_error},
    item_write::{COMPLETED, IN_PROGRESS, Item, Kind, annotation, arguments, token_logprobs},
    settings::Settings,
};
use crate::{
    chat::{Event, FinishReason, ToolCall},
    stream,
};

/// Writes a streamed answer. A response has one alternative only: events of others than the first are skipped.
///
/// A message or a piece of reasoning ends when something else begins; calls end with the answer, since hosts send
/// the arguments of several calls in turns. The terminal event holds the whole response.
pub struct StreamWriter {
    settings: Settings,
    head: Head,
    numbered: Numbered,
    usage: Usage,
    finish: Option<FinishReason>,
    started: bool,
    ended: bool,
    items: Vec<Item>,
    /// The message or piece of reasoning that is being written.
    open: Option<usize>,
    /// Where each tool call stands: its number and its place among the items.
    calls: Vec<(u32, usize)>,
}

impl StreamWriter {
    /// A writer at the start of a stream. `created` (seconds since 1970) is used where the provider gives no time.
    #[must_use]
    pub fn new(created: u64, settings: Settings) -> Self {
        Self {
            settings,
            head: Head { id: response_id("", created), created, ..Head::default() },
            numbered: Numbered::default(),
            usage: Usage::default(),
            finish: None,
            started: false,
            ended: false,
            items: Vec::new(),
            open: None,
            calls: Vec::new(),
        }
    }

    fn start(&mut self, out: &mut BytesMut) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        for kind in ["response.created", "response.in_progress"] {
            let outcome = Outcome { status: IN_PROGRESS, ..Outcome::default() };
            let response = self.head.response(&self.settings, outcome);
            self.numbered.write(kind, json!({ "response": response }), out);
        }
    }

    /// Begins an item; gives its place.
    fn begin(&mut self, kind: Kind, out: &mut BytesMut) -> usize {
        let at = self.items.len();
        let item = Item::new(kind, &self.head.id, at);
        self.numbered.begin(&item, at, out);
        self.items.push(item);
        at
    }

    /// Ends the open item, if there is one.
    fn close(&mut self, status: &str, out: &mut BytesMut) {
        let Some(at) = self.open.take() else { return };
        if let Some(item) = self.items.get(at) {
            self.numbered.end(item, at, status, out);
        }
    }

    /// Writes to the open item if it fits, else to a new one.
    fn grow(
        &mut self,
        fits: fn(&Kind) -> bool,
        new: fn() -> Kind,
        out: &mut BytesMut,
        write: impl FnOnce(&mut Numbered, &mut Item, usize, &mut BytesMut),
    ) {
        let at = match self.open.filter(|at| self.items.get(*at).is_some_and(|item| fits(&item.kind))) {
            Some(at) => at,
            None => {
                self.close(COMPLETED, out);
                self.begin(new(), out)
            }
        };
        self.open = Some(at);
        if let Some(item) = self.items.get_mut(at) {
            write(&mut self.numbered, item, at, out);
        }
    }

    fn message(
        &mut self,
        out: &mut BytesMut,
        write: impl FnOnce(&mut Numbered, &mut Item, usize, &mut BytesMut),
    ) {
        self.grow(|kind| matches!(kind, Kind::Message(_)), || Kind::Message(Vec::new()), out, write);
    }

    fn reasoning(
        &mut self,
        fits: fn(&Kind) -> bool,
        out: &mut BytesMut,
        write: impl FnOnce(&mut Numbered, &mut Item, usize, &mut BytesMut),
    ) {
        let new = || Kind::Reasoning { text: String::new(), signature: String::new() };
        self.grow(fits, new, out, write);
    }

    fn content(&mut self, event: Event, out: &mut BytesMut) {
        match event {
            Event::Text { text, .. } => {
                self.message(out, |numbered, item, at, out| numbered.text(item, at, &text, out));
            }
            Event::Refusal { text, .. } => {
                self.message(out, |numbered, item, at, out| numbered.refusal(item, at, &text, out));
            }
            Event::Citation { citation, .. } => {
                if let Some(annotation) = annotation(&citation) {
                    self.message(out, |numbered, item, at, out| numbered.annotate(item, at, annotation, out));
                }
            }
            Event::Logprobs { value, .. } => self.logprobs(&value),
            Event::Reasoning { text, .. } => {
                // More text after a signature is an item of its own: the signature covers what came before.
                let unsigned =
                    |kind: &Kind| matches!(kind, Kind::Reasoning { signature, .. } if signature.is_empty());
                self.reasoning(unsigned, out, |numbered, item, at, out| numbered.think(item, at, &text, out));
            }
            Event::ReasoningSignature { signature: piece, .. } => {
                let any = |kind: &Kind| matches!(kind, Kind::Reasoning { .. });
                self.reasoning(any, out, |_, item, _, _| {
                    if let Kind::Reasoning { signature, .. } = &mut item.kind {
                        signature.push_str(&piece);
                    }
                });
            }
            Event::RedactedReasoning { data, .. } => {
                self.close(COMPLETED, out);
                self.open = Some(self.begin(Kind::Redacted(data), out));
                self.close(COMPLETED, out);
            }
            Event::ToolCall { call, id, name, .. } => {
                self.close(COMPLETED, out);
                let kind = Kind::Call(ToolCall { id, name, arguments: String::new() });
                let at = self.begin(kind, out);
                self.calls.push((call, at));
            }
            Event::Arguments { call, json, .. } => self.arguments(call, &json, out),
            _ => {}
        }
    }

    fn arguments(&mut self, call: u32, json: &str, out: &mut BytesMut) {
        let Some((_, at)) = self.calls.iter().rfind(|(number, _)| *number == call) else { return };
        if let Some(item) = self.items.get_mut(*at) {
            self.numbered.arguments(item, *at, json, out);
        }
    }

    fn logprobs(&mut self, value: &Value) {
        if let Some(item) = self.open.and_then(|at| self.items.get_mut(at)) {
            item.add_logprobs(token_logprobs(value));
        }
    }

    /// Ends every item that is still open; gives the output. The last one is as incomplete as the whole.
    fn end_items(&mut self, status: &str, out: &mut BytesMut) -> Vec<Value> {
        let last = self.items.len().saturating_sub(1);
        let of = |at: usize| if at == last { status } else { COMPLETED };
        self.close(self.open.map_or(COMPLETED, of), out);
        for (_, at) in std::mem::take(&mut self.calls) {
            if let Some(item) = self.items.get_mut(at) {
                if let Kind::Call(call) = &mut item.kind {
                    call.arguments = arguments(std::mem::take(&mut call.arguments));
                }
                self.numbered.end(item, at, of(at), out);
            }
        }
        self.items.iter().enumerate().map(|(at, item)| item.value(of(at))).collect()
    }

    fn end(&mut self, out: &mut BytesMut) {
        self.start(out);
        let (status, details) = status(self.finish.as_ref());
        let output = self.end_items(status, out);
        let outcome = Outcome { status, details, output, usage: Some(&self.usage), ..Outcome::default() };
        let response = self.head.response(&self.settings, outcome);
        let kind = if status == COMPLETED { "response.completed" } else { "response.incomplete" };
        self.numbered.write(kind, json!({ "response": response }), out);
        self.ended = true;
    }
}

impl stream::StreamWriter for StreamWriter {
    fn event(&mut self, event: Event, out: &mut BytesMut) {
        if self.ended {
            return;
        }
        match event {
            Event::Start { id, model, created, service_tier } => {
                let created = created.unwrap_or(self.head.created);
                self.head = Head { id: response_id(&id, created), model, created, service_tier };
                self.start(out);
            }
            Event::Usage(usage) => self.usage.update(&usage),
            Event::Finish { choice: 0, reason } => self.finish = Some(reason),
            // A comment: clients skip it, and the connection shows life.
            Event::Ping => out.extend_from_slice(b": ping\n\n"),
            Event::Error(error) => self.error(&error, out),
            Event::End => self.end(out),
            Event::Opaque { .. } => {}
            content if content.is_first_choice() => {
                self.start(out);
                self.content(content, out);
            }
            _ => {}
        }
    }

    /// As OpenAI does: the error, and then the response as far as it got.
    fn error(&mut self, error: &Error, out: &mut BytesMut) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.start(out);
        self.numbered.write("error", event_fields(error).into(), out);
        let output = self.items.iter().map(|item| item.value("incomplete")).collect();
        let error = Some(response_error(error));
        let outcome = Outcome { status: "failed", error, output, ..Outcome::default() };
        let response = self.head.response(&self.settings, outcome);
        self.numbered.write("response.failed", json!({ "response": response }), out);
    }
}
