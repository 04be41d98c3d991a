//! Errors for those who may not, with LiteLLM's types and codes.

use llmux_core::{Error, ErrorKind, tenancy::Timestamp};

/// A key that nobody knows.
#[must_use]
pub fn unknown_key() -> Error {
    let message = "Authentication Error, Invalid proxy server token passed. Unable to find token in the database. \
                   Create the key via `/key/generate`.";
    unauthorized(message, "token_not_found_in_db")
}

/// A key that is no longer valid.
#[must_use]
pub fn expired_key(expires: Timestamp, now: Timestamp) -> Error {
    let message =
        format!("Authentication Error - Expired Key. Key Expiry time {expires} and current time {now}");
    unauthorized(message, "expired_key")
}

/// A key that is refused for now.
#[must_use]
pub fn blocked_key() -> Error {
    unauthorized(
        "Authentication Error, Key is blocked. An admin can unblock it via `/key/unblock`.",
        "auth_error",
    )
}

/// A key of a team that is refused for now.
#[must_use]
pub fn blocked_team(team: &str) -> Error {
    let message =
        format!("Authentication Error, Team={team} is blocked. An admin can unblock it via `/team/unblock`.");
    unauthorized(message, "auth_error")
}

/// An end customer who is refused for now.
#[must_use]
pub fn blocked_end_user() -> Error {
    unauthorized(
        "Authentication Error, User not allowed to access proxy: the end user is blocked.",
        "auth_error",
    )
}

/// A key that cannot be verified, because what knows it cannot be asked.
#[must_use]
pub fn unverifiable(why: &str) -> Error {
    let message = format!("the key cannot be verified now, since the database cannot be asked: {why}");
    Error::new(ErrorKind::Unavailable, message).with_code("no_db_connection")
}

/// A model that `whose` (`key`, `team`, `user`, `org`, …) list does not name. Which ones it does is not told.
#[must_use]
pub fn model(whose: &str, model: &str) -> Error {
    let message = format!("{whose} not allowed to access model. Tried to access {model}");
    Error::client(ErrorKind::PermissionDenied, message)
        .with_type(format!("{whose}_model_access_denied"))
        .with_param("model")
        .with_code("403")
}

/// A route that the key may not use.
#[must_use]
pub fn route(path: &str) -> Error {
    let message = format!("Virtual key is not allowed to call this route. Tried to call route: {path}");
    Error::client(ErrorKind::PermissionDenied, message).with_type("auth_error").with_code("403")
}

fn unauthorized(message: impl Into<String>, kind: &str) -> Error {
    Error::client(ErrorKind::Authentication, message).with_type(kind).with_param("key").with_code("401")
}
