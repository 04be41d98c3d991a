//! One turn of a conversation: what it continues, and what is kept of it.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use llmux_core::{Dialect, Error, Operation, RequestContext, RequestId, ResponseStore, Result};
use llmux_wire::{
    json::{edit::Edits, envelope},
    responses::ResponseId,
};
use serde_json::Value;

use super::{
    conversations, items,
    label::{Labels, text},
    owned,
    record::{Record, not_found, too_long},
};
use crate::{snapshot::Snapshot, stage::receive::Received, tenancy::Caller};

/// What becomes of the answer to one request.
pub(crate) struct Turn {
    store: Arc<dyn ResponseStore>,
    /// Whether the client wants the response to be kept.
    keep: bool,
    /// The id that the response has if it is kept here.
    own_id: String,
    /// The id that the client knows the response by already.
    known: Option<String>,
    /// The response that is continued, as the client names it.
    previous: Option<String>,
    /// The response that is continued, if it is kept here.
    chained: Option<String>,
    /// The conversation that is continued, if it is kept here.
    conversation: Option<String>,
    /// What was said in the conversation before.
    before: Vec<Value>,
    /// The request's own `input`, as the client wrote it: read only when it is needed.
    input: Bytes,
}

impl Turn {
    /// Finds out what a request continues, and makes the request complete: what is kept here becomes part of its input,
    /// what a provider keeps goes to that provider. `None` where there is nothing to do.
    ///
    /// # Errors
    /// A 400 that names the response or conversation that is not kept, or not any more.
    pub(crate) async fn begin(
        snapshot: &Snapshot,
        cx: &RequestContext,
        received: &mut Received,
        caller: Option<&Caller>,
    ) -> Result<Option<Self>> {
        let asked = (cx.operation, cx.dialect) == (Operation::Chat, Dialect::OpenAiResponses);
        let store = if asked { owned::store(snapshot, caller) } else { None };
        let Some(store) = store else { return Ok(None) };
        let field = |name: &str| -> Option<Value> {
            serde_json::from_slice(&raw(received, name)).ok().filter(|value: &Value| !value.is_null())
        };
        let previous = field("previous_response_id").and_then(|id| id.as_str().map(str::to_owned));
        let conversation = field("conversation").as_ref().and_then(conversations::named).map(str::to_owned);
        let keep = field("store") != Some(Value::Bool(false));
        if previous.is_some() && conversation.is_some() {
            let message = "`previous_response_id` cannot be used together with `conversation`";
            return Err(
                Error::invalid("previous_response_id", message).with_code("mutually_exclusive_parameters")
            );
        }
        let mut turn = Self {
            keep,
            own_id: ResponseId::here(RequestId::new().as_str()),
            known: None,
            chained: None,
            conversation: None,
            before: Vec::new(),
            input: raw(received, "input"),
            previous,
            store,
        };
        if let Some(id) = turn.previous.clone() {
            turn.after_response(snapshot, received, &id).await?;
        } else if let Some(id) = conversation.filter(|id| conversations::is_kept_here(id)) {
            turn.in_conversation(snapshot, received, id).await?;
        }
        Ok(Some(turn))
    }

    /// The names of an answer that is known to the client by this id, and not to be kept.
    pub(super) fn known_as(store: Arc<dyn ResponseStore>, id: &str) -> Self {
        Self {
            store,
            keep: false,
            own_id: String::new(),
            known: Some(id.to_owned()),
            previous: None,
            chained: None,
            conversation: None,
            before: Vec::new(),
            input: Bytes::new(),
        }
    }

    async fn after_response(&mut self, snapshot: &Snapshot, received: &mut Received, id: &str) -> Result<()> {
        match ResponseId::read(id) {
            // A provider that gave it knows it; the others say that they keep nothing.
            ResponseId::Foreign => Ok(()),
            ResponseId::AtProvider { deployment, id: native } => {
                if snapshot.router.serves(&received.model, &deployment) {
                    received.deployment = Some(deployment);
                }
                let mut edits = Edits::new();
                edits.set_str("previous_response_id", &native);
                received.change(&edits)
            }
            ResponseId::Here => {
                let record = Record::find(&*self.store, id).await?.ok_or_else(|| not_found(id))?;
                let output = record.response.get("output").cloned().unwrap_or_default();
                let mut said = record.context(&*self.store, snapshot.limits.body_size).await?;
                said.extend(items::of_input("output", output)?);
                self.chained = Some(id.to_owned());
                self.put_before(snapshot, received, &said, "previous_response_id")
            }
        }
    }

