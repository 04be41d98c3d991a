//! Errors on Vertex AI: Google's own, or those of the publisher behind it.

use llmux_core::{Error, ErrorKind, FailedReply};
use llmux_wire::{anthropic, gemini};

/// Words of Google's for a model that is not where it was asked for.
const NOT_HERE: [&str; 4] = [
    "not servable in region",
    "not supported in region",
    "is not available in region",
    "not available in location",
];

/// Reads a failed answer.
pub(super) fn read(failed: &FailedReply<'_>) -> Error {
    // Only Anthropic's errors call themselves so, at the beginning.
    if failed.body.starts_with(br#"{"type":"error""#) {
        return anthropic::read_error(failed.status, failed.headers, failed.body, super::NAME);
    }
    let error = gemini::read_error(failed.status, failed.headers, failed.body, super::NAME);
    let message = error.message().to_ascii_lowercase();
    if NOT_HERE.iter().any(|words| message.contains(words)) {
        // The request is right, only not for this location.
        return error.with_kind(ErrorKind::NotFound);
    }
    error
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use llmux_core::Retry;

    use super::*;

    #[test]
    fn causes_are_told_apart() {
        let missing = "Publisher Model `projects/p/locations/l/publishers/anthropic/models/claude-x` was not found or \
                       your project does not have access to it.";
        let denied = "Permission 'aiplatform.endpoints.predict' denied on resource";
        let cases = [
            (401, "Request had invalid authentication credentials.", ErrorKind::Authentication),
            (403, denied, ErrorKind::PermissionDenied),
            (404, missing, ErrorKind::NotFound),
            (400, "Model claude-x is not servable in region us-central1.", ErrorKind::NotFound),
            (
                429,
                "Quota exceeded for aiplatform.googleapis.com/online_prediction_requests",
                ErrorKind::RateLimited,
            ),
            (503, "The model is overloaded.", ErrorKind::Unavailable),
        ];
        for (status, message, kind) in cases {
            let body = serde_json::json!({"error": {"code": status, "message": message, "status": "X"}});
            let (headers, body) = (HeaderMap::new(), Bytes::from(body.to_string()));
            let error = read(&FailedReply::new(StatusCode::from_u16(status).unwrap(), &headers, &body));
            assert_eq!((error.kind(), error.message()), (kind, message));
            assert_ne!(error.retry(), Retry::Never, "{message}");
        }
        let body = Bytes::from_static(
            br#"{"type":"error","error":{"type":"invalid_request_error","message":"no"}}"#,
        );
        let headers = HeaderMap::new();
        assert_eq!(read(&FailedReply::new(StatusCode::BAD_REQUEST, &headers, &body)).message(), "no");
    }
}
