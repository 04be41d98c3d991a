//! Speaking to one kind of provider: pure translation, no I/O.

mod environment;
mod form;
mod options;
mod relay;
mod steps;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::{
    Credentials, Dialect, Envelope, Error, ErrorKind, Operation, Reply, Result, TokenCounter, Transport,
};

pub use environment::Environment;
pub use form::{FormEdits, FormShape};
pub use options::Options;
pub use relay::Relay;
pub use steps::{Asking, Step, StepAnswer, Steps};

/// What a deployment tells its provider, once.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ProviderSettings {
    /// The base URL, where it is not the provider's own.
    pub base_url: Option<String>,
    /// The provider's key.
    pub api_key: Option<SecretString>,
    /// The provider's API version, where it has dated ones.
    pub api_version: Option<String>,
    /// The account's organization, where the provider has them.
    pub organization: Option<String>,
    /// Headers added to each request.
    pub headers: HeaderMap,
    /// How requests are changed on the way.
    pub shaping: Shaping,
    /// Settings of one provider only, under its own names, such as `aws_region_name`.
    pub options: Options,
    /// Where a key, base URL or option is looked up that is not given here, and files are read.
    pub environment: Environment,
    /// What carries requests for tokens, where the provider's credentials have to be fetched and renewed.
    pub transport: Option<Arc<dyn Transport>>,
    /// What counts tokens where the provider itself does not; an [`Estimate`](crate::Estimate) if not given.
    pub tokens: Option<Arc<dyn TokenCounter>>,
}

impl ProviderSettings {
    /// The text of an option; without it, the first of these environment variables that is set and not blank.
    #[must_use]
    pub fn option(&self, name: &str, variables: &[&str]) -> Option<String> {
        self.options.text(name).map(str::to_owned).or_else(|| self.environment.first(variables))
    }
}

/// How requests are changed on their way to the provider.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Shaping {
    /// Leave out what the provider cannot carry, instead of refusing the request.
    pub drop_params: bool,
    /// Put conversations right that the provider would refuse.
    pub modify_params: bool,
    /// Request fields to leave out always: names, and paths inside fields such as `tools[*].function.strict`.
    pub additional_drop_params: Vec<String>,
    /// Top-level request fields to send even if the provider is not known to take them.
    pub allowed_params: Vec<String>,
    /// Request fields to set where the client did not.
    pub defaults: Map<String, Value>,
    /// Request fields to set over whatever the client sent.
    pub extra_body: Map<String, Value>,
}

impl Shaping {
    /// Whether requests pass unchanged as far as these rules go.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.additional_drop_params.is_empty() && self.defaults.is_empty() && self.extra_body.is_empty()
    }
}

/// One request on its way to one deployment.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Call<'a> {
    /// What is asked.
    pub operation: Operation,
    /// The wire format of the client's body; the answer must be in it too.
    pub dialect: Dialect,
    /// The client's body. Where he sends a form, the fields in front of its files as a JSON object.
    pub body: &'a Bytes,
    /// Where the body's top-level fields are.
    pub envelope: &'a Envelope,
    /// The client's headers.
    pub headers: &'a HeaderMap,
    /// The model as the provider names it.
    pub model: &'a str,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// When the request came, in seconds since 1970: for answers that must carry a time.
    pub created: u64,
    /// This request wants dropped what the provider cannot carry, whatever the deployment's settings say.
    pub drop_params: bool,
    /// The client sends a form, which goes on by [`Exchange::form`].
    pub form: bool,
}

impl<'a> Call<'a> {
    /// A call that does not stream.
    #[must_use]
    pub fn new(
        operation: Operation,
        dialect: Dialect,
        model: &'a str,
        body: &'a Bytes,
        envelope: &'a Envelope,
        headers: &'a HeaderMap,
    ) -> Self {
        Self {
            operation,
            dialect,
            body,
            envelope,
            headers,
            model,
            stream: false,
            created: 0,
            drop_params: false,
            form: false,
        }
    }

