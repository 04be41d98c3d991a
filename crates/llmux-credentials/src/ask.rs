//! Asking token services.

use std::{future::poll_fn, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, StatusCode, header::CONTENT_TYPE};
use llmux_core::{Error, ErrorKind, ProviderSettings, Result, Timeouts, Transport};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// What stays as it is in forms, queries and paths (RFC 3986, section 2.3).
pub(crate) const UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// More than any token needs.
const MAX_ANSWER: usize = 1 << 20;
/// Most of a service's own words that are told on.
const MAX_WORDS: usize = 500;

/// Sends requests to token services.
#[derive(Clone)]
pub(crate) struct Asker {
    transport: Option<Arc<dyn Transport>>,
    timeouts: Timeouts,
}

/// A service's whole answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

impl Asker {
    /// For services on the internet.
    pub(crate) fn new(settings: &ProviderSettings) -> Self {
        Self::within(settings, Duration::from_secs(3), Duration::from_secs(10))
    }

    /// For metadata services, which are next door or not there at all.
    pub(crate) fn nearby(settings: &ProviderSettings) -> Self {
        Self::within(settings, Duration::from_secs(1), Duration::from_secs(5))
    }

    fn within(settings: &ProviderSettings, connect: Duration, total: Duration) -> Self {
        let mut timeouts = Timeouts::default();
        (timeouts.connect, timeouts.total) = (Some(connect), Some(total));
        Self { transport: settings.transport.clone(), timeouts }
    }

    /// Asks `what`, once more when it does not answer or is in trouble.
    pub(crate) async fn ask(&self, what: &str, request: Request<Bytes>) -> Result<Answer> {
        match self.once(what, request.clone()).await {
            Ok(answer) if !answer.status.is_server_error() => Ok(answer),
            _ => self.once(what, request).await,
        }
    }

    /// Asks `what` for JSON.
    pub(crate) async fn json(&self, what: &str, request: Request<Bytes>) -> Result<Value> {
        let answer = self.ask(what, request).await?;
        if !answer.status.is_success() {
            return Err(refused(what, &answer));
        }
        serde_json::from_slice(&answer.body).map_err(|_| unreadable(what))
    }

    async fn once(&self, what: &str, request: Request<Bytes>) -> Result<Answer> {
        let Some(transport) = &self.transport else {
            let message = format!("{what} cannot be asked: there is no transport for it");
            return Err(Error::new(ErrorKind::Internal, message));
        };
        let failed = |error: Error| {
            Error::new(error.kind(), format!("{what} could not be asked: {}", error.message()))
        };
        let mut reply = transport.send(request, self.timeouts).await.map_err(failed)?;
        let mut body = BytesMut::new();
        while let Some(frame) = poll_fn(|cx| reply.body.as_mut().poll_frame(cx)).await {
            let Ok(piece) = frame.map_err(failed)?.into_data() else { continue };
            if body.len().saturating_add(piece.len()) > MAX_ANSWER {
                return Err(unreadable(what));
            }
            body.extend_from_slice(&piece);
        }
        Ok(Answer { status: reply.status, body: body.freeze() })
    }
}

/// A request without a body.
pub(crate) fn get(url: &str, headers: HeaderMap) -> Result<Request<Bytes>> {
    request(Method::GET, url, headers, Bytes::new())
}

/// A request to post nothing.
pub(crate) fn post(url: &str) -> Result<Request<Bytes>> {
    request(Method::POST, url, HeaderMap::new(), Bytes::new())
}

/// A request with a form.
pub(crate) fn post_form(url: &str, fields: &[(&str, &str)]) -> Result<Request<Bytes>> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("application/x-www-form-urlencoded"));
    request(Method::POST, url, headers, form(fields).into())
}

/// Any request.
pub(crate) fn request(method: Method, url: &str, headers: HeaderMap, body: Bytes) -> Result<Request<Bytes>> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = url.parse().map_err(|_| {
        Error::new(ErrorKind::InvalidRequest, "the address of a token service is not a valid URL")
    })?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Fields of a form or query.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter().map(|(name, value)| {
        format!("{}={}", utf8_percent_encode(name, UNRESERVED), utf8_percent_encode(value, UNRESERVED))
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// The error of a service that gave nothing, with its own words where it has some.
pub(crate) fn refused(what: &str, answer: &Answer) -> Error {
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let pointers = ["/error_description", "/errorMessage", "/error/message", "/message", "/error"];
    let text = pointers.iter().find_map(|pointer| told.pointer(pointer)?.as_str());
    refused_saying(what, answer.status, text.unwrap_or("it gave no reason"))
}

/// The error of a service that refused with these words.
pub(crate) fn refused_saying(what: &str, status: StatusCode, words: &str) -> Error {
    let words: String = words.chars().take(MAX_WORDS).collect();
    let kind = match status.as_u16() {
        429 => ErrorKind::RateLimited,
        500.. => ErrorKind::Unavailable,
        403 => ErrorKind::PermissionDenied,
        _ => ErrorKind::Authentication,
    };
    Error::new(kind, format!("{what} gave no credentials ({}): {words}", status.as_u16()))
}

/// The error of an answer that is not what it should be.
pub(crate) fn unreadable(what: &str) -> Error {
    Error::new(ErrorKind::BadReply, format!("{what} answered something that holds no credentials"))
}
