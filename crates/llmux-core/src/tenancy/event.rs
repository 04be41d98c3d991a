//! What a request cost, and whom.

use serde::{Deserialize, Serialize};

use super::{KeyHash, Timestamp};
use crate::{Money, Operation, Usage};

/// How a request ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SpendStatus {
    /// The client has all of the answer.
    #[default]
    Success,
    /// It failed, perhaps midway.
    Failure,
    /// The client went away.
    Aborted,
}

impl SpendStatus {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Aborted => "aborted",
        }
    }
}

/// One request, and all that it is billed by. Each request makes exactly one, whatever its end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SpendEvent {
    /// What it is found by, of the gateway's own making: recorded twice, it counts once.
    pub id: String,
    /// The request's identifier, which a client may have chosen.
    pub request_id: String,
    /// When the request came in.
    pub time: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The key it came with; none for the master key.
    pub key: Option<KeyHash>,
    /// The user whose key it is.
    pub user: Option<String>,
    /// The team whose key it is.
    pub team: Option<String>,
    /// The organization that the key or its team belongs to.
    pub organization: Option<String>,
    /// The end customer that the request names.
    pub end_user: Option<String>,
    /// What the request is marked with.
    pub tags: Vec<String>,
    /// The model at the provider.
    pub model: String,
    /// The model that was asked for.
    pub model_group: String,
    /// The deployment that answered.
    pub deployment: String,
    /// Its provider.
    pub provider: String,
    /// What was asked, as [`Operation`]'s word.
    pub operation: String,
    /// What was consumed.
    pub usage: Usage,
    /// What it cost, exactly.
    pub cost: Money,
    /// How it ended.
    pub status: SpendStatus,
    /// The HTTP status of the answer.
    pub http_status: u16,
    /// Whether the answer came from a cache, and so cost nothing.
    pub cached: bool,
}

impl SpendEvent {
    /// An event of no cost, with an id of its own.
    #[must_use]
    pub fn new(request_id: impl Into<String>, time: Timestamp, operation: Operation) -> Self {
        let id = crate::RequestId::new().as_str().to_owned();
        let (request_id, operation) = (request_id.into(), operation.as_str().to_owned());
        Self { id, request_id, time, operation, ..Self::default() }
    }
}