    /// Says whether the client sends a form.
    #[must_use]
    pub fn with_form(mut self, form: bool) -> Self {
        self.form = form;
        self
    }

    /// Says whether the client asked for a stream.
    #[must_use]
    pub fn with_stream(mut self, stream: bool) -> Self {
        self.stream = stream;
        self
    }

    /// Says when the request came, in seconds since 1970.
    #[must_use]
    pub fn with_created(mut self, created: u64) -> Self {
        self.created = created;
        self
    }

    /// Says whether this request wants dropped what the provider cannot carry.
    #[must_use]
    pub fn with_drop_params(mut self, drop: bool) -> Self {
        self.drop_params = drop;
        self
    }
}

/// Where a prepared call goes.
pub enum Outgoing {
    /// To the provider, over the transport.
    Send(Request<Bytes>),
    /// Nowhere: the provider is built in and has answered already.
    Answered(ScriptedReply),
}

/// The answer of a built-in provider: pieces of a body, each after a delay.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ScriptedReply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The pieces of the body, each with the delay before it.
    pub pieces: Vec<(Duration, Bytes)>,
    /// After the pieces the connection breaks off instead of ending.
    pub cut: bool,
}

impl ScriptedReply {
    /// An answer in one piece, at once.
    #[must_use]
    pub fn whole(status: StatusCode, headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        Self { status, headers, pieces: vec![(Duration::ZERO, body.into())], cut: false }
    }

    /// An answer in pieces, each with the delay before it.
    #[must_use]
    pub fn pieces(status: StatusCode, headers: HeaderMap, pieces: Vec<(Duration, Bytes)>) -> Self {
        Self { status, headers, pieces, cut: false }
    }

    /// Makes the answer break off after its pieces.
    #[must_use]
    pub fn with_cut(mut self, cut: bool) -> Self {
        self.cut = cut;
        self
    }
}

/// A call made ready: what to send, and how its answer becomes the client's.
#[non_exhaustive]
pub struct Exchange {
    /// What to send.
    pub outgoing: Outgoing,
    /// What follows the request's own body: pieces of the client's that go on without being copied.
    pub more: Vec<Bytes>,
    /// The reader of a successful answer.
    pub reply: Box<dyn Reply>,
    /// Whether a successful answer is a stream.
    pub streamed: bool,
    /// A successful answer says by its content type what it is: a document, events, or bytes such as sound, which
    /// pass untouched and are never held.
    pub media: bool,
    /// The client sent a form: in place of the request's body it goes on as it arrives, with these changes.
    pub form: Option<FormEdits>,
    /// What is asked after the first answer, before there is one for the reply.
    pub steps: Option<Box<dyn Steps>>,
    /// The content type of a whole answer, where it is no JSON.
    pub content_type: Option<&'static str>,
    /// Request fields that were left out because the provider cannot carry them.
    pub dropped: Vec<String>,
}

impl Exchange {
    /// An exchange that left nothing out.
    #[must_use]
    pub fn new(outgoing: Outgoing, reply: Box<dyn Reply>, streamed: bool) -> Self {
        let (media, form, steps, content_type, dropped) = (false, None, None, None, Vec::new());
        Self { outgoing, more: Vec::new(), reply, streamed, media, form, steps, content_type, dropped }
    }

    /// Sends these pieces after the request's own body. Whoever signs or changes the body
    /// [joins](Self::joined) it first.
    #[must_use]
    pub fn with_more(mut self, more: Vec<Bytes>) -> Self {
        self.more = more;
        self
    }

    /// Puts the request's body and what follows it into one piece.
    #[must_use]
    pub fn joined(mut self) -> Self {
        if let (Outgoing::Send(request), false) = (&mut self.outgoing, self.more.is_empty()) {
            let first = std::mem::take(request.body_mut());
            let pieces: Vec<_> = std::iter::once(first).chain(self.more.drain(..)).collect();
            *request.body_mut() = pieces.concat().into();
        }
        self
    }

