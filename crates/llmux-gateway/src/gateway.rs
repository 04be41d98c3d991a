//! The data plane: every request that comes in, and what it gets.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use arc_swap::ArcSwap;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use llmux_core::{Dialect, Error, ErrorKind};

use crate::{
    body::Body,
    catalogue,
    dispatch::{Endpoint, FactsPage, dispatch, wraps},
    error, health, landing, models, ollama, pipeline,
    relay::{self, Found},
    server::{Handler, Peer, read_body},
    snapshot::Snapshot,
    utilities,
};

/// The data plane. It serves from an immutable [`Snapshot`] that can be replaced at any time: running requests
/// keep the one they began with.
pub struct Gateway {
    snapshot: ArcSwap<Snapshot>,
    draining: AtomicBool,
}

impl Gateway {
    /// A gateway that serves from this snapshot.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        Self { snapshot: ArcSwap::from_pointee(snapshot), draining: AtomicBool::new(false) }
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

    /// Makes readiness say that no more requests are taken; they still are, until the listener closes.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    async fn serve(&self, snapshot: &Snapshot, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        // Most requests are for a model's work, and need neither.
        let dialect = || spoken(&path, request.headers());
        let checked = || snapshot.access.check(request.headers(), request.uri().query());
        match dispatch(request.method(), &path) {
            Endpoint::Model(operation, dialect, model) => {
                pipeline::run(snapshot, request, operation, dialect, model).await
            }
            Endpoint::Kept(kept) => pipeline::kept(snapshot, request, kept).await,
            Endpoint::Health => match checked() {
                Ok(()) => {
                    // What providers say of themselves may repeat a key.
                    let query = request.uri().query().map(str::to_owned);
                    let told = health::check(&snapshot.router, query.as_deref()).await.to_string();
                    json(snapshot.scrubber.scrub(told.as_bytes()).into_owned())
                }
                Err(refused) => error::respond(&refused, dialect()),
            },
            Endpoint::Explain => pipeline::explain(snapshot, request).await,
            Endpoint::Models => match checked() {
                Ok(()) => json(catalogue::list(&snapshot.router, dialect())),
                Err(refused) => error::respond(&refused, dialect()),
            },
            Endpoint::ModelInfo(id) => {
                match checked().and_then(|()| catalogue::one(&snapshot.router, &id, dialect())) {
                    Ok(body) => json(body),
                    Err(refused) => error::respond(&refused, dialect()),
                }
            }
            Endpoint::OllamaModels => match checked() {
                Ok(()) => json(ollama::tags(&snapshot.router)),
                Err(refused) => error::respond(&refused, dialect()),
            },
            Endpoint::OllamaShow => match checked() {
                Ok(()) => show(snapshot, request.into_body()).await,
                Err(refused) => error::respond(&refused, dialect()),
            },
            Endpoint::OllamaRunning => json(ollama::running()),
            Endpoint::OllamaVersion => json(ollama::version()),
            Endpoint::Facts(page) => {
                let allowed = if page == FactsPage::Public { Ok(()) } else { checked() };
                match allowed.and_then(|()| models::page(snapshot, page, request.uri().query())) {
                    Ok(body) => json(body),
                    Err(refused) => error::respond(&refused, dialect()),
                }
            }
            Endpoint::Utility(which) => {
                let dialect = dialect();
                match utilities::run(snapshot, request, which).await {
                    Ok(body) => json(body),
                    Err(refused) => error::respond(&refused, dialect),
                }
            }
            Endpoint::Liveness => json("\"I'm alive!\""),
            Endpoint::Readiness => self.readiness(),
            Endpoint::Landing => typed(landing::page(), "text/html; charset=utf-8"),
            Endpoint::WrongMethod(allowed) => wrong_method(request.method(), &path, allowed, dialect()),
            Endpoint::Unknown => match snapshot.relays.find(request.method(), &path) {
                Found::To(destination, below) => relay::run(snapshot, request, destination, below).await,
                Found::WrongMethod(allowed) => relay::wrong_method(&request, &allowed),
                Found::Nowhere => error::respond(&unknown_path(request.method(), &path), dialect()),
            },
        }
    }

    fn readiness(&self) -> Response<Body> {
        if self.draining.load(Ordering::Relaxed) {
            let mut response = json(r#"{"status":"shutting down","db":"Not connected"}"#);
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            return response;
        }
        json(r#"{"status":"healthy","db":"Not connected"}"#)
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
