//! One attempt at one deployment: prepare, sign, send, classify, and open the answer.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::future::poll_fn;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full};
use llmux_core::{
    Call, Credentials, Error, ErrorKind, Exchange, FailedReply, FormEdits, FormShape, Frames, Outgoing,
    Reply, Result, Timeouts, Transport, TransportBody, TransportReply,
};
use llmux_wire::{raw::Raw, tap::Tap};
use tokio::time::Instant;

use crate::{
    ask::{AnswerBody, Opened},
    deployment::Deployment,
    pieces::Pieces,
    scripted,
    steps::{self, Outcome},
    upload::Upload,
};

/// Most bytes of a failed answer that are read: more than any error message needs.
const MAX_FAILURE: usize = 64 << 10;

/// Asks one deployment. On success the answer has begun: a whole one is complete, a stream has its first frame.
pub(crate) async fn attempt(
    deployment: &Deployment,
    call: &Call<'_>,
    forwarded: Option<&HeaderMap>,
    uploaded: Option<&Upload>,
    transport: &dyn Transport,
    timeouts: Timeouts,
    max_answer: usize,
) -> Result<Opened> {
    let provider = deployment.provider();
    let credentials = provider.credentials(call.model);
    let line = Line { deployment, credentials, uploaded, transport, timeouts };
    let mut signed_anew = false;
    let opened = loop {
        let exchange = provider.prepare(call)?;
        // A signature covers the whole body.
        let exchange = if credentials.is_some() { exchange.joined() } else { exchange };
        let Exchange { outgoing, more, reply, streamed, media, form, dropped, steps, content_type, .. } =
            exchange;
        let started = steps.is_some().then(Instant::now);
        let mut home = None;
        let answer = match outgoing {
            Outgoing::Send(mut request) => {
                forward(forwarded, request.headers_mut());
                home = steps.is_some().then(|| request.uri().authority().cloned()).flatten();
                line.send(request, more, form, timeouts, true).await
            }
            Outgoing::Answered(answer) => scripted::play(answer, timeouts).await,
        };
        let answer = answer.map_err(|error| error.with_provider(provider.name()))?;
        if !answer.status.is_success() {
            let (error, signs) = line.refusal(answer).await;
            let resendable = !signed_anew && !uploaded.is_some_and(Upload::is_spent);
            if resendable && signs {
                signed_anew = true;
                continue;
            }
            break Err(error);
        }
        let answer = match (steps, started) {
            (Some(steps), Some(started)) => {
                let walked = Box::pin(steps::walk(&line, home.as_ref(), steps, answer, started, max_answer));
                match walked.await {
                    Ok(Outcome::Answer(answer)) => answer,
                    Ok(Outcome::Whole(status, headers, bytes)) => {
                        let opened = read(status, headers, bytes, reply, content_type);
                        break opened.map(|opened| Opened { dropped, ..opened });
                    }
                    Err(error) => break Err(error),
                }
            }
            _ => answer,
        };
        let TransportReply { status, headers, body, .. } = answer;
        let opened = if media {
            open_media(status, headers, body, reply, max_answer).await
        } else if streamed {
            open_stream(status, headers, body, reply, max_answer).await
        } else {
            whole(status, headers, body, reply, max_answer, content_type).await
        };
        break opened.map(|opened| Opened { dropped, ..opened });
    };
    opened.map_err(|error| error.with_provider(provider.name()))
}

/// The way to one deployment, for as many exchanges as a call takes.
pub(crate) struct Line<'a> {
    pub(crate) deployment: &'a Deployment,
    pub(crate) credentials: Option<&'a Arc<dyn Credentials>>,
    pub(crate) uploaded: Option<&'a Upload>,
    pub(crate) transport: &'a dyn Transport,
    pub(crate) timeouts: Timeouts,
}

impl Line<'_> {
    /// Sends a request, signed if its provider signs and `signs` says so, with `more` behind its body, or with the
    /// client's form in place of it if it has changes for one.
    pub(crate) async fn send(
        &self,
        mut request: Request<Bytes>,
        more: Vec<Bytes>,
        form: Option<FormEdits>,
        timeouts: Timeouts,
        signs: bool,
    ) -> Result<TransportReply> {
        if let Some(credentials) = self.credentials.filter(|_| signs) {
            credentials.sign(&mut request).await?;
        }
        match form {
            Some(edits) => {
                let limit = self.deployment.settings().max_upload;
                let request = upload(self.uploaded, request, edits, limit)?;
                self.transport.send_stream(request, timeouts).await
            }
            None if more.is_empty() => self.transport.send(request, timeouts).await,
            None => self.transport.send_stream(request.map(|body| Pieces::body(body, more)), timeouts).await,
        }
    }

    /// What a failed answer says, and whether signing anew may help.
    pub(crate) async fn refusal(&self, answer: TransportReply) -> (Error, bool) {
        let TransportReply { status, headers, body, .. } = answer;
        let bytes = collect(body, MAX_FAILURE, true).await.unwrap_or_default();
        let failed = FailedReply::new(status, &headers, &bytes);
        let signs = status.is_client_error() && self.credentials.is_some_and(|c| c.refused(&failed));
        let error = self.deployment.provider().classify(&failed);
        (error.with_headers(headers), signs)
    }
}

