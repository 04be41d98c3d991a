//! A kept connection and the request that it sends again and again.

use anyhow::Context;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;

use crate::args::{Dialect, Target};

/// The request of a run, ready to be cloned.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    address: std::net::SocketAddr,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
    /// Whether a stream is asked for.
    pub(crate) stream: bool,
    /// What stands near the end of a whole answer.
    end_mark: &'static [u8],
}

impl Template {
    /// Prepares the request.
    pub(crate) fn new(target: &Target) -> anyhow::Result<Self> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::try_from(target.address.to_string())?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(AUTHORIZATION, HeaderValue::try_from(format!("Bearer {}", target.key))?);
        let uri = Uri::from_static(target.dialect.path());
        let end_mark = target.dialect.end_mark(target.stream);
        Ok(Self {
            address: target.address,
            uri,
            headers,
            body: body(target),
            stream: target.stream,
            end_mark,
        })
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// A chat request of exactly the wanted size, if its fields fit into it.
fn body(target: &Target) -> Bytes {
    const WORDS: &str = "Please look at the following and say what you think of it, step by step. ";
    let build = |prompt: &str| {
        let (system, user) = ("You are a careful assistant.", json!({"role": "user", "content": prompt}));
        let mut body = match target.dialect {
            Dialect::ChatCompletions => {
                let messages = json!([{"role": "system", "content": system}, user]);
                json!({"model": target.model, "temperature": 0.2, "messages": messages})
            }
            Dialect::Messages => json!({"model": target.model, "max_tokens": 500, "temperature": 0.2,
                "system": system, "messages": [user]}),
        };
        if let (Some(fields), true) = (body.as_object_mut(), target.stream) {
            fields.insert("stream".to_owned(), true.into());
        }
        body.to_string()
    };
    let filler = target.body_bytes.saturating_sub(build("").len());
    build(&WORDS.chars().cycle().take(filler).collect::<String>()).into()
}

/// A connection that is made again when the server closed it.
#[derive(Debug)]
pub(crate) struct Connection {
    template: Template,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    /// Connects when the first request is sent.
    pub(crate) fn new(template: Template) -> Self {
        Self { template, sender: None }
    }

    /// What stands near the end of a whole answer.
    pub(crate) fn end_mark(&self) -> &'static [u8] {
        self.template.end_mark
    }

    /// Whether answers are streams.
    pub(crate) fn is_streaming(&self) -> bool {
        self.template.stream
    }

    /// Sends the request and gives back the head of the answer.
    pub(crate) async fn send(&mut self) -> anyhow::Result<Response<Incoming>> {
        if let Some(sender) = &mut self.sender
            && sender.ready().await.is_ok()
        {
            return Ok(sender.send_request(self.template.request()).await?);
        }
        let mut sender = connect(&self.template).await?;
        let response = sender.send_request(self.template.request()).await;
        self.sender = Some(sender);
        Ok(response?)
    }

    /// Forgets a connection whose state is unknown.
    pub(crate) fn reset(&mut self) {
        self.sender = None;
    }
}

async fn connect(template: &Template) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let socket = TcpStream::connect(template.address).await.context("cannot connect")?;
    socket.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
    tokio::task::spawn_local(connection);
    sender.ready().await?;
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_have_the_wanted_size() {
        for (body_bytes, stream) in [(1024, false), (102_400, true)] {
            let target = Target {
                address: ([127, 0, 0, 1], 1).into(),
                dialect: Dialect::ChatCompletions,
                key: "k".to_owned(),
                model: "m".to_owned(),
                body_bytes,
                stream,
            };
            assert_eq!(body(&target).len(), body_bytes);
        }
    }
}
