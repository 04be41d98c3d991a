//! A server that answers every request with what its script says.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What to answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: u16,
    content_type: &'static str,
    body: String,
}

impl Answer {
    /// A JSON body.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self { status, content_type: "application/json", body: body.to_string() }
    }

    /// A stream of these events, as it comes from the wire.
    pub(crate) fn events(body: &str) -> Self {
        Self { status: 200, content_type: "text/event-stream", body: body.to_owned() }
    }

    /// A stream of text pieces, with usage and its proper end.
    pub(crate) fn stream(pieces: &[&str]) -> Self {
        let event = |value: Value| format!("data: {value}\n\n");
        let mut body: String = pieces
            .iter()
            .map(|text| event(serde_json::json!({"choices": [{"delta": {"content": text}}]})))
            .collect();
        body += &event(serde_json::json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}));
        let usage = serde_json::json!({"prompt_tokens": 7, "completion_tokens": 3});
        body += &event(serde_json::json!({"choices": [], "usage": usage}));
        body += "data: [DONE]\n\n";
        Self::events(&body)
    }
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Value,
}

/// The running server; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Stub {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    accepting: JoinHandle<()>,
}

impl Stub {
    /// Answers every request alike.
    pub(crate) async fn always(answer: Answer) -> Self {
        Self::scripted(move |_| answer.clone()).await
    }

    /// Answers the n-th request (from 0) with `script(n)`.
    pub(crate) async fn scripted(script: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (script, log) = (Arc::new(script), Arc::clone(&seen));
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (script, log) = (Arc::clone(&script), Arc::clone(&log));
                let service = service_fn(move |request| {
                    let (script, log) = (Arc::clone(&script), Arc::clone(&log));
                    async move { Ok::<_, Infallible>(answer(request, &*script, &log).await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
            }
        });
        Self { address, seen, accepting }
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn answer(
    request: Request<Incoming>,
    script: &(dyn Fn(usize) -> Answer + Send + Sync),
    log: &Mutex<Vec<Seen>>,
) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let authorization = parts.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let order = {
        let mut seen = log.lock().unwrap();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        seen.push(Seen { path: parts.uri.path().to_owned(), authorization, body });
        seen.len() - 1
    };
    let Answer { status, content_type, body } = script(order);
    Response::builder()
        .status(status)
        .header("content-type", content_type)
        .header("x-litellm-call-id", "call-1")
        .body(Full::from(body))
        .unwrap()
}
