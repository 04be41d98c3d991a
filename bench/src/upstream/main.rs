//! A provider that costs next to nothing: it reads each request whole and answers from memory.
//!
//! `POST …/chat/completions` and `POST …/messages` give a whole answer, or a stream when the body says `"stream":true`.
//! `PUT /script` with `{"delay_ms":0,"chunks":50,"interval_ms":5}` says how answers come from then on.

mod answers;
mod body;

use std::cell::Cell;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::ensure;
use bytes::Bytes;
use clap::Parser;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use memchr::memmem;
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

use answers::Answers;
use body::{Answer, Stream};

#[derive(Debug, Parser)]
struct Args {
    /// Where to listen; loopback only.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

/// How answers come.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    /// How long to think before an answer begins.
    delay_ms: u64,
    /// Text events in a stream.
    chunks: u32,
    /// Time between two of them; 0 sends them as fast as the connection takes them.
    interval_ms: u64,
}

struct Upstream {
    script: Cell<Script>,
    chat_completions: Answers,
    messages: Answers,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    ensure!(args.listen.ip().is_loopback(), "this server is for loopback only");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let upstream = Upstream {
        script: Cell::new(Script { delay_ms: 0, chunks: 50, interval_ms: 5 }),
        chat_completions: Answers::chat_completions(),
        messages: Answers::messages(),
    };
    LocalSet::new().block_on(&runtime, serve(args.listen, Rc::new(upstream)))
}

async fn serve(address: SocketAddr, upstream: Rc<Upstream>) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address).await?;
    writeln!(io::stdout(), "listening on {}", listener.local_addr()?)?;
    loop {
        let Ok((socket, _)) = listener.accept().await else { continue };
        tokio::task::spawn_local(converse(socket, Rc::clone(&upstream)));
    }
}

async fn converse(socket: TcpStream, upstream: Rc<Upstream>) {
    if socket.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(move |request| {
        let upstream = Rc::clone(&upstream);
        async move { upstream.answer(request).await }
    });
    // A client that goes away is no event worth telling.
    drop(http1::Builder::new().serve_connection(TokioIo::new(socket), service).await);
}

impl Upstream {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Answer>, hyper::Error> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let path = parts.uri.path();
        Ok(match parts.method {
            Method::PUT if path == "/script" => self.set_script(&body),
            Method::POST if path.ends_with("/chat/completions") => {
                self.chat(&self.chat_completions, &body).await
            }
            Method::POST if path.ends_with("/messages") => self.chat(&self.messages, &body).await,
            _ => json(StatusCode::NOT_FOUND, Bytes::from_static(br#"{"error":{"message":"no such path"}}"#)),
        })
    }

    fn set_script(&self, body: &[u8]) -> Response<Answer> {
        match serde_json::from_slice(body) {
            Ok(script) => {
                self.script.set(script);
                json(StatusCode::OK, Bytes::from_static(b"{}"))
            }
            Err(error) => json(StatusCode::BAD_REQUEST, error.to_string().into()),
        }
    }

    async fn chat(&self, answers: &Answers, body: &[u8]) -> Response<Answer> {
        let script = self.script.get();
        if script.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(script.delay_ms)).await;
        }
        if !wants_stream(body) {
            return json(StatusCode::OK, answers.whole.clone());
        }
        let interval = Duration::from_millis(script.interval_ms);
        let mut response = Response::new(Answer::Stream(Stream::new(answers, script.chunks, interval)));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        response
    }
}

/// Whether the request asks for a stream; good enough for the bodies of the load generator.
fn wants_stream(body: &[u8]) -> bool {
    let after = |at: usize| body.get(at + br#""stream""#.len()..).unwrap_or_default();
    memmem::find_iter(body, br#""stream""#).any(|at| {
        let value = after(at).iter().copied().filter(|byte| !byte.is_ascii_whitespace());
        value.take(5).eq(*b":true")
    })
}

fn json(status: StatusCode, body: Bytes) -> Response<Answer> {
    let mut response = Response::new(Answer::Whole(Some(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_asked_for_with_or_without_spaces() {
        assert!(wants_stream(br#"{"stream":true}"#) && wants_stream(b"{\"stream\" : true}"));
        assert!(!wants_stream(br#"{"stream":false}"#) && !wants_stream(br#"{"stream_options":{}}"#));
    }
}
