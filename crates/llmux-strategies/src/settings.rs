//! Reading `routing_strategy_args`.

use llmux_core::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The settings of a strategy. Nothing given, and what the strategy does not know, is no mistake: one mapping may
/// serve several strategies.
pub(crate) fn read<T: DeserializeOwned + Default>(settings: &Value) -> Result<T> {
    if settings.is_null() {
        return Ok(T::default());
    }
    T::deserialize(settings).map_err(|error| wrong(&error.to_string()))
}

/// The error for a setting out of bounds.
pub(crate) fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, format!("routing_strategy_args: {what}"))
        .with_param("routing_strategy_args")
}
