//! The one error type. Status, client-visible type, retryability and cooldown follow from its kind by table.

use std::{error::Error as StdError, fmt, time::Duration};

use http::{HeaderMap, StatusCode};

/// A result with LLMux's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn StdError + Send + Sync>;

/// What went wrong, coarse enough to decide by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is malformed or asks for something impossible.
    InvalidRequest,
    /// The request uses a parameter that the chosen provider cannot carry.
    UnsupportedParameter,
    /// The prompt does not fit the model's context window.
    ContextWindowExceeded,
    /// The provider refused the content.
    ContentPolicy,
    /// The credential is missing, unknown or expired.
    Authentication,
    /// The account behind the credential has to pay first.
    PaymentRequired,
    /// The credential is valid but may not do this.
    PermissionDenied,
    /// No such model, route or object.
    NotFound,
    /// The route exists, but not for this HTTP method.
    MethodNotAllowed,
    /// A deadline passed.
    Timeout,
    /// The request conflicts with another.
    Conflict,
    /// The body is larger than allowed.
    PayloadTooLarge,
    /// Well-formed, but the provider could not process it.
    Unprocessable,
    /// Too many requests or tokens.
    RateLimited,
    /// The client went away before the answer was complete.
    ClientClosed,
    /// A fault inside the gateway.
    Internal,
    /// The provider reported a fault of its own.
    ProviderFault,
    /// The connection to the provider failed or broke off.
    Connection,
    /// The provider answered something that is not an answer.
    BadReply,
    /// The provider is overloaded or in maintenance.
    Unavailable,
    /// Every deployment of the model is left alone for a while, after failures.
    CoolingDown,
}

/// Client-visible words and the default status of each kind: `(status, name, OpenAI type, Anthropic type)`.
/// OpenAI's and Anthropic's words are the ones their API references list for these statuses.
const fn row(kind: ErrorKind) -> (u16, &'static str, &'static str, &'static str) {
    use ErrorKind as K;
    match kind {
        K::InvalidRequest => (400, "invalid_request", "invalid_request_error", "invalid_request_error"),
        K::UnsupportedParameter => {
            (400, "unsupported_parameter", "invalid_request_error", "invalid_request_error")
        }
        K::ContextWindowExceeded => {
            (400, "context_window_exceeded", "invalid_request_error", "invalid_request_error")
        }
        K::ContentPolicy => (400, "content_policy", "invalid_request_error", "invalid_request_error"),
        K::Authentication => (401, "authentication", "authentication_error", "authentication_error"),
        K::PaymentRequired => (402, "payment_required", "insufficient_quota", "billing_error"),
        K::PermissionDenied => (403, "permission_denied", "permission_error", "permission_error"),
        K::NotFound => (404, "not_found", "not_found_error", "not_found_error"),
        K::MethodNotAllowed => (405, "method_not_allowed", "invalid_request_error", "invalid_request_error"),
        K::Timeout => (408, "timeout", "timeout_error", "timeout_error"),
        K::Conflict => (409, "conflict", "conflict_error", "invalid_request_error"),
        K::PayloadTooLarge => (413, "payload_too_large", "invalid_request_error", "request_too_large"),
        K::Unprocessable => (422, "unprocessable", "invalid_request_error", "invalid_request_error"),
        K::RateLimited => (429, "rate_limited", "rate_limit_error", "rate_limit_error"),
        K::ClientClosed => (499, "client_closed", "client_closed_request", "api_error"),
        K::Internal => (500, "internal", "internal_server_error", "api_error"),
        K::ProviderFault => (500, "provider_fault", "server_error", "api_error"),
        K::Connection => (502, "connection", "api_connection_error", "api_error"),
        K::BadReply => (502, "bad_reply", "server_error", "api_error"),
        K::Unavailable => (503, "unavailable", "service_unavailable_error", "overloaded_error"),
        // LiteLLM's word.
        K::CoolingDown => (429, "cooling_down", "all_deployments_in_cooldown", "rate_limit_error"),
    }
}

impl ErrorKind {
    /// A stable lower-case name for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        row(self).1
    }

    /// The word in an OpenAI error body's `type`.
    #[must_use]
    pub const fn openai_type(self) -> &'static str {
        row(self).2
    }

    /// The word in an Anthropic error body's `type`.
    #[must_use]
    pub const fn anthropic_type(self) -> &'static str {
        row(self).3
    }

    /// The HTTP status when the provider gave none.
    #[must_use]
    pub fn default_status(self) -> StatusCode {
        StatusCode::from_u16(row(self).0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Whether another attempt may succeed, before anything else is known.
    const fn default_retry(self) -> Retry {
        use ErrorKind as K;
        match self {
            K::Timeout
            | K::Conflict
            | K::RateLimited
            | K::ProviderFault
            | K::Connection
            | K::BadReply
            | K::Unavailable => Retry::Anywhere,
            // The fault is the account's or the deployment's, so another one may do.
            K::Authentication | K::PaymentRequired | K::PermissionDenied | K::NotFound => Retry::Elsewhere,
            _ => Retry::Never,
        }
    }

    /// The kind that a provider's status stands for.
    #[must_use]
    pub fn from_status(status: StatusCode) -> Self {
        match status.as_u16() {
            401 => Self::Authentication,
            402 => Self::PaymentRequired,
            403 => Self::PermissionDenied,
            404 => Self::NotFound,
            408 | 504 | 524 => Self::Timeout,
            409 => Self::Conflict,
            413 => Self::PayloadTooLarge,
            422 => Self::Unprocessable,
            429 => Self::RateLimited,
            502 => Self::BadReply,
            503 | 529 => Self::Unavailable,
            400..=499 => Self::InvalidRequest,
            200..=399 => Self::BadReply,
            _ => Self::ProviderFault,
        }
    }
}

/// Who caused the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// The client's request.
    Client,
    /// The gateway or its configuration.
    Gateway,
    /// The provider or the way to it.
    Upstream,
}

