//! The data plane: every request that comes in, and what it gets.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use llmux_core::{ControlPlane, Dialect, Error, ErrorKind};
use serde_json::Value;

use crate::{
    body::Body,
    catalogue,
    dispatch::{Endpoint, FactsPage, dispatch, wraps},
    error, health, landing,
    manage::{self, Management, Source},
    models, ollama, pipeline,
    relay::{self, Found},
    server::{Handler, Peer, read_body},
    snapshot::Snapshot,
    stage::authenticate,
    tenancy::{Caller, authorize},
    utilities,
};

/// The data plane. It serves from an immutable [`Snapshot`] that can be replaced at any time: running requests
/// keep the one they began with.
pub struct Gateway {
    snapshot: ArcSwap<Snapshot>,
    draining: AtomicBool,
    management: Option<Management>,
    control: Option<Arc<dyn ControlPlane>>,
}

impl Gateway {
    /// A gateway that serves from this snapshot.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        let (snapshot, draining) = (ArcSwap::from_pointee(snapshot), AtomicBool::new(false));
        Self { snapshot, draining, management: None, control: None }
    }

    /// Lets models be added, changed and removed by request; the snapshot must have been built from this.
    #[must_use]
    pub fn with_source(mut self, source: Source) -> Self {
        self.management = Some(Management::new(source));
        self
    }

    /// Hands requests over to what manages keys, teams and users, where it claims their paths.
    #[must_use]
    pub fn with_control(mut self, control: Arc<dyn ControlPlane>) -> Self {
        self.control = Some(control);
        self
    }

    /// Serves new requests from another configuration, together with the models that were added by request. Gives
    /// what is odd about it. This may block: it is not for the threads that serve.
    ///
    /// # Errors
    /// Every mistake at once; then everything stays as it was.
    pub fn reload(&self, source: Source) -> Result<Vec<String>, Vec<Error>> {
        let built = match &self.management {
            Some(management) => return management.reload(&self.snapshot, source),
            None => source.build()?,
        };
        self.replace(built.snapshot);
        Ok(built.warnings)
    }

    /// Serves new requests from another snapshot.
    pub fn replace(&self, snapshot: Snapshot) {
        self.snapshot.store(Arc::new(snapshot));
    }

    /// The snapshot that new requests are served from.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Asks deployments whether they work as the configuration wants, for ever: to be run beside the server.
    pub async fn check_health(&self) {
        health::run(&self.snapshot).await;
    }

    /// Makes readiness say that no more requests are taken; they still are, until the listener closes.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    async fn serve(&self, snapshot: &Snapshot, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        match dispatch(request.method(), &path) {
            Endpoint::Model(operation, dialect, model) => {
                pipeline::run(snapshot, request, operation, dialect, model).await
            }
            Endpoint::Kept(kept) => pipeline::kept(snapshot, request, kept).await,
            // Not on the path of a model's work, and not in the size of its future.
            other => Box::pin(self.answer(snapshot, request, other, &path)).await,
        }
    }

    /// What is not a model's work.
    async fn answer(
        &self,
        snapshot: &Snapshot,
        request: Request<Incoming>,
        endpoint: Endpoint<'_>,
        path: &str,
    ) -> Response<Body> {
        let dialect = spoken(path, request.headers());
        if let (Endpoint::Unknown, Some(control)) =
            (&endpoint, self.control.as_ref().filter(|control| control.claims(path)))
        {
            return answered(manage::hand_over(control.as_ref(), snapshot, request).await, dialect);
        }
        let checked = || snapshot.access.check(request.headers(), request.uri().query());
        // Whoever may ask for models may know of them.
        let known = || authenticate::by(snapshot, request.headers(), request.uri());
        match endpoint {
            Endpoint::Health => match checked() {
                Ok(()) => {
                    let query = request.uri().query().map(str::to_owned);
                    told(Ok(health::check(snapshot, query.as_deref()).await), snapshot, dialect)
                }
                Err(refused) => error::respond(&refused, dialect),
            },
            Endpoint::LatestHealth => told(checked().map(|()| health::latest(snapshot)), snapshot, dialect),
            Endpoint::Explain => pipeline::explain(snapshot, request).await,
            Endpoint::Models => {
                let list = |caller: Option<Caller>| catalogue::list(snapshot, dialect, caller.as_ref());
                answered(known().await.map(list), dialect)
            }
            Endpoint::ModelInfo(id) => {
                let one = known().await.and_then(|caller| {
                    caller.map_or(Ok(()), |caller| authorize(snapshot, &caller, &id))?;
                    catalogue::one(&snapshot.router, &id, dialect)
                });
                answered(one, dialect)
            }
            Endpoint::OllamaModels => {
                answered(known().await.map(|_| ollama::tags(&snapshot.router)), dialect)
            }
            Endpoint::OllamaShow => match known().await {
                Ok(_) => show(snapshot, request.into_body()).await,
                Err(refused) => error::respond(&refused, dialect),
            },
            Endpoint::OllamaRunning => json(ollama::running()),
            Endpoint::OllamaVersion => json(ollama::version()),
            Endpoint::Facts(page) => {
                let allowed = if page == FactsPage::Public { Ok(()) } else { checked() };
                let query = request.uri().query();
                answered(allowed.and_then(|()| models::page(snapshot, page, query)), dialect)
            }
            Endpoint::Utility(which) => answered(utilities::run(snapshot, request, which).await, dialect),
            Endpoint::Manage(change) => {
                let management = self.management.as_ref();
                let done = manage::answer(management, &self.snapshot, snapshot, request, change).await;
                told(done, snapshot, dialect)
            }
            Endpoint::Liveness => json("\"I'm alive!\""),
            Endpoint::Readiness => self.readiness(snapshot),
            Endpoint::Landing => typed(landing::page(), "text/html; charset=utf-8"),
            Endpoint::WrongMethod(allowed) => wrong_method(request.method(), path, allowed, dialect),
            // Models' work does not come here.
            Endpoint::Model(..) | Endpoint::Kept(_) | Endpoint::Unknown => {
                match snapshot.relays.find(request.method(), path) {
                    Found::To(destination, below) => relay::run(snapshot, request, destination, below).await,
                    Found::WrongMethod(allowed) => relay::wrong_method(&request, &allowed),
                    Found::Nowhere => error::respond(&unknown_path(request.method(), path), dialect),
                }
            }
        }
    }

    /// Ready as long as requests are taken. The database is told of and not waited for: without it known keys and the
    /// master key are served.
    fn readiness(&self, snapshot: &Snapshot) -> Response<Body> {
        let draining = self.draining.load(Ordering::Relaxed);
        let reached = snapshot.tenancy.as_ref().is_some_and(|tenancy| tenancy.is_reached());
        let status = if draining { "shutting down" } else { "healthy" };
        let db = if reached { "connected" } else { "Not connected" };
        let mut response = json(format!(r#"{{"status":"{status}","db":"{db}"}}"#));
        if draining {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        response
    }
}

impl Handler for Gateway {
    type Body = Body;

    async fn handle(&self, request: Request<Incoming>, _peer: &Peer) -> Response<Body> {
        let snapshot = self.snapshot.load_full();
        if request.method() == Method::OPTIONS
            && let Some(answer) = snapshot.cors.preflight(request.method(), request.headers())
        {
            return answer.map(|()| Body::empty());
        }
        let origin = request.headers().get(header::ORIGIN).cloned();
        let mut response = self.serve(&snapshot, request).await;
        snapshot.cors.apply(origin.as_ref(), response.headers_mut());
        response
    }
}

/// The dialect of a client, where the path stands for no operation.
fn spoken(path: &str, headers: &HeaderMap) -> Dialect {
    const VERSION: HeaderName = HeaderName::from_static("anthropic-version");
    const GOOGLE: [HeaderName; 2] =
        [HeaderName::from_static("x-goog-api-key"), HeaderName::from_static("x-goog-api-client")];
    // Google's clients may ask for version `v1`, too.
    if path.starts_with("/v1beta/") || GOOGLE.iter().any(|name| headers.contains_key(name)) {
        return Dialect::Gemini;
    }
    if path.starts_with("/api/") {
        return Dialect::Ollama;
    }
    if wraps(path).is_some() {
        return Dialect::BedrockConverse;
    }
    if headers.contains_key(VERSION) { Dialect::Anthropic } else { Dialect::OpenAi }
}

/// Tells of the model that the body names.
async fn show(snapshot: &Snapshot, body: Incoming) -> Response<Body> {
    let body = read_body(body, snapshot.limits.body_size, snapshot.limits.body_time).await;
    match body.and_then(|body| ollama::show(&snapshot.router, &body)) {
        Ok(body) => json(body),
        Err(refused) => error::respond(&refused, Dialect::Ollama),
    }
}

/// A body, or why there is none.
fn answered(body: Result<Bytes, Error>, dialect: Dialect) -> Response<Body> {
    body.map_or_else(|refused| error::respond(&refused, dialect), json)
}

/// The same where it may repeat a key, as what providers say of themselves.
fn told(document: Result<Value, Error>, snapshot: &Snapshot, dialect: Dialect) -> Response<Body> {
    let scrubbed =
        |document: Value| Bytes::from(snapshot.scrubber.scrub(document.to_string().as_bytes()).into_owned());
    answered(document.map(scrubbed), dialect)
}

pub(crate) fn json(body: impl Into<Body>) -> Response<Body> {
    typed(body, "application/json")
}

fn typed(body: impl Into<Body>, content_type: &'static str) -> Response<Body> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn wrong_method(method: &Method, path: &str, allowed: &'static str, dialect: Dialect) -> Response<Body> {
    let message = format!("{method} is not allowed for {path}; use {allowed}");
    let mut response = error::respond(&Error::client(ErrorKind::MethodNotAllowed, message), dialect);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

fn unknown_path(method: &Method, path: &str) -> Error {
    Error::client(ErrorKind::NotFound, format!("nothing is served at {method} {path}; GET / lists what is"))
        .with_code("unknown_url")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn googles_clients_are_known_by_their_header_where_openais_have_the_same_path() {
        let mut headers = HeaderMap::new();
        assert_eq!(spoken("/v1/models", &headers), Dialect::OpenAi);
        headers.insert("x-goog-api-key", HeaderValue::from_static("k"));
        assert_eq!(spoken("/v1/models", &headers), Dialect::Gemini);
    }
}
