//! `router_settings`

use super::Shape::{
    Choice as OneOf, Duration, DurationOrZero, Flag, Integer, Named, Section as Nested, Text,
};
use super::{Choice, Key, Section, health, model, routing, shared};

/// `router_settings`
pub(crate) static ROUTER: Section = Section {
    name: "router_settings",
    doc: "How a deployment is chosen, and what happens when it fails.",
    keys: &[
        &[
            Key::new(
                "routing_strategy",
                OneOf(&Choice {
                    allowed: &[
                        "simple-shuffle",
                        "round-robin",
                        "least-busy",
                        "latency-based-routing",
                        "latency-ewma",
                        "power-of-two-choices",
                        "usage-based-routing",
                        "usage-based-routing-v2",
                        "cost-based-routing",
                        "provider-budget-routing",
                    ],
                    not_yet: &["lar1"],
                }),
                "How one of several deployments is chosen.",
            )
            .default("simple-shuffle"),
            Key::new("num_retries", Integer(0, 1000), "Further attempts within a model group.").default("2"),
            Key::new("timeout", Duration, "Time for a whole call.").default("6000s"),
            Key::new("stream_timeout", Duration, "Time for a whole streamed call; `timeout` if not given."),
            Key::new("retry_after", DurationOrZero, "Least time between two attempts.").default("0s"),
            Key::new("model_group_alias", Named(&ALIAS, "model"), "Other names for models."),
            Key::new(
                "default_litellm_params",
                Nested(&model::DEFAULT_PARAMS),
                "Parameters for all deployments that do not set them.",
            )
            .alias(&["default_params"]),
        ],
        routing::ROUTER,
        shared::ROUTER,
        health::ROUTER,
    ],
    not_yet: &[&[
        "max_retries",
        "model_group_affinity_config",
        "redis_*",
        "cache_responses",
        "caching_groups",
        "client_ttl",
        "polling_interval",
        "default_priority",
        "set_verbose",
        "debug_level",
        "alerting_config",
        "assistants_config",
        "router_general_settings",
        "ignore_invalid_deployments",
        "plugins",
    ]],
    keep_in: None,
};

static ALIAS: Section = Section {
    name: "router_settings.model_group_alias.*",
    doc: "Another name for a model.",
    keys: &[&[
        Key::new("model", Text, "The model that is meant.").required(),
        Key::new("hidden", Flag, "Leave the alias out of model lists.").default("false"),
    ]],
    not_yet: &[],
    keep_in: None,
};
