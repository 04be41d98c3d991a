//! One attempt at one deployment: prepare, sign, send, classify, and open the answer.

use bytes::{Bytes, BytesMut};
use futures::future::poll_fn;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header::CONTENT_TYPE};
use llmux_core::{
    Call, Error, ErrorKind, Exchange, FailedReply, FormEdits, Frames, Outgoing, Reply, Result, Timeouts,
    Transport, TransportBody, TransportReply,
};
use llmux_wire::{raw::Raw, tap::Tap};

use crate::{
    ask::{AnswerBody, Opened},
    deployment::Deployment,
    scripted,
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
    let mut signed_anew = false;
    let opened = loop {
        let Exchange { outgoing, reply, streamed, media, form, dropped, .. } = provider.prepare(call)?;
        let answer = match outgoing {
            Outgoing::Send(mut request) => {
                forward(forwarded, request.headers_mut());
                if let Some(credentials) = credentials {
                    credentials.sign(&mut request).await?;
                }
                match form {
                    Some(edits) => {
                        let request = upload(uploaded, request, edits, deployment.settings().max_upload)?;
                        transport.send_stream(request, timeouts).await
                    }
                    None => transport.send(request, timeouts).await,
                }
            }
            Outgoing::Answered(answer) => scripted::play(answer, timeouts).await,
        };
        let TransportReply { status, headers, body, .. } =
            answer.map_err(|error| error.with_provider(provider.name()))?;
        let opened = if !status.is_success() {
            let bytes = collect(body, MAX_FAILURE, true).await.unwrap_or_default();
            let failed = FailedReply::new(status, &headers, &bytes);
            let resendable = !signed_anew && !uploaded.is_some_and(Upload::is_spent);
            if resendable && status.is_client_error() && credentials.is_some_and(|c| c.refused(&failed)) {
                signed_anew = true;
                continue;
            }
            Err(provider.classify(&failed).with_headers(headers))
        } else if media {
            open_media(status, headers, body, reply, max_answer).await
        } else if streamed {
            open_stream(status, headers, body, reply, max_answer).await
        } else {
            whole(status, headers, body, reply, max_answer).await
        };
        break opened.map(|opened| Opened { dropped, ..opened });
    };
    opened.map_err(|error| error.with_provider(provider.name()))
}

/// Puts the client's form in place of the request's body.
fn upload(
    upload: Option<&Upload>,
    request: Request<Bytes>,
    edits: FormEdits,
    limit: Option<u64>,
) -> Result<Request<TransportBody>> {
    let upload = upload.ok_or_else(|| Error::new(ErrorKind::Internal, "there is no form to hand on"))?;
    let body = upload.open(edits, limit)?;
    let mut request = request.map(|_| body);
    request.headers_mut().insert(CONTENT_TYPE, upload.content_type().clone());
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
    mut reply: Box<dyn Reply>,
    max_answer: usize,
) -> Result<Opened> {
    let bytes = collect(body, max_answer, false).await?;
    let bytes = reply.whole(bytes)?;
    Ok(Opened {
        status,
        headers,
        body: AnswerBody::Whole(bytes, Box::new(reply.report())),
        dropped: Vec::new(),
    })
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
        return whole(status, headers, body, reply, max_answer).await;
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
async fn collect(mut body: TransportBody, limit: usize, cut: bool) -> Result<Bytes> {
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
