//! The engine as a client: requests in, answers out, no server between.

mod builder;
mod deployment;
mod stream;

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use http::HeaderMap;
use llmux_core::{Dialect, Envelope, Error, ErrorKind, Operation, Result};
use llmux_router::{AnswerBody, Ask, Router};
use llmux_wire::json::{edit::Edits, envelope};
use serde::Serialize;
use serde_json::Value;

pub use self::{builder::Builder, deployment::Deployment, stream::ChatStream};

/// A client of many providers. Clones share everything, so one is made at start and cloned where it is needed.
///
/// It needs a tokio runtime with timers enabled. Dropping a call or a stream cancels the request at the provider
/// at once.
#[derive(Clone)]
pub struct Llmux {
    router: Arc<Router>,
}

impl Llmux {
    /// Starts putting a client together.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Asks for a chat completion and gives the whole answer. `request` is the body of OpenAI's chat completions:
    /// an object with `model`, the name of a deployment group, and `messages`.
    ///
    /// # Errors
    /// When the request is malformed, the model is unknown, or every attempt failed: the last attempt's error.
    pub async fn chat(&self, request: impl Serialize) -> Result<Value> {
        self.whole(Operation::Chat, &request).await
    }

    /// Asks for a chat completion as a stream of OpenAI's chunks. It is here once the answer has begun; until
    /// then other deployments are tried, afterwards errors are items of the stream.
    ///
    /// # Errors
    /// As for [`chat`](Self::chat).
    pub async fn chat_stream(&self, request: impl Serialize) -> Result<ChatStream> {
        let mut edits = Edits::new();
        edits.set_raw("stream", "true");
        match self.ask(Operation::Chat, &request, &edits).await? {
            AnswerBody::Stream(tap) => Ok(ChatStream::new(*tap)),
            _ => Err(Error::new(ErrorKind::Internal, "a stream was asked for")),
        }
    }

    /// Asks for the embeddings of one or more texts. `request` is the body of OpenAI's embeddings: an object with
    /// `model` and `input`.
    ///
    /// # Errors
    /// As for [`chat`](Self::chat).
    pub async fn embeddings(&self, request: impl Serialize) -> Result<Value> {
        self.whole(Operation::Embeddings, &request).await
    }

    /// The router below: for other operations and dialects, for headers, and to see who answered.
    #[must_use]
    pub fn router(&self) -> &Router {
        &self.router
    }

    async fn whole(&self, operation: Operation, request: &impl Serialize) -> Result<Value> {
        let mut edits = Edits::new();
        edits.remove("stream");
        edits.remove("stream_options");
        match self.ask(operation, request, &edits).await? {
            AnswerBody::Whole(answer, _) => serde_json::from_slice(&answer).map_err(|error| {
                Error::upstream(ErrorKind::BadReply, "the provider's answer is no JSON").with_source(error)
            }),
            _ => Err(Error::new(ErrorKind::Internal, "no stream was asked for")),
        }
    }

    async fn ask(
        &self,
        operation: Operation,
        request: &impl Serialize,
        edits: &Edits<'_>,
    ) -> Result<AnswerBody> {
        let body = serde_json::to_vec(request).map_err(|error| {
            Error::client(
                ErrorKind::InvalidRequest,
                format!("the request cannot be written as JSON: {error}"),
            )
        })?;
        let body = Bytes::from(body);
        let body = edits.apply(&body, &envelope::read(&body)?);
        let fields = envelope::read(&body)?;
        let (model, headers) = (model(&body, &fields)?, HeaderMap::new());
        let ask = Ask::new(operation, Dialect::OpenAi, &model, &body, &fields, &headers)
            .with_stream(fields.get(&body, "stream") == Some(b"true"))
            .with_created(now());
        let answer = self.router.ask(&ask).await.map_err(|refusal| refusal.error)?;
        Ok(answer.body)
    }
}

fn model(body: &[u8], fields: &Envelope) -> Result<String> {
    let raw = fields.get(body, "model").unwrap_or(b"null");
    serde_json::from_slice(raw).map_err(|_| Error::invalid("model", "`model` must name a model, as a string"))
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
