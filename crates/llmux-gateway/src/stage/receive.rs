//! `receive`: the body within its limits, its envelope, and what the request wants otherwise than configured.

mod form;
mod rest;

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, request::Parts};
use hyper::body::Incoming;
use llmux_core::{Dialect, Envelope, Error, ErrorKind, Operation, RequestContext, Result};
use llmux_router::{Directions, Overrides, Upload};
use llmux_wire::json::{edit::Edits, envelope};
use serde_json::{Map, Value};

use super::{directions, unwrap};
use crate::{
    dispatch::{Framing, streamed},
    server::{discard_body, read_body},
    snapshot::Snapshot,
};

/// A request, as far as the gateway reads it.
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) envelope: Envelope,
    pub(crate) model: String,
    pub(crate) stream: bool,
    /// How the stream is framed, where the path says so.
    pub(crate) framing: Option<Framing>,
    pub(crate) overrides: Overrides,
    /// The form that the client sends; the body holds its fields as far as they are known.
    pub(crate) upload: Option<Upload>,
    /// Where it wants to go, if it says so.
    pub(crate) directions: Option<Box<Directions>>,
    /// The deployment that must answer, where only one can.
    pub(crate) deployment: Option<String>,
}

impl Received {
    /// Changes fields of the body.
    pub(crate) fn change(&mut self, edits: &Edits<'_>) -> Result<()> {
        self.body = edits.apply(&self.body, &self.envelope);
        self.envelope = envelope::read(&self.body)?;
        Ok(())
    }

    /// Takes out of the body what is said to the gateway alone, and puts in what the configuration wants of every
    /// request.
    fn ready(&mut self, snapshot: &Snapshot, cx: &RequestContext) -> Result<()> {
        if self.directions.as_ref().is_some_and(|directions| directions.priority.is_some()) {
            // A provider would mean another thing by it.
            let mut edits = Edits::new();
            edits.remove("priority");
            self.change(&edits)?;
        }
        if cx.sdk != cx.dialect {
            self.body = unwrap::run(&self.body, &self.envelope, self.stream, &mut self.headers);
            self.envelope = envelope::read(&self.body)?;
        }
        let streams = self.stream && matches!(cx.operation, Operation::Chat | Operation::Completion);
        if snapshot.wishes.stream_usage && streams && cx.dialect == Dialect::OpenAi {
            self.body = with_usage(&self.body, &self.envelope)?;
            self.envelope = envelope::read(&self.body)?;
        }
        Ok(())
    }
}

/// Time limits of one request, in seconds: LiteLLM's names for the whole of it, ours for its phases.
static TIMEOUT: HeaderName = HeaderName::from_static("x-litellm-timeout");
static STREAM_TIMEOUT: HeaderName = HeaderName::from_static("x-litellm-stream-timeout");
static CONNECT_TIMEOUT: HeaderName = HeaderName::from_static("x-llmux-connect-timeout");
static FIRST_BYTE_TIMEOUT: HeaderName = HeaderName::from_static("x-llmux-first-byte-timeout");
static IDLE_TIMEOUT: HeaderName = HeaderName::from_static("x-llmux-idle-timeout");
/// Further attempts that one request wants.
const NUM_RETRIES: HeaderName = HeaderName::from_static("x-litellm-num-retries");

const SECONDS: &str = "a positive number of seconds";

/// Fields with which a client would choose where its request goes and who pays for it.
const CREDENTIALS: &[&str] = &["api_key", "api_base", "base_url", "api_version"];

