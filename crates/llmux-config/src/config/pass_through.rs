//! Paths that lead to a server of one's choice.

use std::time::Duration;

use serde::Deserialize;

use super::{Endpoint, Headers};
use crate::JsonObject;

/// One entry of `general_settings.pass_through_endpoints`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PassThrough {
    /// The path, beginning with `/` and not ending with one.
    pub path: String,
    /// The address that it leads to.
    pub target: Endpoint,
    /// A name for logs.
    pub id: Option<String>,
    /// Headers of every request to the target.
    pub headers: Headers,
    /// Serve every path below it, too.
    pub include_subpath: bool,
    /// Methods that are served, in capitals; all if empty.
    pub methods: Vec<String>,
    /// Ask for the gateway's key.
    pub auth: bool,
    /// Hand the client's headers on.
    pub forward_headers: bool,
    /// Parameters of the query that a client may leave out.
    pub default_query_params: JsonObject,
    /// Let a client's parameter replace one of the target's own.
    pub merge_query_params: bool,
    /// What each answered request is billed, in US dollars, as it was written.
    pub cost_per_request: Option<String>,
    /// Time for a whole request; that of all passed requests if not given.
    pub timeout: Option<Duration>,
    /// The provider whose dialect and prices the target has.
    #[serde(rename = "custom_llm_provider")]
    pub provider: Option<String>,
}

impl Default for PassThrough {
    fn default() -> Self {
        Self {
            path: String::new(),
            target: Endpoint::new(""),
            id: None,
            headers: Headers::new(),
            include_subpath: false,
            methods: Vec::new(),
            auth: true,
            forward_headers: false,
            default_query_params: JsonObject::default(),
            merge_query_params: false,
            cost_per_request: None,
            timeout: None,
            provider: None,
        }
    }
}