/// Whether, and where, another attempt makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Retry {
    /// The same request fails everywhere.
    Never,
    /// On any deployment, the same one included.
    Anywhere,
    /// Only on another deployment.
    Elsewhere,
}

/// An error of any part of LLMux.
///
/// Its text is meant for the client: it names the field or setting at fault and never holds a secret.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    origin: Origin,
    retry: Option<Retry>,
    status: Option<StatusCode>,
    message: String,
    param: Option<String>,
    type_word: Option<String>,
    code: Option<String>,
    provider: Option<String>,
    retry_after: Option<Duration>,
    headers: Option<HeaderMap>,
    source: Option<Source>,
}

impl Error {
    /// An error of the gateway itself; see the `with_` methods for the rest.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            origin: Origin::Gateway,
            retry: None,
            status: None,
            message: message.into(),
            param: None,
            type_word: None,
            code: None,
            provider: None,
            retry_after: None,
            headers: None,
            source: None,
        }))
    }

    /// An error in what the client sent.
    #[must_use]
    pub fn client(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::new(kind, message).with_origin(Origin::Client)
    }

    /// A malformed request; `param` names the field at fault.
    #[must_use]
    pub fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::client(ErrorKind::InvalidRequest, message).with_param(param)
    }

    /// A parameter that the chosen provider cannot carry.
    #[must_use]
    pub fn unsupported(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::client(ErrorKind::UnsupportedParameter, message)
            .with_param(param)
            .with_code("unsupported_parameter")
    }

    /// An error of the provider or of the way to it.
    #[must_use]
    pub fn upstream(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::new(kind, message).with_origin(Origin::Upstream)
    }

    /// Adds to the text for the client.
    #[must_use]
    pub fn with_note(mut self, note: &str) -> Self {
        self.0.message.push_str(note);
        self
    }

    /// Sets who caused it.
    #[must_use]
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.0.origin = origin;
        self
    }

    /// Changes the kind, once more is known about the cause.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Overrides the kind's default about further attempts.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = Some(retry);
        self
    }

    /// Keeps the provider's own status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Names the request field at fault.
    #[must_use]
    pub fn with_param(mut self, param: impl Into<String>) -> Self {
        self.0.param = Some(param.into());
        self
    }

    /// Sets the machine-readable code, such as `context_length_exceeded`.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// Sets the word in the `type` of OpenAI's error bodies, in place of the kind's.
    #[must_use]
    pub fn with_type(mut self, word: impl Into<String>) -> Self {
        self.0.type_word = Some(word.into());
        self
    }

    /// Names the provider that failed.
    #[must_use]
    pub fn with_provider(mut self, provider: impl Into<String>) -> Self {
        self.0.provider = Some(provider.into());
        self
    }

    /// Says how long to wait before another attempt.
    #[must_use]
    pub fn with_retry_after(mut self, delay: Option<Duration>) -> Self {
        self.0.retry_after = delay;
        self
    }

    /// Keeps the headers of the provider's answer.
    #[must_use]
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.0.headers = Some(headers);
        self
    }

    /// Keeps the cause, for logs.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Who caused it.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.0.origin
    }

    /// Where another attempt makes sense.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.0.retry.unwrap_or(match self.0.origin {
            Origin::Client => Retry::Never,
            _ => self.0.kind.default_retry(),
        })
    }

    /// Whether another attempt makes sense anywhere.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.retry() != Retry::Never
    }

    /// The HTTP status for the client: the provider's own if it gave an error status, else the kind's.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status.filter(|s| s.as_u16() >= 400).unwrap_or_else(|| self.0.kind.default_status())
    }

    /// The text for the client.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The request field at fault.
    #[must_use]
    pub fn param(&self) -> Option<&str> {
        self.0.param.as_deref()
    }

    /// The word in the `type` of OpenAI's error bodies.
    #[must_use]
    pub fn openai_type(&self) -> &str {
        self.0.type_word.as_deref().unwrap_or_else(|| self.0.kind.openai_type())
    }

    /// The machine-readable code.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The provider that failed.
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        self.0.provider.as_deref()
    }

    /// How long to wait before another attempt.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The headers of the provider's answer.
    #[must_use]
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.0.headers.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.kind.as_str(), self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers are left out: a provider may put account details in them.
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("origin", &self.0.origin)
            .field("status", &self.status().as_u16())
            .field("message", &self.0.message)
            .field("param", &self.0.param)
            .field("code", &self.0.code)
            .field("provider", &self.0.provider)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_mistake_is_never_retried() {
        let error = Error::invalid("temperature", "must be a number");
        assert_eq!((error.retry(), error.status().as_u16()), (Retry::Never, 400));
        assert_eq!(error.param(), Some("temperature"));
    }

    #[test]
    fn the_providers_own_error_status_is_kept() {
        let status = StatusCode::from_u16(529).unwrap();
        let error = Error::upstream(ErrorKind::from_status(status), "overloaded").with_status(status);
        assert_eq!((error.kind(), error.status()), (ErrorKind::Unavailable, status));
        assert_eq!(error.retry(), Retry::Anywhere);
    }

    #[test]
    fn a_wrong_provider_key_is_tried_on_another_deployment_only() {
        let error = Error::upstream(ErrorKind::from_status(StatusCode::UNAUTHORIZED), "bad key");
        assert_eq!(error.retry(), Retry::Elsewhere);
    }
}
