//! `server` and `logging`, which are our own.

use super::Shape::{
    Choice as OneOf, Duration, DurationOrZero, Flag, Integer, Section as Nested, Size, Text, Texts,
};
use super::{Choice, Key, Section};

/// `server`
pub(crate) static SERVER: Section = Section {
    name: "server",
    doc: "The listener: address, TLS, limits and timeouts.",
    keys: &[&[
        Key::new("host", Text, "Address to listen on.").default("127.0.0.1"),
        Key::new("port", Integer(0, 65_535), "Port to listen on; 0 takes a free one.").default("4000"),
        Key::new("tls", Nested(&TLS), "Serve HTTPS with this certificate."),
        Key::new("max_connections", Integer(1, 10_000_000), "Connections served at once.").default("65536"),
        Key::new("header_timeout", Duration, "Time a client has for the head of a request.").default("15s"),
        Key::new("body_timeout", Duration, "Longest silence between two pieces of a request's body.")
            .default("60s"),
        Key::new("idle_timeout", Duration, "Time after which an unused connection is closed.").default("75s"),
        Key::new(
            "drain_delay",
            DurationOrZero,
            "Time at shutdown for which requests are still taken while readiness says 503.",
        )
        .default("0s"),
        Key::new("drain_timeout", DurationOrZero, "Time that running requests have to end at shutdown.")
            .default("30s"),
        Key::new("max_body_size", Size, "Largest request body.").default("32MiB"),
        Key::new("cors", Nested(&CORS), "What pages may do; if not given, any may call if there is a key."),
        Key::new("workers", Integer(1, 1024), "Threads that serve; one per processor if not given."),
        Key::new("watch", Flag, "Reload when a configuration file changes.").default("true"),
    ]],
    not_yet: &[],
    keep_in: None,
};

static TLS: Section = Section {
    name: "server.tls",
    doc: "The certificate of the server.",
    keys: &[&[
        Key::new("cert_file", Text, "PEM file with the certificate and its chain.").required(),
        Key::new("key_file", Text, "PEM file with the private key.").required(),
    ]],
    not_yet: &[],
    keep_in: None,
};

static CORS: Section = Section {
    name: "server.cors",
    doc: "What pages of other origins may do.",
    keys: &[&[
        Key::new("allow_origins", Texts, "Origins that may call; `*` means any."),
        Key::new("allow_methods", Texts, "Methods they may use; all that are served if not given."),
        Key::new("allow_headers", Texts, "Request headers they may send; `*` means any."),
        Key::new("expose_headers", Texts, "Answer headers that their scripts may read."),
        Key::new("allow_credentials", Flag, "Whether browsers send cookies and certificates.")
            .default("false"),
        Key::new("max_age", Duration, "Time for which browsers may remember the permission."),
    ]],
    not_yet: &[],
    keep_in: None,
};

/// `responses`
pub(crate) static RESPONSES: Section = Section {
    name: "responses",
    doc: "Responses and conversations that are kept, in memory, for providers that keep none.",
    keys: &[&[
        Key::new("keep", Flag, "Whether any are kept.").default("true"),
        Key::new("max_entries", Integer(1, 100_000_000), "Most that are kept; the longest unused go first.")
            .default("10000"),
        Key::new("max_size", Size, "Most memory that they may take.").default("64MiB"),
        Key::new("max_age", Duration, "Time after its last use at which one is forgotten.").default("24h"),
    ]],
    not_yet: &[],
    keep_in: None,
};

/// `logging`
pub(crate) static LOGGING: Section = Section {
    name: "logging",
    doc: "The log on standard error.",
    keys: &[&[
        Key::new(
            "level",
            OneOf(&Choice { allowed: &["error", "warn", "info", "debug", "trace"], not_yet: &[] }),
            "The least important messages to log.",
        )
        .default("info"),
        Key::new(
            "format",
            OneOf(&Choice { allowed: &["text", "json"], not_yet: &[] }),
            "Lines for people or JSON objects for machines.",
        )
        .default("text"),
    ]],
    not_yet: &[],
    keep_in: None,
};
