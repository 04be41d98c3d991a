//! Errors as the service tells them: an exception's name in the header `x-amzn-errortype`, or in the body's `__type`,
//! and the body's `message`; in streams a message of its own kind.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use llmux_core::{Error, ErrorKind, Retry};
use serde_json::{Value, json};

use crate::{
    event_stream::{self, Message},
    failure,
};

/// The body of an error for a client. The exception's name, see [`exception_name`], goes to a header beside it.
#[must_use]
pub fn write_error(error: &Error) -> Bytes {
    json!({ "message": error.message() }).to_string().into()
}

/// The name of the exception that an error is for a client, by the service's model.
#[must_use]
pub fn exception_name(error: &Error) -> &'static str {
    use ErrorKind as K;
    match error.kind() {
        K::Authentication | K::PermissionDenied => "AccessDeniedException",
        K::PaymentRequired => "ServiceQuotaExceededException",
        K::NotFound => "ResourceNotFoundException",
        K::Timeout => "ModelTimeoutException",
        K::Conflict => "ConflictException",
        K::RateLimited => "ThrottlingException",
        K::Unavailable | K::Connection => "ServiceUnavailableException",
        K::Internal | K::ProviderFault | K::BadReply | K::ClientClosed => "InternalServerException",
        _ => "ValidationException",
    }
}

/// Appends an error to a stream: streams know five of the exceptions.
pub(super) fn write_exception(error: &Error, out: &mut BytesMut) {
    let name = match exception_name(error) {
        "ThrottlingException" => "throttlingException",
        "ServiceUnavailableException" => "serviceUnavailableException",
        "ModelTimeoutException" => "modelStreamErrorException",
        "InternalServerException" => "internalServerException",
        _ => "validationException",
    };
    let headers =
        [(":exception-type", name), (":content-type", "application/json"), (":message-type", "exception")];
    event_stream::write(out, &headers, &write_error(error));
}

/// Reads a provider's failed answer. `provider` is named in the error.
#[must_use]
pub fn read_error(status: StatusCode, headers: &HeaderMap, body: &[u8], provider: &str) -> Error {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let header = headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let body_type = value.get("__type").or_else(|| value.get("code")).and_then(Value::as_str);
    let name = header.or(body_type).unwrap_or_default();
    judge(short(name), body, &value, Some(status), headers, provider).with_headers(headers.clone())
}

/// The error that a message of a stream is, if it is one.
pub(super) fn read_exception(message: &Message) -> Option<Error> {
    let name = match message.header(":message-type") {
        Some("exception") => message.header(":exception-type"),
        // Faults below the service's own exceptions have a code and a text in their headers.
        Some("error") => message.header(":error-code"),
        _ => return None,
    };
    let told = message.header(":error-message").map(|text| json!({ "message": text }).to_string());
    let body = told.as_deref().map_or(&message.payload[..], str::as_bytes);
    let value = serde_json::from_slice(body).unwrap_or_default();
    let name = name.unwrap_or_default();
    Some(judge(short(name), body, &value, None, &HeaderMap::new(), "the provider"))
}

/// An exception's name without its namespace and what proxies append.
fn short(name: &str) -> &str {
    let name = name.split(':').next().unwrap_or_default();
    name.rsplit('#').next().unwrap_or_default()
}

fn judge(
    name: &str,
    body: &[u8],
    value: &Value,
    status: Option<StatusCode>,
    headers: &HeaderMap,
    provider: &str,
) -> Error {
    let mut failure = failure::read(body);
    // Older parts of AWS write it large.
    if let Some(text) = value.get("Message").and_then(Value::as_str).filter(|_| failure.message.is_empty()) {
        text.clone_into(&mut failure.message);
    }
    failure.code = None;
    let message = failure.message.to_ascii_lowercase();
    let by_name = kind_by_name(name, value);
    let kind = kind_by_message(&message, by_name).or(by_name);
    if let Some(hint) = hint(&message, kind) {
        failure.message = format!("{} ({hint})", failure.message.trim_end());
    }
    let fallback = kind.unwrap_or(ErrorKind::ProviderFault).default_status();
    let error = failure.into_error(status.unwrap_or(fallback), headers, provider);
    let error = match kind {
        Some(kind) => error.with_kind(kind),
        None => error,
    };
    match error.kind() {
        ErrorKind::ContextWindowExceeded => error.with_code("context_length_exceeded"),
        // A quota is the account's: waiting a moment does not help, another deployment may.
        ErrorKind::RateLimited if name == "ServiceQuotaExceededException" => {
            error.with_retry(Retry::Elsewhere).with_code(name)
        }
        _ if name.is_empty() => error,
        _ => error.with_code(name),
    }
}

