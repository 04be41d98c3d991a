//! Azure's errors: OpenAI's, with what the content filter found beside them.

use llmux_core::{Error, ErrorKind, FailedReply};
use llmux_wire::openai;
use serde_json::Value;

/// Reads a failed answer.
pub(super) fn read(failed: &FailedReply<'_>, title: &str) -> Error {
    let error = openai::read_error(failed.status, failed.headers, failed.body, title);
    let body: Value = serde_json::from_slice(failed.body).unwrap_or_default();
    let inner = body.pointer("/error/innererror");
    let code = inner.and_then(|inner| inner.get("code")).and_then(Value::as_str);
    match (error.code(), code) {
        (_, Some("ResponsibleAIPolicyViolation")) | (Some("content_filter"), _) => {
            let found = inner.and_then(|inner| inner.get("content_filter_result")).map(filtered);
            let error = error.with_kind(ErrorKind::ContentPolicy);
            match found.filter(|found| !found.is_empty()) {
                Some(found) => with_words(error, failed, title, &found.join(", ")),
                None => error,
            }
        }
        // The name is right, only not here: another deployment may have it.
        (Some("DeploymentNotFound" | "unknown_model" | "model_not_found"), _) => {
            error.with_kind(ErrorKind::NotFound)
        }
        // The model is there, but not for this kind of request.
        (Some("OperationNotSupported"), _) => error.with_retry(llmux_core::Retry::Elsewhere),
        _ => error,
    }
}

/// The categories that were filtered, with their severity.
fn filtered(result: &Value) -> Vec<String> {
    let categories = result.as_object().into_iter().flatten();
    let hits = categories.filter(|(_, found)| found.get("filtered") == Some(&Value::Bool(true)));
    hits.map(|(name, found)| match found.get("severity").and_then(Value::as_str) {
        Some(severity) => format!("{name} ({severity})"),
        None => name.clone(),
    })
    .collect()
}

/// The same error with the filtered categories behind its message.
fn with_words(error: Error, failed: &FailedReply<'_>, title: &str, found: &str) -> Error {
    let message = format!("{} [filtered: {found}]", error.message());
    let code = error.code().unwrap_or("content_filter").to_owned();
    let again = Error::upstream(ErrorKind::ContentPolicy, message)
        .with_status(failed.status)
        .with_provider(title)
        .with_code(code)
        .with_retry_after(error.retry_after());
    match error.param() {
        Some(param) => again.with_param(param.to_owned()),
        None => again,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use llmux_core::Retry;

    use super::*;

    fn fails(status: u16, body: &'static str) -> Error {
        let (headers, body) = (HeaderMap::new(), Bytes::from_static(body.as_bytes()));
        read(&FailedReply::new(StatusCode::from_u16(status).unwrap(), &headers, &body), "Azure OpenAI")
    }

    #[test]
    fn a_filtered_prompt_is_a_matter_of_content_and_names_the_categories() {
        let error = fails(
            400,
            r#"{"error":{"message":"The response was filtered.","type":null,"param":"prompt","code":"content_filter",
                "status":400,"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{
                "hate":{"filtered":false,"severity":"safe"},"violence":{"filtered":true,"severity":"high"},
                "jailbreak":{"detected":true,"filtered":true}}}}}"#,
        );
        assert_eq!((error.kind(), error.retry()), (ErrorKind::ContentPolicy, Retry::Never));
        assert_eq!(error.message(), "The response was filtered. [filtered: violence (high), jailbreak]");
        assert_eq!((error.code(), error.param()), (Some("content_filter"), Some("prompt")));
    }

    #[test]
    fn causes_are_told_apart() {
        let cases = [
            (
                401,
                r#"{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint."}}"#,
                ErrorKind::Authentication,
            ),
            (
                401,
                r#"{"statusCode":401,"message":"Unauthorized. Access token is missing, invalid, or have expired."}"#,
                ErrorKind::Authentication,
            ),
            (
                403,
                r#"{"error":{"code":"PermissionDenied","message":"The principal lacks the required data action."}}"#,
                ErrorKind::PermissionDenied,
            ),
            (
                404,
                r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#,
                ErrorKind::NotFound,
            ),
            (400, r#"{"error":{"code":"unknown_model","message":"Unknown model: x"}}"#, ErrorKind::NotFound),
            (
                429,
                r#"{"error":{"code":"429","message":"Requests have exceeded token rate limit of your current pricing tier."}}"#,
                ErrorKind::RateLimited,
            ),
            (
                429,
                r#"{"error":{"code":"insufficient_quota","message":"You exceeded your quota."}}"#,
                ErrorKind::PaymentRequired,
            ),
            (
                400,
                r#"{"error":{"code":"context_length_exceeded","message":"This model's maximum context length is 8192 tokens."}}"#,
                ErrorKind::ContextWindowExceeded,
            ),
        ];
        for (status, body, kind) in cases {
            assert_eq!(fails(status, body).kind(), kind, "{body}");
        }
    }
}
