//! The top level of a file.

use super::Shape::{Headers, List, Section as Nested, Texts};
use super::{Key, Section, catalogue, general, litellm, model, router, server};

/// The whole file.
pub(crate) static ROOT: Section = Section {
    name: "top level",
    doc: "The sections of a file; all are optional.",
    keys: &[&[
        Key::new(
            "model_list",
            List(&model::MODEL),
            "The deployments behind the models that clients ask for.",
        )
        .alias(&["models"]),
        Key::new("general_settings", Nested(&general::GENERAL), "Who may call, and limits of requests.")
            .alias(&["general"]),
        Key::new("server", Nested(&server::SERVER), "Addresses, TLS, connection limits and timeouts."),
        Key::new("router_settings", Nested(&router::ROUTER), "Retries and model aliases.").alias(&["router"]),
        Key::new("litellm_settings", Nested(&litellm::LITELLM), "Settings of the whole gateway.")
            .alias(&["settings"]),
        Key::new("responses", Nested(&server::RESPONSES), "What is kept of OpenAI's Responses."),
        Key::new("logging", Nested(&server::LOGGING), "What is logged, and how."),
        Key::new("catalogue", Nested(&catalogue::CATALOGUE), "Where prices of models come from.")
            .alias(&["catalog"]),
        Key::new(
            "environment_variables",
            Headers,
            "Values that `os.environ/NAME` finds before those of the environment.",
        ),
        Key::new("credential_list", List(&model::CREDENTIAL), "Named credentials that deployments share.")
            .alias(&["credentials"]),
        Key::new("include", Texts, "Further files, relative to this one, merged into it."),
    ]],
    not_yet: &[&[
        "guardrails",
        "policies",
        "policy_attachments",
        "prompts",
        "mcp_servers",
        "mcp_tools",
        "agents",
        "agent_list",
        "vector_store_registry",
        "search_tools",
        "sandbox_tools",
        "files_settings",
        "finetune_settings",
        "assistant_settings",
        "callback_settings",
        "default_vertex_config",
        "worker_registry",
    ]],
    keep_in: None,
};