/// The kind that an exception stands for, whether its name begins with a capital letter or, as in streams, not.
fn kind_by_name(name: &str, value: &Value) -> Option<ErrorKind> {
    let stem = name.strip_suffix("Exception").unwrap_or(name).to_ascii_lowercase();
    Some(match stem.as_str() {
        "validation" => ErrorKind::InvalidRequest,
        "accessdenied" => ErrorKind::PermissionDenied,
        "unrecognizedclient"
        | "expiredtoken"
        | "invalidsignature"
        | "incompletesignature"
        | "missingauthenticationtoken"
        | "signaturedoesnotmatch"
        | "invalidclienttokenid"
        | "requestexpired"
        | "requesttimetooskewed"
        | "notauthorized" => ErrorKind::Authentication,
        "optinrequired" => ErrorKind::PermissionDenied,
        "resourcenotfound" => ErrorKind::NotFound,
        "conflict" => ErrorKind::Conflict,
        "throttling" | "servicequotaexceeded" | "toomanyrequests" => ErrorKind::RateLimited,
        "modeltimeout" => ErrorKind::Timeout,
        "modelnotready" | "serviceunavailable" => ErrorKind::Unavailable,
        "modelerror" | "modelstreamerror" => match value.get("originalStatusCode").and_then(Value::as_u64) {
            Some(429) => ErrorKind::RateLimited,
            Some(400..=499) => ErrorKind::InvalidRequest,
            _ => ErrorKind::ProviderFault,
        },
        "internalserver" | "internalfailure" => ErrorKind::ProviderFault,
        _ => return None,
    })
}

/// Faults that share an exception with plain mistakes and are told apart by their words only.
fn kind_by_message(message: &str, by_name: Option<ErrorKind>) -> Option<ErrorKind> {
    let says = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
    match by_name {
        Some(ErrorKind::InvalidRequest | ErrorKind::ProviderFault) | None => {}
        // A key that ran out is refused as if it had no right.
        Some(ErrorKind::PermissionDenied) if says(&["bearer token", "api key", "authentication failed"]) => {
            return Some(ErrorKind::Authentication);
        }
        _ => return None,
    }
    let too_long = [
        "input is too long",
        "prompt is too long",
        "too many input tokens",
        "maximum context length",
        "context window",
        "exceed context limit",
        "exceeds the maximum number of tokens",
        "maximum number of input tokens",
    ];
    if says(&too_long) {
        Some(ErrorKind::ContextWindowExceeded)
    } else if says(&["content filtering policy", "blocked by our content filters"]) {
        Some(ErrorKind::ContentPolicy)
    } else if by_name == Some(ErrorKind::ProviderFault) {
        None
    } else if says(&["model identifier is invalid", "on-demand throughput isn", "inference profile"]) {
        Some(ErrorKind::NotFound)
    } else if says(&["operation not allowed", "don't have access to the model"]) {
        Some(ErrorKind::PermissionDenied)
    } else {
        None
    }
}

