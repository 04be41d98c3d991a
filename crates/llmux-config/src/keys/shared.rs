//! What `router_settings` says about replicas: the Redis that they share, and how they share it.

use super::Shape::{
    Any, Choice as OneOf, Duration, Flag, Integer, Number, Object, Secret, Section as Nested, Text,
};
use super::{Choice, Key, Section};

/// Keys of `router_settings`.
pub(super) const ROUTER: &[Key] = &[
    Key::new("redis_host", Text, "The Redis that replicas share what they know in."),
    Key::new("redis_port", Integer(1, 65_535), "Its port; 6379 if not given."),
    Key::new("redis_username", Text, "Its user."),
    Key::new("redis_password", Secret, "Its password."),
    Key::new("redis_db", Integer(0, 255), "The number of its database; 0 if not given."),
    Key::new("redis_ssl", Flag, "Reach it over TLS."),
    Key::new("redis_ssl_ca_certs", Text, "PEM file with certificates to trust beside those of the system."),
    Key::new(
        "redis_url",
        Secret,
        "All of that as one address: `redis://`, `rediss://`, `redis-cluster://` or `redis-sentinel://`.",
    ),
    Key::new("redis_startup_nodes", Any, "Nodes of a Redis cluster: a list of `{host, port}`."),
    Key::new("redis_sentinel_nodes", Any, "Sentinels: a list of `[host, port]`."),
    Key::new("redis_service_name", Text, "What the sentinels call the server."),
    Key::new("redis_sentinel_password", Secret, "The password of the sentinels."),
    Key::new(
        "cache_kwargs",
        Object,
        "The same without `redis_` before the names, as Python's client has them, and `socket_timeout`.",
    ),
    Key::new(
        "shared_state",
        Nested(&SHARED),
        "How replicas share what they know; on its own, with the Redis of the `REDIS_*` variables.",
    ),
];

static SHARED: Section = Section {
    name: "router_settings.shared_state",
    doc: "How replicas share what they know.",
    keys: &[&[
        Key::new(
            "limits",
            OneOf(&Choice { allowed: &["leased", "exact", "local"], not_yet: &[] }),
            "How limits on requests per minute are kept together: in advance, by asking before each request, or not.",
        )
        .default("leased"),
        Key::new("overshoot", Number(0.0), "The share of a limit by which leases may exceed it, at most 1.")
            .default("0.1"),
        Key::new(
            "fail_closed",
            Flag,
            "Send nothing to deployments with limits while Redis cannot be reached.",
        )
        .default("false"),
        Key::new("sync_interval", Duration, "How often a replica tells the others what it knows.").default("50ms"),
        Key::new("command_timeout", Duration, "Time for a command, and the longest that a request waits; 100ms if no `socket_timeout` is given."),
        Key::new("namespace", Text, "The beginning of all names in Redis; whoever has the same one shares.")
            .default("llmux"),
    ]],
    not_yet: &[],
    keep_in: None,
};
