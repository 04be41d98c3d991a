//! Asking a router as a client would, in either dialect.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt;
use llmux_core::{Dialect, Envelope, Operation, ReplyReport, Timeouts};
use llmux_router::{Answer, AnswerBody, Ask, Directions, Explanation, Overrides, Refusal, Router};
use llmux_wire::{
    json::envelope,
    sse::{Decoder, SseEvent},
    tap::Ending,
};
use serde_json::{Value, json};

/// Both dialects that clients speak.
pub(crate) const DIALECTS: [Dialect; 2] = [Dialect::OpenAi, Dialect::Anthropic];

/// A chat request.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) dialect: Dialect,
    model: String,
    stream: bool,
    overrides: Overrides,
    directions: Directions,
    fields: Value,
    headers: HeaderMap,
}

impl Request {
    /// A request for a whole answer.
    pub(crate) fn new(dialect: Dialect, model: &str) -> Self {
        Self {
            dialect,
            model: model.to_owned(),
            stream: false,
            overrides: Overrides::default(),
            directions: Directions::default(),
            fields: json!({}),
            headers: HeaderMap::new(),
        }
    }

    /// Says where the request wants to go.
    pub(crate) fn directed(mut self, change: impl FnOnce(&mut Directions)) -> Self {
        change(&mut self.directions);
        self
    }

    /// Sets a field of the body; null takes it out.
    pub(crate) fn field(mut self, name: &str, value: Value) -> Self {
        self.fields[name] = value;
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    /// A request in OpenAI's dialect.
    pub(crate) fn openai(model: &str) -> Self {
        Self::new(Dialect::OpenAi, model)
    }

    pub(crate) fn streamed(mut self) -> Self {
        self.stream = true;
        self
    }

    pub(crate) fn retries(mut self, retries: u32) -> Self {
        self.overrides.retries = Some(retries);
        self
    }

    pub(crate) fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.overrides.timeouts = timeouts;
        self
    }

    fn body(&self) -> Bytes {
        let messages = json!([{"role": "user", "content": "hi there"}]);
        let mut body = json!({"model": self.model, "max_tokens": 50, "messages": messages});
        if self.stream {
            body["stream"] = true.into();
        }
        for (name, value) in self.fields.as_object().unwrap() {
            match value {
                Value::Null => _ = body.as_object_mut().unwrap().remove(name),
                value => body[name] = value.clone(),
            }
        }
        body.to_string().into()
    }

    pub(crate) async fn ask(&self, router: &Router) -> Result<Answer, Refusal> {
        let body = self.body();
        let fields = envelope::read(&body).unwrap();
        router.ask(&self.as_ask(&body, &fields)).await
    }

    fn as_ask<'a>(&'a self, body: &'a Bytes, fields: &'a Envelope) -> Ask<'a> {
        Ask::new(Operation::Chat, self.dialect, &self.model, body, fields, &self.headers)
            .with_stream(self.stream)
            .with_created(1_700_000_000)
            .with_overrides(self.overrides)
            .with_directions(&self.directions)
    }

    /// How the router would choose.
    pub(crate) fn explained(&self, router: &Router) -> Explanation {
        let body = self.body();
        let fields = envelope::read(&body).unwrap();
        router.explain(&self.as_ask(&body, &fields)).unwrap()
    }

    /// The deployment that answers.
    pub(crate) async fn answered_by(&self, router: &Router) -> String {
        self.said(router).await.unwrap().by
    }

    /// Asks and reads the answer to its end.
    pub(crate) async fn said(&self, router: &Router) -> Result<Said, Refusal> {
        Ok(Said::read(self.dialect, self.ask(router).await?).await)
    }

    /// Asks for what must be refused.
    pub(crate) async fn refused(&self, router: &Router) -> Refusal {
        match self.said(router).await {
            Ok(said) => panic!("answered: {said:?}"),
            Err(refusal) => refusal,
        }
    }
}

/// What an answer said, whichever dialect it was in.
#[derive(Debug)]
pub(crate) struct Said {
    /// The deployment that answered.
    pub(crate) by: String,
    /// Attempts that failed before.
    pub(crate) retries: u32,
    /// Other models that were tried.
    pub(crate) fallbacks: u32,
    pub(crate) text: String,
    /// The message of a stream's error frame.
    pub(crate) error: Option<String>,
    /// Whether the stream has its dialect's terminal event.
    pub(crate) complete: bool,
    pub(crate) report: ReplyReport,
    pub(crate) ending: Option<Ending>,
}

impl Said {
    pub(crate) async fn read(dialect: Dialect, answer: Answer) -> Self {
        let (by, retries, fallbacks) = (answer.deployment.id().to_string(), answer.retries, answer.fallbacks);
        match answer.body {
            AnswerBody::Whole(body, report) => {
                let text = whole_text(dialect, &body);
                Self {
                    by,
                    retries,
                    fallbacks,
                    text,
                    error: None,
                    complete: true,
                    report: *report,
                    ending: None,
                }
            }
            AnswerBody::Bytes(_) => panic!("no answer of a chat is bytes"),
            AnswerBody::Stream(tap) => {
                let over = Arc::new(Mutex::new(None));
                let told = Arc::clone(&over);
                let tap = tap.on_end(Box::new(move |report, ending| {
                    let earlier = told.lock().unwrap().replace((report, ending));
                    assert!(earlier.is_none(), "the end is told once");
                }));
                let bytes = tap.collect().await.unwrap_or_else(|never| match never {}).to_bytes();
                let (report, ending) = over.lock().unwrap().take().unwrap();
                let events = Events::read(dialect, &bytes);
                let Events { text, error, complete } = events;
                Self { by, retries, fallbacks, text, error, complete, report, ending: Some(ending) }
            }
        }
    }
}

fn whole_text(dialect: Dialect, body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap();
    let text = match dialect {
        Dialect::Anthropic => &body["content"][0]["text"],
        _ => &body["choices"][0]["message"]["content"],
    };
    text.as_str().unwrap_or_else(|| panic!("no text in {body}")).to_owned()
}

/// The frames of a stream. An error frame ends it; nothing may follow.
#[derive(Default)]
struct Events {
    text: String,
    error: Option<String>,
    complete: bool,
}

impl Events {
    fn read(dialect: Dialect, bytes: &[u8]) -> Self {
        let (mut decoder, mut events) = (Decoder::new(), Self::default());
        decoder
            .push(bytes, |event| {
                assert!(events.error.is_none(), "something follows the error: {event:?}");
                match dialect {
                    Dialect::Anthropic => events.anthropic(&event),
                    _ => events.openai(&event),
                }
                Ok(())
            })
            .unwrap();
        assert!(!decoder.is_mid_event(), "a stream is whole frames");
        events
    }

    fn openai(&mut self, event: &SseEvent) {
        if event.data == "[DONE]" {
            self.complete = true;
            return;
        }
        let chunk: Value = serde_json::from_slice(&event.data).unwrap();
        self.text += chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default();
        self.error = chunk["error"]["message"].as_str().map(str::to_owned);
    }

    fn anthropic(&mut self, event: &SseEvent) {
        let data: Value = serde_json::from_slice(&event.data).unwrap();
        assert_eq!(data["type"], event.name.as_str(), "name and type agree");
        match event.name.as_str() {
            "content_block_delta" => self.text += data["delta"]["text"].as_str().unwrap_or_default(),
            "message_stop" => self.complete = true,
            "error" => self.error = data["error"]["message"].as_str().map(str::to_owned),
            _ => {}
        }
    }
}
