//! The configuration file of LLMux: LiteLLM's `config.yaml` as it is, and clearer names beside the old ones.
//!
//! A [`Loader`] reads a file with all its includes, resolves `os.environ/NAME` references, checks every key
//! against one set of tables, and gives a typed [`Config`]. All mistakes of a file are reported in one run,
//! each with its place and, where there is one, the nearest valid name. The same tables yield the
//! [JSON Schema](schema()) for editors and the [reference](reference()) of the user guide.
//!
//! Nothing here reads the process environment or logs; values that can be secret are never part of a message.
//!
//! ```
//! use llmux_config::Loader;
//!
//! let loader = Loader::new(|name| (name == "OPENAI_API_KEY").then(|| "sk-123".to_owned()));
//! let text = "
//! model_list:
//!   - model_name: small
//!     litellm_params: { model: openai/gpt-4o-mini, api_key: os.environ/OPENAI_API_KEY, timeout: 30s }
//! ";
//! let loaded = loader.load_str(text, "config.yaml").expect("a valid configuration");
//! assert_eq!(loaded.config.models.first().map(|model| model.name.as_str()), Some("small"));
//! ```

mod check;
mod config;
mod include;
mod keys;
mod loader;
mod models;
mod pass_through;
mod problem;
mod redacted;
mod reference;
mod references;
mod schema;
mod source;
mod well_known;

pub use config::{
    Alias, Budget, ByClass, Catalogue, Config, Cors, Echo, Endpoint, Format, General, Headers, HealthChecks,
    Level, LiteLlm, Logging, Model, ModelInfo, ModelParams, PassThrough, Responses, RetryBudget, Router,
    RoutingGroup, Server, Shared, Tls,
};
pub use loader::{Loaded, Loader};
pub use models::ModelDefaults;
pub use problem::{Problem, Report, Severity};
pub use redacted::JsonObject;
pub use reference::reference;
pub use references::Environment;
pub use schema::schema;
pub use well_known::WellKnown;
