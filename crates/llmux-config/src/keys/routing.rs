//! Keys by which deployments are chosen, and by which they are left alone.

use super::Shape::{
    Any, Duration, DurationOrZero, Flag, Integer, List, Number, Object, Section as Nested, Sections, Text,
    Texts,
};
use super::{Key, Section};

/// Keys of `litellm_params`.
pub(super) const PARAMS: &[Key] = &[
    Key::new(
        "max_parallel_requests",
        Integer(1, 1_000_000),
        "Requests at once; others wait. If not given: `rpm`, else a sixth of every thousand of `tpm`, else the \
         router's `default_max_parallel_requests`.",
    ),
    Key::new(
        "cooldown_time",
        DurationOrZero,
        "Time for which it is left alone after failures; beats all others.",
    ),
    Key::new("tags", Texts, "Tags that requests can ask for; `default` is for those that ask for none."),
    Key::new(
        "tag_regex",
        Texts,
        "Patterns for `User-Agent: <value>`: who matches is served as if he had asked for a tag.",
    ),
    Key::new("max_budget", Number(0.0), "US dollars that may be spent at it in `budget_duration`."),
    Key::new("budget_duration", Duration, "The period of `max_budget`; it begins with the first payment."),
];

/// Keys of `model_info`.
pub(super) const INFO: &[Key] = &[
    Key::new("blocked", Flag, "Pause it.").default("false"),
    Key::new("order", Integer(0, i64::MAX), "As in `litellm_params`, which beat it."),
    Key::new("enable_tag_filtering", Flag, "Choose among the deployments of its name by tags."),
    Key::new(
        "allow_fail_open",
        Flag,
        "Serve requests whose conditions on tags nobody fulfils by the default deployments.",
    )
    .default("false"),
    Key::new("allowed_fails", Integer(0, 1_000_000), "As in `router_settings`, for this deployment."),
    Key::new(
        "allowed_fails_policy",
        Nested(&OWN_ALLOWED_FAILS),
        "As in `router_settings`, for this deployment.",
    ),
];

macro_rules! classes {
    ($ending:literal, $doc:literal) => {
        &[&[
            Key::new(
                concat!("BadRequestError", $ending),
                Integer(0, 1_000_000),
                concat!($doc, " wrong requests."),
            ),
            Key::new(
                concat!("ContentPolicyViolationError", $ending),
                Integer(0, 1_000_000),
                concat!($doc, " refused contents."),
            ),
            Key::new(
                concat!("AuthenticationError", $ending),
                Integer(0, 1_000_000),
                concat!($doc, " wrong keys."),
            ),
            Key::new(concat!("TimeoutError", $ending), Integer(0, 1_000_000), concat!($doc, " timeouts.")),
            Key::new(
                concat!("RateLimitError", $ending),
                Integer(0, 1_000_000),
                concat!($doc, " rate limits."),
            ),
            Key::new(
                concat!("InternalServerError", $ending),
                Integer(0, 1_000_000),
                concat!($doc, " faults."),
            ),
            Key::new(
                concat!("ServiceUnavailableError", $ending),
                Integer(0, 1_000_000),
                concat!($doc, " overloads."),
            ),
            Key::new(
                concat!("BadGatewayError", $ending),
                Integer(0, 1_000_000),
                concat!($doc, " broken answers."),
            ),
            Key::new(
                concat!("NotFoundError", $ending),
                Integer(0, 1_000_000),
                concat!($doc, " unknown models."),
            ),
            Key::new(concat!("Default", $ending), Integer(0, 1_000_000), concat!($doc, " all others.")),
        ]]
    };
}

/// `retry_policy`
pub(super) static RETRIES: Section = Section {
    name: "router_settings.retry_policy",
    doc: "Further attempts by the class of the failure; a class named here is always tried again.",
    keys: classes!("Retries", "Further attempts after"),
    not_yet: &[],
    keep_in: None,
};

/// One entry of `model_group_retry_policy`.
pub(super) static GROUP_RETRIES: Section = Section {
    name: "router_settings.model_group_retry_policy.*",
    doc: "The retry policy of one model, in place of `retry_policy`.",
    keys: RETRIES.keys,
    not_yet: &[],
    keep_in: None,
};

/// `allowed_fails_policy`
pub(super) static ALLOWED_FAILS: Section = Section {
    name: "router_settings.allowed_fails_policy",
    doc: "Failures that are tolerated before a deployment is left alone, by class.",
    keys: classes!("AllowedFails", "Tolerated:"),
    not_yet: &[],
    keep_in: None,
};

static OWN_ALLOWED_FAILS: Section = Section {
    name: "model_info.allowed_fails_policy",
    doc: "Failures that are tolerated before this deployment is left alone, by class.",
    keys: ALLOWED_FAILS.keys,
    not_yet: &[],
    keep_in: None,
};

/// One entry of `routing_groups`.
pub(super) static GROUP: Section = Section {
    name: "router_settings.routing_groups[]",
    doc: "Models whose deployments are chosen by a strategy of their own.",
    keys: &[&[
        Key::new("group_name", Text, "The group's name; with `model_priorities` clients can ask for it.")
            .required(),
        Key::new("models", Texts, "The models.").required(),
        Key::new("routing_strategy", Text, "The strategy, or `priority`.").default("simple-shuffle"),
        Key::new("routing_strategy_args", Object, "Settings of the strategy."),
        Key::new("model_priorities", Object, "Numbers by model, for `priority`: lower ones are asked first."),
    ]],
    not_yet: &[],
    keep_in: None,
};