/// Puts the client's form in place of the request's body.
fn upload(
    upload: Option<&Upload>,
    request: Request<Bytes>,
    edits: FormEdits,
    limit: Option<u64>,
) -> Result<Request<TransportBody>> {
    let told = edits.shape == FormShape::Content && request.headers().contains_key(CONTENT_TYPE);
    let upload = upload.ok_or_else(|| Error::new(ErrorKind::Internal, "there is no form to hand on"))?;
    let (body, kind) = upload.open(edits, limit)?;
    let mut request = request.map(|_| body);
    if let Some(kind) = kind.filter(|_| !told) {
        request.headers_mut().insert(CONTENT_TYPE, kind);
    }
    Ok(request)
}

/// Adds the client's headers that the request does not have.
fn forward(client: Option<&HeaderMap>, headers: &mut HeaderMap) {
    for name in client.into_iter().flat_map(HeaderMap::keys) {
        if !headers.contains_key(name) {
            let values = client.into_iter().flat_map(|client| client.get_all(name));
            values.for_each(|value| _ = headers.append(name, value.clone()));
        }
    }
}

async fn whole(
    status: StatusCode,
    headers: HeaderMap,
    body: TransportBody,
    reply: Box<dyn Reply>,
    max_answer: usize,
    content_type: Option<&'static str>,
) -> Result<Opened> {
    let bytes = collect(body, max_answer, false).await?;
    read(status, headers, bytes, reply, content_type)
}

/// Reads a whole answer. `content_type` says what the client gets, where it is no JSON.
fn read(
    status: StatusCode,
    mut headers: HeaderMap,
    bytes: Bytes,
    mut reply: Box<dyn Reply>,
    content_type: Option<&'static str>,
) -> Result<Opened> {
    let bytes = reply.whole(bytes)?;
    let body = match content_type {
        None => AnswerBody::Whole(bytes, Box::new(reply.report())),
        Some(kind) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            let body = Full::new(bytes).map_err(|never| match never {});
            AnswerBody::Bytes(Box::new(Raw::new(Box::pin(body), reply)))
        }
    };
    Ok(Opened { status, headers, body, dropped: Vec::new() })
}

/// Opens an answer as what its content type says that it is.
async fn open_media(
    status: StatusCode,
    headers: HeaderMap,
    body: TransportBody,
    reply: Box<dyn Reply>,
    max_answer: usize,
) -> Result<Opened> {
    if is_document(&headers) {
        return whole(status, headers, body, reply, max_answer, None).await;
    }
    if kind_of(&headers).starts_with(b"text/event-stream") {
        return open_stream(status, headers, body, reply, max_answer).await;
    }
    let body = AnswerBody::Bytes(Box::new(Raw::new(body, reply)));
    Ok(Opened { status, headers, body, dropped: Vec::new() })
}

/// Waits for the first frame, so that an error that comes in place of one can be tried elsewhere.
async fn open_stream(
    status: StatusCode,
    headers: HeaderMap,
    mut body: TransportBody,
    mut reply: Box<dyn Reply>,
    max_answer: usize,
) -> Result<Opened> {
    if is_document(&headers) {
        let bytes = collect(body, max_answer.min(MAX_FAILURE), true).await?;
        // Some hosts answer a stream request with an error object and a success status.
        reply.whole(bytes)?;
        return Err(Error::upstream(
            ErrorKind::BadReply,
            "the provider did not stream although it was asked to",
        ));
    }
    let mut frames = Frames::default();
    while frames.is_empty() {
        match poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            Some(frame) => {
                if let Ok(piece) = frame?.into_data() {
                    reply.push(piece, &mut frames)?;
                }
            }
            None => {
                reply.finish(&mut frames)?;
                break;
            }
        }
    }
    let tap = Tap::new(body, reply, frames);
    Ok(Opened { status, headers, body: AnswerBody::Stream(Box::new(tap)), dropped: Vec::new() })
}

/// The content type, in lower case; empty when there is none.
fn kind_of(headers: &HeaderMap) -> Vec<u8> {
    headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default().to_ascii_lowercase()
}

/// Whether the answer says that it is a document and no stream. Any other content type, and none at all, is taken
/// for a stream: what comes will show.
fn is_document(headers: &HeaderMap) -> bool {
    let kind = kind_of(headers);
    let holds = |word: &str| memchr::memmem::find(&kind, word.as_bytes()).is_some();
    // A stream may be lines of JSON.
    !holds("ndjson") && (holds("json") || holds("html"))
}

/// Reads a body of at most `limit` bytes. One that is longer is cut when `cut` is set, else refused. A body that
/// comes in one piece is not copied.
pub(crate) async fn collect(mut body: TransportBody, limit: usize, cut: bool) -> Result<Bytes> {
    let mut first: Option<Bytes> = None;
    let mut all = BytesMut::new();
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let Ok(piece) = frame?.into_data() else { continue };
        let so_far = first.as_ref().map_or(all.len(), Bytes::len);
        if so_far.saturating_add(piece.len()) > limit {
            if cut {
                break;
            }
            return Err(Error::upstream(
                ErrorKind::BadReply,
                format!("the provider's answer is larger than {limit} bytes"),
            ));
        }
        match first.take() {
            None if all.is_empty() => first = Some(piece),
            None => all.extend_from_slice(&piece),
            Some(earlier) => {
                all.reserve(earlier.len().saturating_add(piece.len()));
                all.extend_from_slice(&earlier);
                all.extend_from_slice(&piece);
            }
        }
    }
    Ok(first.unwrap_or_else(|| all.freeze()))
}
