//! Why AWS refused who called, and what to do about it.

use std::time::SystemTime;

use llmux_core::FailedReply;
use serde_json::Value;

use crate::date;

/// Why a call was refused because of its credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The temporary key has expired.
    Expired,
    /// The key does not exist, or was revoked.
    Unknown,
    /// The signature is wrong: the secret does not belong to the key.
    WrongSecret,
    /// The clocks of the caller and of AWS differ too much.
    ClockSkew,
    /// The signature is for another region.
    WrongRegion,
    /// Whoever the key belongs to may not do this.
    NotAllowed,
    /// The account has no access to the model.
    NoModelAccess,
}

impl Refusal {
    /// What to do about it, to follow AWS's own words.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Expired => "the temporary AWS key has expired: renew it where it comes from",
            Self::Unknown => {
                "AWS does not know the access key: it may have been deleted, or is of another partition"
            }
            Self::WrongSecret => "the secret access key does not belong to the access key id",
            Self::ClockSkew => "the clock of this machine is wrong: set it by NTP",
            Self::WrongRegion => {
                "the signature is for another region: check `aws_region_name` and the endpoint"
            }
            Self::NotAllowed => "the policies of the AWS identity do not allow this call",
            Self::NoModelAccess => {
                "the AWS account has no access to this model: request it in the Bedrock console"
            }
        }
    }
}

/// Why AWS refused who called; `None` when the failure has another cause.
///
/// Codes are those of the error references of Bedrock, STS and the signature's own documentation; they come in the
/// header `x-amzn-errortype`, or in the body as `__type`, `code` or `Code`.
#[must_use]
pub fn refusal(failed: &FailedReply<'_>) -> Option<Refusal> {
    if !failed.status.is_client_error() {
        return None;
    }
    let body: Value = serde_json::from_slice(failed.body).unwrap_or_default();
    let header = failed.headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let code = header.or_else(|| text("__type")).or_else(|| text("code")).or_else(|| text("Code"));
    // `namespace#Code:more`
    let code = code.unwrap_or_default().split(':').next().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default();
    by_words(code, text("message").or_else(|| text("Message")).unwrap_or_default())
}

/// The same from a code and a message.
pub(super) fn by_words(code: &str, message: &str) -> Option<Refusal> {
    let says = |words: &str| message.contains(words);
    let skewed =
        ["Signature expired", "Signature not yet current", "too skewed"].iter().any(|words| says(words));
    let code = code.trim_end_matches("Exception");
    Some(match code {
        _ if skewed => Refusal::ClockSkew,
        "RequestTimeTooSkewed" | "RequestExpired" => Refusal::ClockSkew,
        "ExpiredToken" | "TokenRefreshRequired" | "ExpiredTokenId" => Refusal::Expired,
        _ if says("security token included in the request is expired") => Refusal::Expired,
        _ if says("Credential should be scoped to a valid region") => Refusal::WrongRegion,
        "InvalidSignature" | "SignatureDoesNotMatch" => Refusal::WrongSecret,
        "UnrecognizedClient" | "InvalidClientTokenId" | "InvalidAccessKeyId" => Refusal::Unknown,
        "AccessDenied" if says("have access to the model") => Refusal::NoModelAccess,
        "AccessDenied" | "OptInRequired" | "NotAuthorized" => Refusal::NotAllowed,
        _ => return None,
    })
}

/// How many seconds AWS's clock is ahead of `now`, by the answer's `Date`.
pub(super) fn offset(failed: &FailedReply<'_>, now: SystemTime) -> Option<i64> {
    let theirs = failed.headers.get(http::header::DATE)?.to_str().ok()?;
    let theirs = httpdate::parse_http_date(theirs).ok()?;
    let (theirs, ours) = (i64::try_from(date::unix(theirs)).ok()?, i64::try_from(date::unix(now)).ok()?);
    Some(theirs.saturating_sub(ours))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn read(code: &str, message: &str) -> Option<Refusal> {
        let body = Bytes::from(format!(r#"{{"message":"{message}"}}"#));
        let mut headers = HeaderMap::new();
        headers.insert("x-amzn-errortype", format!("{code}:http://internal.amazon.com/").parse().unwrap());
        refusal(&FailedReply::new(StatusCode::FORBIDDEN, &headers, &body))
    }

    #[test]
    fn each_cause_is_told_apart() {
        let model = "You don't have access to the model with the specified model ID.";
        let cases = [
            (
                "ExpiredTokenException",
                "The security token included in the request is expired",
                Refusal::Expired,
            ),
            (
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
                Refusal::Unknown,
            ),
            (
                "InvalidSignatureException",
                "The request signature we calculated does not match",
                Refusal::WrongSecret,
            ),
            (
                "InvalidSignatureException",
                "Signature expired: 20260101T000000Z is now earlier",
                Refusal::ClockSkew,
            ),
            (
                "InvalidSignatureException",
                "Credential should be scoped to a valid region.",
                Refusal::WrongRegion,
            ),
            ("AccessDeniedException", model, Refusal::NoModelAccess),
            ("AccessDeniedException", "User: x is not authorized to perform: y", Refusal::NotAllowed),
        ];
        for (code, message, expected) in cases {
            assert_eq!(read(code, message), Some(expected), "{code}: {message}");
        }
        assert_eq!(read("ThrottlingException", "Too many requests"), None);
    }

    #[test]
    fn the_code_may_stand_in_the_body() {
        let body = Bytes::from_static(br#"{"__type":"com.amazon.coral.service#ExpiredTokenException"}"#);
        let headers = HeaderMap::new();
        let failed = FailedReply::new(StatusCode::FORBIDDEN, &headers, &body);
        assert_eq!(refusal(&failed), Some(Refusal::Expired));
    }
}