    async fn in_conversation(
        &mut self,
        snapshot: &Snapshot,
        received: &mut Received,
        id: String,
    ) -> Result<()> {
        self.before = conversations::items(&*self.store, &id).await?;
        let said = self.before.clone();
        self.conversation = Some(id);
        self.put_before(snapshot, received, &said, "conversation")
    }

    /// Puts what was said before in front of the request's own input, in place of the field that stood for it.
    fn put_before(
        &self,
        snapshot: &Snapshot,
        received: &mut Received,
        said: &[Value],
        field: &'static str,
    ) -> Result<()> {
        let own = self.own_input()?;
        let input = Value::Array(said.iter().cloned().map(items::again).chain(own).collect());
        let mut edits = Edits::new();
        edits.remove(field);
        edits.set_value("input", &input);
        received.change(&edits)?;
        if received.body.len() > snapshot.limits.body_size { Err(too_long()) } else { Ok(()) }
    }

    /// The items of the request itself.
    fn own_input(&self) -> Result<Vec<Value>> {
        if self.input.is_empty() {
            return Ok(Vec::new());
        }
        let input = serde_json::from_slice(&self.input).map_err(|error| envelope::explain(&error))?;
        items::of_input("input", input)
    }

    /// A response object as the client is to see it, and whether it is one that is to be kept here. `deployment` made
    /// it.
    pub(super) fn label(&self, response: &Bytes, deployment: &str) -> Result<(Bytes, bool)> {
        let fields = envelope::read(response)?;
        let kept_there = fields.get(response, "store") == Some(b"true");
        let here = self.keep && !kept_there;
        let native = || ResponseId::at_provider(deployment, &text(response, &fields, "id")?);
        let id = match &self.known {
            Some(id) => Some(id.clone()),
            None if here => Some(self.own_id.clone()),
            None if kept_there => native(),
            None => None,
        };
        let labels = Labels {
            id: id.as_deref(),
            store: here,
            previous: self.previous.as_deref(),
            conversation: self.conversation.as_deref(),
        };
        Ok((labels.put_on(response, &fields), here))
    }

    /// Keeps a response that is complete: to be done before the client learns that it is. What cannot be kept is told
    /// in the log, since the answer itself is good.
    pub(super) fn keep(self, response: Bytes, here: bool) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if let Err(error) = self.try_keep(&response, here).await {
                tracing::warn!(%error, "a response could not be kept");
            }
        })
    }

    async fn try_keep(self, response: &Bytes, here: bool) -> Result<()> {
        let response: Value = serde_json::from_slice(response)
            .map_err(|error| Error::new(llmux_core::ErrorKind::Internal, error.to_string()))?;
        let input = self.own_input().unwrap_or_default();
        if let Some(id) = &self.conversation {
            let output = response.get("output").cloned().unwrap_or_default();
            let said = input.iter().cloned().chain(items::of_input("output", output)?);
            conversations::add(&*self.store, id, said.collect()).await?;
        }
        if here {
            let record = Record { response, input, before: self.before, previous: self.chained };
            self.store.put(&self.own_id, record.write()).await?;
        }
        Ok(())
    }

    /// Whether anything has to be written once the response is complete.
    pub(super) fn writes(&self, here: bool) -> bool {
        here || self.conversation.is_some()
    }

    /// A whole answer, as the client is to see it; it is kept before it goes out.
    pub(crate) async fn whole(self, response: Bytes, deployment: &str) -> Bytes {
        match self.label(&response, deployment) {
            Ok((labelled, here)) => {
                if self.writes(here) {
                    self.keep(labelled.clone(), here).await;
                }
                labelled
            }
            Err(_) => response,
        }
    }
}

/// A field of a request as it stands there; nothing if it is missing.
fn raw(received: &Received, name: &str) -> Bytes {
    let field = received.envelope.find(&received.body, name);
    field.map_or_else(Bytes::new, |field| received.body.slice(field.value.clone()))
}