/// Reads the request.
///
/// # Errors
/// 413, 408, or a 400 that names the field at fault.
pub(crate) async fn run(
    snapshot: &Snapshot,
    cx: &RequestContext,
    parts: Parts,
    body: Incoming,
    model: Option<Cow<'_, str>>,
) -> Result<Received> {
    let (mut body, upload) = take(snapshot, cx.operation, &parts, body, model.as_deref()).await?;
    let mut fields = envelope::read(&body)?;
    refuse_disguised(&body, &fields)?;
    if let Some(name) = CREDENTIALS.iter().find(|name| fields.find(&body, name).is_some()) {
        return Err(Error::invalid(*name, format!("`{name}` cannot be chosen by a client")));
    }
    if let Some(model) = model.as_deref().filter(|_| fields.find(&body, "model").is_none()) {
        // Azure's and Google's clients name the model in the path only.
        let mut edits = Edits::new();
        edits.set_str("model", model);
        body = edits.apply(&body, &fields);
        fields = envelope::read(&body)?;
    }
    let fields_of = Fields { body: &body, envelope: &fields };
    let model = model_of(snapshot, cx, &fields_of, model)?;
    let by_path = streamed(&parts.uri);
    let framing = by_path.flatten();
    let stream = match by_path {
        Some(framing) => framing.is_some(),
        None => {
            // Ollama's clients get a stream unless they say otherwise.
            let streams = cx.dialect == Dialect::Ollama && cx.operation != Operation::Embeddings;
            fields_of.boolean("stream")?.unwrap_or(streams)
        }
    };
    let overrides = overrides(&fields_of, &parts.headers, stream)?;
    let directions = directions::read(snapshot, cx.dialect, &fields_of, &parts.headers, parts.uri.query())?;
    let mut received = Received {
        headers: parts.headers,
        body,
        envelope: fields,
        model,
        stream,
        framing,
        overrides,
        upload,
        directions,
        deployment: None,
    };
    received.ready(snapshot, cx)?;
    Ok(received)
}

/// The model that is asked for: the configuration's where it sets one, the path's, the body's.
fn model_of(
    snapshot: &Snapshot,
    cx: &RequestContext,
    fields: &Fields<'_>,
    in_path: Option<Cow<'_, str>>,
) -> Result<String> {
    let chat_model = snapshot.wishes.chat_model.as_deref().filter(|_| cx.operation == Operation::Chat);
    let model = match chat_model.map(Cow::Borrowed).or(in_path) {
        Some(model) => Some(model.into_owned()),
        None => fields.text("model")?.or_else(|| default_model(cx.operation)),
    };
    model.filter(|model| !model.is_empty()).ok_or_else(|| missing("model"))
}

/// The body: all of it, or the fields of a form whose files are still to come.
async fn take(
    snapshot: &Snapshot,
    operation: Operation,
    parts: &Parts,
    body: Incoming,
    model: Option<&str>,
) -> Result<(Bytes, Option<Upload>)> {
    let limits = snapshot.limits;
    match form::boundary(operation, parts) {
        Ok(Some(kind)) => {
            let passes = |named: Option<&str>| {
                named.or(model).is_some_and(|model| !snapshot.router.reads_forms(model))
            };
            let (fields, upload) = Box::pin(form::read(limits, kind, body, &passes)).await?;
            Ok((fields, Some(upload)))
        }
        Ok(None) => Ok((read_body(body, limits.body_size, limits.body_time).await?, None)),
        Err(error) => {
            discard_body(body);
            Err(error)
        }
    }
}

/// The model of a request that names none, where OpenAI's reference has one.
fn default_model(operation: Operation) -> Option<String> {
    (operation == Operation::Moderation).then(|| "omni-moderation-latest".to_owned())
}

/// Refuses known names in disguise: `mod\u0065l` beside `model` is another field to whoever looks at the bytes, and
/// the same one to whoever parses them.
fn refuse_disguised(body: &Bytes, fields: &Envelope) -> Result<()> {
    for field in fields.fields() {
        let Some(key) = body.get(field.key.clone()).filter(|key| key.contains(&b'\\')) else { continue };
        let Ok(name) = serde_json::from_slice::<String>(key) else { continue };
        if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(Error::invalid(name, "the names of fields must be written without escapes"));
        }
    }
    Ok(())
}

