//! The paths about responses and conversations that are kept.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, header::CONTENT_TYPE};
use hyper::body::Incoming;
use llmux_core::{Error, ErrorKind, Operation, RequestContext, ResponseStore, Result};
use llmux_router::{AnswerBody, Overrides};
use llmux_wire::{json::envelope, responses::ResponseId};
use serde_json::{Map, Value, json};

use super::{conversations, items, owned, record::Record, turn::Turn};
use crate::{
    body::Body,
    dispatch::Kept,
    error,
    server::read_body,
    snapshot::Snapshot,
    stage::{authenticate, receive::Received, reply, route, settle::Settle},
    tenancy::{Charge, authorize},
};

/// Answers one request about something that is kept.
pub(crate) async fn serve(
    snapshot: &Snapshot,
    cx: &RequestContext,
    request: Request<Incoming>,
    kept: Kept<'_>,
) -> Response<Body> {
    match answer(snapshot, cx, request, kept).await {
        Ok(response) => response,
        Err(refused) => error::answer(&refused, cx, snapshot),
    }
}

async fn answer(
    snapshot: &Snapshot,
    cx: &RequestContext,
    request: Request<Incoming>,
    kept: Kept<'_>,
) -> Result<Response<Body>> {
    let caller = authenticate::by(snapshot, request.headers(), request.uri()).await?;
    let store = owned::store(snapshot, caller.as_ref()).ok_or_else(off)?;
    let (parts, body) = request.into_parts();
    let query = parts.uri.query();
    let document = match kept {
        Kept::Response(id) | Kept::Cancel(id) | Kept::Input(id) => {
            let operation = match (kept, &parts.method) {
                (Kept::Cancel(_), _) => Operation::CancelResponse,
                (Kept::Input(_), _) => Operation::ListResponseInput,
                (_, &Method::DELETE) => Operation::DeleteResponse,
                _ => Operation::ReadResponse,
            };
            match ResponseId::read(id) {
                ResponseId::Here => of_ours(&*store, operation, id, query, snapshot.limits.body_size).await?,
                ResponseId::AtProvider { deployment, id: native } => {
                    let group = snapshot.entries.iter().find(|entry| entry.id == deployment);
                    if let (Some(caller), Some(group)) = (&caller, group) {
                        authorize(snapshot, caller, &group.name)?;
                    }
                    let asked = json!({ "id": native, "query": query.unwrap_or_default() });
                    let charge = Charge::of_kept(snapshot.tenancy.as_ref(), caller);
                    let theirs =
                        Theirs { operation, deployment: &deployment, asked, known: id, query, charge };
                    return Ok(theirs.ask(snapshot, cx, parts.headers).await);
                }
                ResponseId::Foreign => return Err(no_response(id)),
            }
        }
        Kept::Conversations | Kept::Conversation(_) | Kept::Items(_) | Kept::Item(..) => {
            let body = match parts.method {
                Method::POST => read_body(body, snapshot.limits.body_size, snapshot.limits.body_time).await?,
                _ => Bytes::new(),
            };
            conversation(&*store, kept, &parts.method, query, &body).await?
        }
    };
    let mut response = Response::new(Body::from(document.to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn conversation(
    store: &dyn ResponseStore,
    kept: Kept<'_>,
    method: &Method,
    query: Option<&str>,
    body: &Bytes,
) -> Result<Value> {
    let body = || -> Result<Map<String, Value>> {
        if body.is_empty() {
            return Ok(Map::new());
        }
        serde_json::from_slice(body).map_err(|error| envelope::explain(&error))
    };
    match (kept, method) {
        (Kept::Conversations, _) => conversations::create(store, body()?).await,
        (Kept::Conversation(id), &Method::POST) => conversations::update(store, id, body()?).await,
        (Kept::Conversation(id), &Method::DELETE) => conversations::delete(store, id).await,
        (Kept::Items(id), &Method::POST) => conversations::append(store, id, body()?).await,
        (Kept::Items(id), _) => conversations::list(store, id, query).await,
        (Kept::Item(id, item), &Method::DELETE) => conversations::delete_item(store, id, item).await,
        (Kept::Item(id, item), _) => conversations::item(store, id, item).await,
        (Kept::Conversation(id) | Kept::Response(id) | Kept::Cancel(id) | Kept::Input(id), _) => {
            conversations::read(store, id).await
        }
    }
}

/// A response that is kept here.
async fn of_ours(
    store: &dyn ResponseStore,
    operation: Operation,
    id: &str,
    query: Option<&str>,
    limit: usize,
) -> Result<Value> {
    if operation == Operation::DeleteResponse {
        return match store.remove(id).await? {
            true => Ok(json!({ "id": id, "object": "response", "deleted": true })),
            false => Err(no_response(id)),
        };
    }
    let record = Record::find(store, id).await?.ok_or_else(|| no_response(id))?;
    match operation {
        Operation::CancelResponse => {
            let message = "Only responses that run in the background can be cancelled.";
            Err(Error::invalid("response_id", message))
        }
        Operation::ListResponseInput => {
            let said = record.context(store, limit).await?.into_iter().enumerate();
            let own = id.trim_start_matches("resp_").to_owned();
            let listed = said.map(|(at, item)| items::as_resource(item, || format!("msg_{own}_{at}")));
            items::page(listed.collect(), query)
        }
        _ => Ok(record.response),
    }
}

/// A request about a response that a provider keeps.
struct Theirs<'a> {
    operation: Operation,
    deployment: &'a str,
    asked: Value,
    /// The id that the client knows the response by.
    known: &'a str,
    query: Option<&'a str>,
    charge: Option<Box<Charge>>,
}

impl Theirs<'_> {
    async fn ask(mut self, snapshot: &Snapshot, cx: &RequestContext, headers: HeaderMap) -> Response<Body> {
        if !snapshot.router.knows(self.deployment) {
            return error::answer(&no_response(self.known), cx, snapshot);
        }
        let charge = self.charge.take();
        let received = match self.received(headers) {
            Ok(received) => received,
            Err(refused) => return error::answer(&refused, cx, snapshot),
        };
        let mut cx = cx.clone();
        cx.operation = self.operation;
        let settle = Settle::new(&cx, self.deployment, charge);
        match route::run(snapshot, &cx, &received).await {
            Ok(mut answer) => {
                let named = snapshot.responses.clone().map(|store| Turn::known_as(store, self.known));
                let is_list = self.operation == Operation::ListResponseInput;
                let turn = match (&mut answer.body, named) {
                    (AnswerBody::Whole(bytes, _), Some(turn)) if !is_list => {
                        *bytes = turn.whole(std::mem::take(bytes), self.deployment).await;
                        None
                    }
                    (AnswerBody::Stream(_), named) => named,
                    _ => None,
                };
                reply::answer(&cx, snapshot, &received, answer, turn, settle)
            }
            Err(refusal) => {
                settle.refused(&refusal.error);
                reply::refusal(&cx, snapshot, &received, &refusal)
            }
        }
    }

    /// The request for the provider's deployment.
    fn received(&self, headers: HeaderMap) -> Result<Received> {
        let body = Bytes::from(self.asked.to_string());
        let streams = self.query.is_some_and(|query| query.split('&').any(|pair| pair == "stream=true"));
        Ok(Received {
            headers,
            envelope: envelope::read(&body)?,
            body,
            model: self.deployment.to_owned(),
            stream: streams && self.operation == Operation::ReadResponse,
            framing: None,
            overrides: Overrides::default(),
            upload: None,
            directions: None,
            deployment: None,
        })
    }
}

fn no_response(id: &str) -> Error {
    Error::client(ErrorKind::NotFound, format!("Response with id '{id}' not found."))
        .with_param("response_id")
        .with_code("response_not_found")
}

fn off() -> Error {
    Error::client(ErrorKind::NotFound, "no responses are kept: `responses.keep` is off")
        .with_code("unknown_url")
}