    /// An exchange whose answer's content type says whether it is a document, events, or bytes that pass untouched.
    /// Of the latter the reply sees nothing; it is asked for its report at their end.
    #[must_use]
    pub fn media(outgoing: Outgoing, reply: Box<dyn Reply>) -> Self {
        Self { media: true, ..Self::new(outgoing, reply, false) }
    }

    /// Hands the client's form on in place of the request's body.
    #[must_use]
    pub fn with_form(mut self, edits: FormEdits) -> Self {
        self.form = Some(edits);
        self
    }

    /// Asks further before there is an answer for the reply.
    #[must_use]
    pub fn with_steps(mut self, steps: Box<dyn Steps>) -> Self {
        self.steps = Some(steps);
        self
    }

    /// Says what a whole answer is, where it is no JSON.
    #[must_use]
    pub fn with_content_type(mut self, content_type: Option<&'static str>) -> Self {
        self.content_type = content_type;
        self
    }

    /// Names the request fields that were left out.
    #[must_use]
    pub fn with_dropped(mut self, dropped: Vec<String>) -> Self {
        self.dropped = dropped;
        self
    }
}

/// A provider's answer that is not a success.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FailedReply<'a> {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body, possibly cut at a few kilobytes.
    pub body: &'a Bytes,
}

impl<'a> FailedReply<'a> {
    /// Puts a failed answer together.
    #[must_use]
    pub fn new(status: StatusCode, headers: &'a HeaderMap, body: &'a Bytes) -> Self {
        Self { status, headers, body }
    }
}

/// One kind of provider, bound to one deployment's settings.
///
/// Behaviour that the router relies on:
/// - it is pure: bytes in, bytes out, no I/O, no clock, no randomness that matters;
/// - where client and provider speak the same dialect the body's bytes are kept except for the fields that
///   must change, and the answer's bytes pass as they come;
/// - what the provider cannot carry is refused with
///   [`ErrorKind::UnsupportedParameter`] naming the field, or left out
///   and named in [`Exchange::dropped`] when [`Shaping::drop_params`] is set;
/// - neither the request's URL nor any error contains the key.
pub trait Provider: Send + Sync {
    /// The provider's name, as in `name/model`.
    fn name(&self) -> &str;

    /// The base URL that requests go to, without query or credentials, for headers and logs.
    fn base_url(&self) -> &str;

    /// Makes a call ready.
    ///
    /// # Errors
    /// When the request is malformed or cannot be carried.
    fn prepare(&self, call: &Call<'_>) -> Result<Exchange>;

    /// Reads a failed answer: its message, kind and whether to try elsewhere.
    fn classify(&self, failed: &FailedReply<'_>) -> Error;

    /// Whether images and documents that the call names by their address must be fetched first, since the provider
    /// takes bytes only. The router then prepares the call with a body that holds them.
    fn wants_media(&self, call: &Call<'_>) -> bool {
        let _ = call;
        false
    }

    /// Whether [`prepare`](Self::prepare) must know all fields of a client's form, those behind its files included.
    /// Then the form is read to its end before; else it passes while it arrives.
    fn reads_forms(&self) -> bool {
        false
    }

    /// What signs a prepared request to `model`; `None` when preparing it did.
    fn credentials(&self, model: &str) -> Option<&Arc<dyn Credentials>> {
        let _ = model;
        None
    }

    /// Makes a client's own request ready to be handed on as it is. `head` holds its method, the path and query below
    /// the base URL, and its headers without those that are meant for the gateway. The provider puts its address in
    /// front and its credentials in; the host is never another than its own. [`credentials`](Self::credentials) with
    /// an empty model name signs what must be signed.
    ///
    /// # Errors
    /// When the provider has no address, or the request cannot be carried.
    fn relay(&self, head: Request<()>) -> Result<Relay> {
        let _ = head;
        let message = format!("requests are not handed on to {}", self.name());
        Err(Error::client(ErrorKind::NotFound, message))
    }
}