/// What the words mean for whoever runs the gateway, where they do not say it.
fn hint(message: &str, kind: Option<ErrorKind>) -> Option<&'static str> {
    let says = |part| message.contains(part);
    match kind? {
        ErrorKind::Authentication if says("signature expired") || says("signature not yet current") => {
            Some("the clocks of the gateway and of AWS differ: set the gateway's")
        }
        ErrorKind::Authentication if says("scoped to a valid region") || says("scoped to correct") => {
            Some("the deployment's `aws_region_name` is not the region of the address it calls")
        }
        ErrorKind::NotFound if says("identifier is invalid") => {
            Some("is the model offered in the deployment's region?")
        }
        ErrorKind::NotFound if says("on-demand throughput") => Some(
            "put the area of an inference profile in front of the model, as in `us.`, `eu.` or `global.`",
        ),
        ErrorKind::PermissionDenied if says("access to the model") => {
            Some("ask for access to it in the Bedrock console, in the deployment's region")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(status: u16, name: &'static str, message: &str) -> Error {
        let mut headers = HeaderMap::new();
        headers.insert("x-amzn-errortype", HeaderValue::from_static(name));
        let body = json!({ "message": message }).to_string();
        read_error(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes(), "bedrock")
    }

    /// Status, exception, message, and what they mean.
    type Row = (u16, &'static str, &'static str, ErrorKind, Retry);

    const LONG: &str =
        "The model returned the following errors: prompt is too long: 210000 tokens > 200000 maximum";
    const SKEW: &str = "Signature expired: 20260101T000000Z is now earlier than 20260101T000500Z";
    const DEMAND: &str = "Invocation of model ID a with on-demand throughput isn\u{2019}t supported.";
    const ACCESS: &str = "You don't have access to the model with the specified model ID.";

    const CLIENT: [Row; 13] = {
        use ErrorKind as K;
        let (elsewhere, never) = (Retry::Elsewhere, Retry::Never);
        [
            (400, "ServiceQuotaExceededException", "Your request exceeds a quota", K::RateLimited, elsewhere),
            (400, "ValidationException:http://internal.amazon.com/coral/", "bad", K::InvalidRequest, never),
            (400, "ValidationException", "Input is too long.", K::ContextWindowExceeded, never),
            (400, "ValidationException", LONG, K::ContextWindowExceeded, never),
            (400, "ValidationException", "The provided model identifier is invalid.", K::NotFound, elsewhere),
            (400, "ValidationException", DEMAND, K::NotFound, elsewhere),
            (400, "ValidationException", "Operation not allowed", K::PermissionDenied, elsewhere),
            (403, "AccessDeniedException", ACCESS, K::PermissionDenied, elsewhere),
            (403, "AccessDeniedException", "Bearer Token has expired", K::Authentication, elsewhere),
            (403, "ExpiredTokenException", "The token is expired", K::Authentication, elsewhere),
            (403, "UnrecognizedClientException", "The token is invalid.", K::Authentication, elsewhere),
            (403, "InvalidSignatureException", SKEW, K::Authentication, elsewhere),
            (404, "ResourceNotFoundException", "Model not found", K::NotFound, elsewhere),
        ]
    };

    const SERVER: [Row; 7] = {
        use ErrorKind as K;
        let anywhere = Retry::Anywhere;
        [
            (408, "ModelTimeoutException", "took too long", K::Timeout, anywhere),
            (424, "ModelErrorException", "the model failed", K::ProviderFault, anywhere),
            (424, "ModelStreamErrorException", "the stream failed", K::ProviderFault, anywhere),
            (429, "ThrottlingException", "Too many tokens, please wait.", K::RateLimited, anywhere),
            (429, "ModelNotReadyException", "warming up", K::Unavailable, anywhere),
            (500, "InternalServerException", "oops", K::ProviderFault, anywhere),
            (503, "ServiceUnavailableException", "busy", K::Unavailable, anywhere),
        ]
    };

    #[test]
    fn every_exception_has_its_kind_and_says_where_to_try_again() {
        for (status, name, message, kind, retry) in CLIENT.into_iter().chain(SERVER) {
            let error = read(status, name, message);
            let told = (error.kind(), error.retry(), error.status().as_u16());
            assert_eq!(told, (kind, retry, status), "{name}: {message}");
            assert!(error.message().starts_with(message), "{}", error.message());
        }
    }

    #[test]
    fn what_the_words_do_not_say_is_added() {
        assert!(read(403, "InvalidSignatureException", SKEW).message().contains("clocks"));
        assert!(read(400, "ValidationException", DEMAND).message().contains("global."));
        assert!(read(403, "AccessDeniedException", ACCESS).message().contains("console"));
    }

    #[test]
    fn the_name_may_stand_in_the_body() {
        let body = br#"{"__type": "com.amazon.coral.service#ExpiredTokenException", "Message": "old"}"#;
        let error = read_error(StatusCode::FORBIDDEN, &HeaderMap::new(), body, "bedrock");
        assert_eq!((error.kind(), error.message()), (ErrorKind::Authentication, "old"));
    }

    #[test]
    fn every_kind_is_an_exception_of_the_services_model() {
        let named = |kind| exception_name(&Error::new(kind, "x"));
        assert_eq!(named(ErrorKind::ContextWindowExceeded), "ValidationException");
        assert_eq!(named(ErrorKind::Authentication), "AccessDeniedException");
        assert_eq!(named(ErrorKind::Connection), "ServiceUnavailableException");
        assert_eq!(write_error(&Error::new(ErrorKind::NotFound, "no")), r#"{"message":"no"}"#);
    }
}
