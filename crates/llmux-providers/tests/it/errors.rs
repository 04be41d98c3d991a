//! Recorded refusals, as clients of either dialect get them.

use http::{HeaderMap, StatusCode};
use llmux_core::{Error, FailedReply, Origin};
use llmux_wire::{anthropic, openai};
use serde_json::Value;

use crate::{
    exceptions::{Check, Complaints, examine},
    recordings::{self, Recording},
};

/// The words in an error's `type` that the official clients know, by the references of both dialects.
const OPENAI_TYPES: &[&str] = &[
    "invalid_request_error",
    "authentication_error",
    "permission_error",
    "not_found_error",
    "rate_limit_error",
    "insufficient_quota",
    "server_error",
];
const ANTHROPIC_TYPES: &[&str] = &[
    "invalid_request_error",
    "authentication_error",
    "permission_error",
    "not_found_error",
    "rate_limit_error",
    "api_error",
    "billing_error",
    "overloaded_error",
];

/// Every recorded refusal with the error it is read as.
pub(crate) fn refusals() -> Vec<(Recording, Error)> {
    recordings::refused()
        .into_iter()
        .map(|recording| {
            let status = StatusCode::from_u16(recording.case.status).unwrap();
            let body = recording.case.response.clone().unwrap_or_default();
            let error = recording.provider.classify(&FailedReply::new(status, &HeaderMap::new(), &body));
            (recording, error)
        })
        .collect()
}

#[test]
fn a_refusal_keeps_status_message_and_code_in_both_dialects() {
    let refusals = refusals();
    examine(
        Check::Failure,
        &refusals,
        |(recording, _)| recording.name(),
        |(recording, error)| {
            let recorded: Value = serde_json::from_slice(recording.case.response.as_ref().unwrap()).unwrap();
            // Amazon's errors are the body itself.
            let recorded = if recorded["error"].is_null() { &recorded } else { &recorded["error"] };
            assert_eq!((error.status().as_u16(), error.origin()), (recording.case.status, Origin::Upstream));

            let ours: Value = serde_json::from_slice(&openai::write_error(error)).unwrap();
            let ours = &ours["error"];
            assert_eq!(ours["message"], recorded["message"]);
            assert!(OPENAI_TYPES.contains(&ours["type"].as_str().unwrap()), "{ours}");
            assert!(ours["code"].is_string() && ours.get("param").is_some(), "{ours}");
            for name in ["code", "param"] {
                // Google's code is the status once more.
                let told = recorded[name].is_null() || recorded[name].is_number();
                assert!(told || ours[name] == recorded[name], "{name}: {ours}");
            }

            let ours: Value = serde_json::from_slice(&anthropic::write_error(error)).unwrap();
            assert_eq!((&ours["type"], &ours["error"]["message"]), (&"error".into(), &recorded["message"]));
            assert!(ANTHROPIC_TYPES.contains(&ours["error"]["type"].as_str().unwrap()), "{ours}");
            Complaints::new()
        },
    );
}
