//! Keys by which deployments are asked whether they work.

use super::Key;
use super::Shape::{Duration, Flag, Integer, Object, Text, Texts};

/// Keys of `general_settings`.
pub(super) const GENERAL: &[Key] = &[
    flag("background_health_checks", "Ask every deployment whether it works, again and again.")
        .default("false"),
    Key::gathered(
        "health_check_interval",
        Duration,
        "health",
        "Time between two such questions to a deployment.",
    )
    .default("300s"),
    flag("health_check_details", "Show more than the model in `/health`: its address and what is wrong.")
        .default("true"),
    Key::gathered(
        "health_check_concurrency",
        Integer(1, 10_000),
        "health",
        "Deployments that are asked at once.",
    )
    .default("16"),
    flag(
        "health_check_skip_disabled_background_models",
        "Do not ask deployments with `disable_background_health_check` for `/health` either.",
    )
    .default("false"),
    Key::gathered(
        "background_health_check_model_groups",
        Texts,
        "health",
        "The models that are asked in the background; all if not given.",
    ),
    flag("model_list_healthy_only", "List only models of which a deployment was not found sick.")
        .default("false"),
    flag("enable_health_check_routing", "Leave out deployments that were found sick, unless all were.")
        .default("false"),
    Key::gathered(
        "health_check_staleness_threshold",
        Duration,
        "health",
        "Time for which a deployment that was found sick is left out; twice its interval if not given.",
    ),
    flag(
        "health_check_ignore_transient_errors",
        "Do not take a deployment for sick that is out of requests or of time.",
    )
    .default("false"),
];

/// Keys that LiteLLM's router has, too; what `general_settings` say wins.
pub(super) const ROUTER: &[Key] = &[
    Key::new("enable_health_check_routing", Flag, "As in `general_settings`, which wins."),
    Key::new("health_check_staleness_threshold", Duration, "As in `general_settings`, which wins."),
    Key::new("health_check_ignore_transient_errors", Flag, "As in `general_settings`, which wins."),
    Key::new("background_health_check_model_groups", Texts, "As in `general_settings`, which wins."),
];

/// The names of these keys.
pub(crate) fn shared() -> impl Iterator<Item = &'static str> {
    ROUTER.iter().map(|key| key.name)
}

/// Keys of `model_info`.
pub(super) const INFO: &[Key] = &[
    Key::new("health_check_timeout", Duration, "Time for a health check."),
    Key::new("health_check_model", Text, "The model to ask in a health check, where `model` is a wildcard."),
    Key::new("health_check_max_tokens", Integer(1, 1_000_000), "Longest answer to a health check."),
    Key::new("health_check_voice", Text, "The voice that a health check of speech asks for.")
        .default("alloy"),
    Key::new("health_check_params", Object, "Members to add to the body of a health check."),
    Key::new("health_check_interval", Duration, "Time between two health checks in the background."),
    Key::new("disable_background_health_check", Flag, "Ask only when somebody asks for `/health`.")
        .default("false"),
];

const fn flag(name: &'static str, doc: &'static str) -> Key {
    Key::gathered(name, Flag, "health", doc)
}