/// The body with `stream_options.include_usage` set.
fn with_usage(body: &Bytes, fields: &Envelope) -> Result<Bytes> {
    let given = Fields { body, envelope: fields };
    let options = given.read::<Map<String, Value>>("stream_options", "an object")?;
    let mut options = options.unwrap_or_default();
    options.insert("include_usage".into(), true.into());
    let mut edits = Edits::new();
    edits.set_value("stream_options", &Value::Object(options));
    Ok(edits.apply(body, fields))
}

fn overrides(fields: &Fields<'_>, headers: &HeaderMap, stream: bool) -> Result<Overrides> {
    let mut overrides = Overrides::default();
    overrides.drop_params = fields.boolean("drop_params")?.unwrap_or_default();
    let ours = ["x-litellm-", "x-llmux-"];
    // Most clients send none of these headers; to look each of them up would cost more than to see that.
    let none = HeaderMap::new();
    let spoken = headers.keys().any(|name| ours.iter().any(|prefix| name.as_str().starts_with(prefix)));
    let headers = if spoken { headers } else { &none };
    let whole = match seconds_in(headers, &TIMEOUT)? {
        None => fields.seconds("timeout")?.or(fields.seconds("request_timeout")?),
        some => some,
    };
    let streamed = match seconds_in(headers, &STREAM_TIMEOUT)? {
        None => fields.seconds("stream_timeout")?,
        some => some,
    };
    overrides.timeouts.total = streamed.filter(|_| stream).or(whole);
    overrides.timeouts.connect = seconds_in(headers, &CONNECT_TIMEOUT)?;
    overrides.timeouts.first_byte = seconds_in(headers, &FIRST_BYTE_TIMEOUT)?;
    overrides.timeouts.between_bytes = seconds_in(headers, &IDLE_TIMEOUT)?;
    overrides.retries = match headers.get(NUM_RETRIES).and_then(|value| value.to_str().ok()) {
        Some(text) => Some(text.trim().parse().map_err(|_| wrong(NUM_RETRIES.as_str(), "a count"))?),
        None => fields.count("num_retries")?,
    };
    Ok(overrides)
}

/// A time limit given in a header, in seconds.
fn seconds_in(headers: &HeaderMap, name: &'static HeaderName) -> Result<Option<Duration>> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let seconds = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    seconds.and_then(duration).map(Some).ok_or_else(|| wrong(name.as_str(), SECONDS))
}

fn duration(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok().filter(|duration| !duration.is_zero())
}

/// Reads single fields by their position.
pub(super) struct Fields<'a> {
    body: &'a Bytes,
    envelope: &'a Envelope,
}

impl Fields<'_> {
    pub(super) fn raw(&self, name: &str) -> Option<&[u8]> {
        self.envelope.get(self.body, name).filter(|raw| *raw != b"null")
    }

    pub(super) fn read<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        expected: &str,
    ) -> Result<Option<T>> {
        let read = |raw: &[u8]| serde_json::from_slice(raw).map_err(|_| wrong(name, expected));
        self.raw(name).map(read).transpose()
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>> {
        self.read(name, "a string")
    }

    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>> {
        self.read(name, "true or false")
    }

    fn seconds(&self, name: &str) -> Result<Option<Duration>> {
        let given = self.read(name, SECONDS)?;
        given.map(|seconds| duration(seconds).ok_or_else(|| wrong(name, SECONDS))).transpose()
    }

    fn count(&self, name: &str) -> Result<Option<u32>> {
        self.read(name, "a whole number of zero or more")
    }
}

pub(super) fn wrong(name: &str, expected: &str) -> Error {
    Error::invalid(name, format!("`{name}` must be {expected}")).with_code("invalid_type")
}

fn missing(name: &str) -> Error {
    Error::client(ErrorKind::InvalidRequest, format!("`{name}` is required"))
        .with_param(name)
        .with_code("missing_required_parameter")
}
