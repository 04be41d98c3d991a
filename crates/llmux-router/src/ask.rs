//! What goes into the router and what comes out of it.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use llmux_core::{Dialect, Envelope, Error, Operation, ReplyReport, Timeouts};
use llmux_wire::{raw::Raw, tap::Tap};

use crate::{deployment::Deployment, directions::Directions, upload::Upload};

/// One request to the router.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Ask<'a> {
    /// What is asked.
    pub operation: Operation,
    /// The wire format of the body, and of the answer.
    pub dialect: Dialect,
    /// The model group, alias or deployment id.
    pub model: &'a str,
    /// The body.
    pub body: &'a Bytes,
    /// Where its top-level fields are.
    pub envelope: &'a Envelope,
    /// The client's headers.
    pub headers: &'a HeaderMap,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// When the request came, in seconds since 1970.
    pub created: u64,
    /// What this request wants otherwise.
    pub overrides: Overrides,
    /// Headers that go to the provider, unless the deployment sets them itself.
    pub forwarded: Option<&'a HeaderMap>,
    /// Where this request wants to go, and where not.
    pub directions: Option<&'a Directions>,
    /// The form that the client sends; [`body`](Self::body) holds its fields as far as they are known.
    pub upload: Option<&'a Upload>,
}

impl<'a> Ask<'a> {
    /// A request that does not stream and overrides nothing.
    #[must_use]
    pub fn new(
        operation: Operation,
        dialect: Dialect,
        model: &'a str,
        body: &'a Bytes,
        envelope: &'a Envelope,
        headers: &'a HeaderMap,
    ) -> Self {
        let overrides = Overrides::default();
        let (stream, created, forwarded, directions, upload) = (false, 0, None, None, None);
        Self {
            operation,
            dialect,
            model,
            body,
            envelope,
            headers,
            stream,
            created,
            overrides,
            forwarded,
            directions,
            upload,
        }
    }

    /// Sets the form that the client sends.
    #[must_use]
    pub fn with_upload(mut self, upload: &'a Upload) -> Self {
        self.upload = Some(upload);
        self
    }

    /// Says where this request wants to go, and where not.
    #[must_use]
    pub fn with_directions(mut self, directions: &'a Directions) -> Self {
        self.directions = Some(directions);
        self
    }

    /// Sets headers that go to the provider, unless the deployment sets them itself.
    #[must_use]
    pub fn with_forwarded(mut self, headers: &'a HeaderMap) -> Self {
        self.forwarded = Some(headers);
        self
    }

    /// Says whether the answer is to be streamed.
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

    /// Sets what this request wants otherwise.
    #[must_use]
    pub fn with_overrides(mut self, overrides: Overrides) -> Self {
        self.overrides = overrides;
        self
    }
}

/// What one request wants otherwise than configured.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Overrides {
    /// Further attempts after the first.
    pub retries: Option<u32>,
    /// Time limits.
    pub timeouts: Timeouts,
    /// Drop what a provider cannot carry instead of refusing the request.
    pub drop_params: bool,
}

/// An answer that has begun.
#[non_exhaustive]
pub struct Answer {
    /// The status, always a success.
    pub status: StatusCode,
    /// The provider's headers.
    pub headers: HeaderMap,
    /// The body, in the client's dialect.
    pub body: AnswerBody,
    /// Who answered.
    pub deployment: Arc<Deployment>,
    /// Attempts that failed before in the model group that answered.
    pub retries: u32,
    /// Attempts beyond the first that would have been made in it.
    pub max_retries: u32,
    /// Other models that were tried because the one that was asked for failed, this one included.
    pub fallbacks: u32,
    /// Request fields that were left out because the provider cannot carry them.
    pub dropped: Vec<String>,
}

/// The body of an answer.
pub enum AnswerBody {
    /// All of it, and what was learnt from it.
    Whole(Bytes, Box<ReplyReport>),
    /// A stream; what was learnt is told at its end.
    Stream(Box<Tap>),
    /// Bytes as they come, such as sound; what was learnt is told at their end.
    Bytes(Box<Raw>),
}

/// A request that no deployment answered.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refusal {
    /// The last attempt's error, or why there was none.
    pub error: Error,
    /// The deployment that was tried last.
    pub deployment: Option<Arc<Deployment>>,
    /// Attempts beyond the first, in the model group that was tried last.
    pub retries: u32,
    /// Attempts beyond the first that would have been made in it.
    pub max_retries: u32,
    /// Other models that were tried.
    pub fallbacks: u32,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, deployment: None, retries: 0, max_retries: 0, fallbacks: 0 }
    }
}

/// An attempt's success.
pub(crate) struct Opened {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: AnswerBody,
    pub(crate) dropped: Vec<String>,
}
