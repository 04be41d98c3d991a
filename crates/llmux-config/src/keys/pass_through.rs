//! `general_settings.pass_through_endpoints`

use super::Shape::{Duration, Flag, Headers, Object, Price, Text, Texts, Url};
use super::{Key, Section};

/// One entry of `pass_through_endpoints`.
pub(crate) static ENDPOINT: Section = Section {
    name: "general_settings.pass_through_endpoints[]",
    doc: "A path of the gateway that leads to a server of one's choice.",
    keys: &[&[
        Key::new("path", Text, "The path, such as `/search`.").required(),
        Key::new("target", Url, "The address that it leads to.").required(),
        Key::new("id", Text, "A name for logs; the path if not given."),
        Key::new(
            "headers",
            Headers,
            "Headers of every request to the target, over the client's; `os.environ/NAME` may stand inside a text.",
        ),
        Key::new("include_subpath", Flag, "Serve every path below it, too, which goes below the target.")
            .default("false"),
        Key::new("methods", Texts, "Methods that are served; all if not given."),
        Key::new("auth", Flag, "Ask for the gateway's key.").default("true"),
        Key::new("forward_headers", Flag, "Hand the client's headers on, keys for the gateway excepted.")
            .default("false"),
        Key::new("default_query_params", Object, "Parameters of the query that a client may leave out."),
        Key::new(
            "merge_query_params",
            Flag,
            "Let a client's parameter replace one of the same name in the target's own query.",
        )
        .default("false"),
        Key::new("cost_per_request", Price, "What each answered request is billed, in US dollars."),
        Key::new("timeout", Duration, "Time for a whole request.")
            .default("`general_settings.pass_through_request_timeout`"),
        Key::new(
            "custom_llm_provider",
            Text,
            "The provider whose dialect and prices the target has, so that usage can be counted.",
        ),
        Key::ignored("is_from_config", "What stands in a file is from a file."),
    ]],
    not_yet: &[&["guardrails", "adapter"]],
    keep_in: None,
};
