//! Where a request wants to go: fallbacks, tags and the like, from its body and its headers.

use http::{HeaderMap, HeaderName};
use llmux_core::{Dialect, Result};
use llmux_router::{Directions, FallbackList, MockFailure};
use serde_json::Value;

use super::receive::{Fields, wrong};
use crate::snapshot::{Snapshot, Wishes};

/// Tags, with commas between.
const TAGS: HeaderName = HeaderName::from_static("x-litellm-tags");
/// The conversation that the request belongs to.
const SESSION: HeaderName = HeaderName::from_static("x-litellm-session-id");

/// Fields that pretend a failure, and the failure.
const MOCKS: [(&str, MockFailure); 4] = [
    ("mock_testing_fallbacks", MockFailure::Fault),
    ("mock_testing_context_fallbacks", MockFailure::ContextWindow),
    ("mock_testing_content_policy_fallbacks", MockFailure::ContentPolicy),
    ("mock_testing_rate_limit_error", MockFailure::RateLimit),
];

/// Reads the directions of a request; `None` when it has none, as most. `priority` is a word of Cohere's own there.
///
/// # Errors
/// 400 with the name of the field at fault.
pub(super) fn read(
    snapshot: &Snapshot,
    dialect: Dialect,
    fields: &Fields<'_>,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Option<Box<Directions>>> {
    let wishes = &snapshot.wishes;
    let remembers = wishes.tags || wishes.sessions || wishes.callers;
    if !remembers && !NAMES.iter().any(|name| fields.raw(name).is_some()) {
        return Ok(None);
    }
    let mut directions = Directions::default();
    directions.fallbacks = list(fields, "fallbacks")?;
    directions.context_window_fallbacks = list(fields, "context_window_fallbacks")?;
    directions.content_policy_fallbacks = list(fields, "content_policy_fallbacks")?;
    directions.disable_fallbacks = fields.boolean("disable_fallbacks")?.unwrap_or_default();
    directions.include_fallback_errors = fields.boolean("include_fallback_errors")?.unwrap_or_default();
    for (name, mock) in MOCKS {
        if fields.boolean(name)?.unwrap_or_default() {
            directions.mock = Some(mock);
        }
    }
    if dialect != Dialect::Cohere {
        let priority = fields.read::<i64>("priority", "a whole number from 0 to 255")?;
        directions.priority = priority.map(|number| u8::try_from(number.clamp(0, 255)).unwrap_or(u8::MAX));
    }
    directions.region = fields.text("allowed_model_region")?;
    remembered(wishes, fields, headers, &mut directions)?;
    if wishes.callers {
        directions.caller = snapshot.access.caller(headers, query);
    }
    Ok(Some(Box::new(directions)))
}

/// Fields without which a request has no directions.
const NAMES: [&str; 11] = [
    "priority",
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "disable_fallbacks",
    "include_fallback_errors",
    "allowed_model_region",
    "mock_testing_fallbacks",
    "mock_testing_context_fallbacks",
    "mock_testing_content_policy_fallbacks",
    "mock_testing_rate_limit_error",
];

fn list(fields: &Fields<'_>, name: &str) -> Result<Option<FallbackList>> {
    let Some(value) = fields.read::<Value>(name, "a list")? else { return Ok(None) };
    FallbackList::read(&value).map(Some).map_err(|_| wrong(name, "a list of models"))
}

/// Tags and conversation, where the configuration has a use for them.
fn remembered(
    wishes: &Wishes,
    fields: &Fields<'_>,
    headers: &HeaderMap,
    directions: &mut Directions,
) -> Result<()> {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let metadata = |name: &str| {
        let raw = fields.raw(name)?;
        serde_json::from_slice::<Value>(raw).ok()
    };
    let metadata = [metadata("metadata"), metadata("litellm_metadata")];
    if wishes.tags {
        let mut tags = fields.read::<Vec<String>>("tags", "a list of texts")?.unwrap_or_default();
        tags.extend(
            text(&TAGS).into_iter().flat_map(|list| list.split(',')).map(|tag| tag.trim().to_owned()),
        );
        let lists = metadata.iter().flatten().filter_map(|metadata| metadata.get("tags")?.as_array());
        tags.extend(lists.flatten().filter_map(Value::as_str).map(str::to_owned));
        tags.retain(|tag| !tag.is_empty());
        tags.sort();
        tags.dedup();
        directions.tags = tags;
    }
    if wishes.sessions {
        let in_metadata = || {
            let found = metadata.iter().flatten().find_map(|metadata| metadata.get("session_id")?.as_str());
            found.map(str::to_owned)
        };
        let session = text(&SESSION).map(str::to_owned);
        directions.session = session.or(fields.text("litellm_session_id")?).or_else(in_metadata);
    }
    Ok(())
}