/// One budget.
pub(super) static BUDGET: Section = Section {
    name: "router_settings.provider_budget_config.*",
    doc: "What may be spent in a period, which begins with the first payment.",
    keys: &[&[
        Key::new("budget_limit", Number(0.0), "US dollars.").alias(&["max_budget"]).required(),
        Key::new("time_period", Duration, "The period's length.").alias(&["budget_duration"]).required(),
    ]],
    not_yet: &[],
    keep_in: None,
};

/// `retry_budget`
pub(super) static RETRY_BUDGET: Section = Section {
    name: "router_settings.retry_budget",
    doc: "How many further attempts all requests together may make, counted in ten seconds.",
    keys: &[&[
        Key::new("share", Number(0.0), "As a share of the requests.").default("0.2"),
        Key::new("least", Integer(0, 1_000_000), "However few requests there are.").default("10"),
    ]],
    not_yet: &[],
    keep_in: None,
};

/// What `router_settings` has beside the strategy and the retries.
pub(super) const ROUTER: &[Key] = &[
    Key::new("routing_strategy_args", Object, "Settings of the strategy."),
    Key::new("routing_groups", List(&GROUP), "Other strategies for some models."),
    Key::new("retry_policy", Nested(&RETRIES), "Further attempts by the class of the failure."),
    Key::new(
        "model_group_retry_policy",
        Sections(&GROUP_RETRIES),
        "The same for single models.",
    ),
    Key::new("retry_budget", Nested(&RETRY_BUDGET), "An end to storms of retries."),
    Key::new("fallbacks", Any, "Models to ask when one has failed: a list of `{model: [others]}`."),
    Key::new("default_fallbacks", Texts, "Models to ask when one without `fallbacks` has failed."),
    Key::new(
        "context_window_fallbacks",
        Any,
        "Models to ask when the prompt does not fit one: a list of `{model: [others]}`.",
    ),
    Key::new(
        "content_policy_fallbacks",
        Any,
        "Models to ask when one refuses the content: a list of `{model: [others]}`.",
    ),
    Key::new("max_fallbacks", Integer(0, 1000), "Other models to ask at most.").default("5"),
    Key::new(
        "allowed_fails",
        Integer(0, 1_000_000),
        "Failures that are tolerated before a deployment is left alone; shares of failures decide without it.",
    ),
    Key::new("allowed_fails_policy", Nested(&ALLOWED_FAILS), "The same by the class of the failure."),
    Key::new("cooldown_time", DurationOrZero, "Time for which a deployment is left alone after failures.")
        .default("5s"),
    Key::new("disable_cooldowns", Flag, "Leave no deployment alone.").default("false"),
    Key::new(
        "half_open_probes",
        Flag,
        "After a cooldown, let one request at a time find out whether the deployment works again.",
    )
    .default("false"),
    Key::new(
        "enable_pre_call_checks",
        Flag,
        "Leave out deployments that the prompt does not fit or that are at their requests or tokens per minute.",
    )
    .default("false"),
    Key::new(
        "optional_pre_call_checks",
        Texts,
        "Further checks: `prompt_caching`, `deployment_affinity`, `session_affinity`, `enforce_model_rate_limits`.",
    ),
    Key::new("deployment_affinity_ttl_seconds", Duration, "Time for which callers and conversations are remembered.")
        .default("3600s"),
    Key::new("enable_tag_filtering", Flag, "Choose deployments by tags.").default("false"),
    Key::new("tag_filtering_match_any", Flag, "Whether one tag of a request is enough; else all are needed.")
        .default("true"),
    Key::new("tag_routing_prefix", Text, "Only tags that begin so choose deployments."),
    Key::new("provider_budget_config", Sections(&BUDGET), "What may be spent, by provider."),
    Key::new("weights", Object, "Shares of the load by the id of a deployment; beat `weight`."),
    Key::new(
        "default_max_parallel_requests",
        Integer(1, 1_000_000),
        "Requests at once at a deployment that has no such number.",
    ),
    Key::new("model_group_max_parallel_requests", Object, "Requests at once by model; others wait."),
    Key::new("max_queued_requests", Integer(0, 1_000_000), "Requests that wait at most, for each deployment or model.")
        .default("1000"),
    Key::new(
        "default_priority",
        Integer(0, 255),
        "The `priority` of requests that bring none; those with one wait for a free deployment, the lowest first.",
    ),
    Key::new("polling_interval", Duration, "How often a request that waits looks whether it is its turn.")
        .default("3ms"),
    Key::new(
        "model_group_affinity_config",
        Object,
        "Which of `prompt_caching`, `deployment_affinity`, `session_affinity` hold for a model, instead of those of \
         `optional_pre_call_checks`.",
    ),
    Key::new("hedge_after", Duration, "Ask a second deployment when the first takes longer; the first answer wins."),
    Key::new(
        "hedge_percentile",
        Number(0.0),
        "The same after the time that this share of the deployment's answers took at most, such as 0.95.",
    ),
    Key::ignored("enable_weighted_failover", "Always on: the remaining deployments are tried by their weights."),
];
