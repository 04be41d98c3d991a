//! Which crate may depend on which.

use std::collections::BTreeSet;

use super::assert_kept;
use super::workspace::{Member, closure, members};

/// The crates that hold one family of plug-ins each. They meet in the core's traits and in the shared state.
const FAMILIES: &[&str] = &[
    "llmux-strategies",
    "llmux-cache",
    "llmux-guardrails",
    "llmux-callbacks",
    "llmux-secrets",
    "llmux-auth",
    "llmux-limits",
    "llmux-db",
    "llmux-journal",
];

/// The crates that only the facade names: whoever else did could not be built without them.
const CONCRETE: &[&str] = &[
    "llmux-tokens",
    "llmux-providers",
    "llmux-strategies",
    "llmux-cache",
    "llmux-guardrails",
    "llmux-callbacks",
    "llmux-secrets",
];

/// Runtimes, HTTP, databases and vendors' kits: everything that reaches outside the process.
const OUTSIDE: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "hyper",
    "hyper-util",
    "h2",
    "reqwest",
    "ureq",
    "axum",
    "tonic",
    "rustls",
    "socket2",
    "mio",
    "sqlx",
    "sqlx-core",
    "fred",
    "redis",
    "rusqlite",
    "redb",
    "aws-config",
    "aws-smithy-runtime",
    "object_store",
];

/// The crates whose whole build must be free of [`OUTSIDE`].
const PURE: &[&str] =
    &["llmux-core", "llmux-wire", "llmux-catalog", "llmux-tokens", "llmux-credentials", "llmux-providers"];

#[test]
fn the_core_depends_on_no_other_member() {
    let core = members().into_iter().filter(|member| member.name == "llmux-core");
    let broken: Vec<String> = core.flat_map(|core| workspace_dependencies(&core)).collect();
    assert_kept("llmux-core is the vocabulary: it depends on no other crate of the workspace", &broken);
}

#[test]
fn pure_crates_are_built_without_anything_that_does_input_or_output() {
    let members = members();
    let pure = members.iter().filter(|member| PURE.contains(&member.name.as_str()));
    let mut broken = Vec::new();
    for member in pure {
        let closure = closure(&member.name);
        let found = OUTSIDE.iter().filter(|package| closure.contains(**package));
        broken.extend(found.map(|package| {
            format!(
                "{0} is built with {package}; `cargo tree -p {0} -e normal -i {package}` shows why",
                member.name
            )
        }));
    }
    assert_kept("the core, the dialects and the providers turn bytes into bytes and do no I/O", &broken);
}

#[test]
fn who_embeds_the_router_compiles_no_redis_and_no_database() {
    for name in ["llmux", "llmux-router"] {
        let closure = closure(name);
        let shared = ["fred", "redis-protocol", "sqlx", "sqlx-core"];
        let broken: Vec<String> = shared
            .iter()
            .filter(|package| closure.contains(**package))
            .map(|found| format!("{name} is built with {found}"))
            .collect();
        assert_kept("what replicas share comes with a feature of its own", &broken);
    }
}

#[test]
fn families_do_not_depend_on_each_other() {
    let broken = forbidden_edges(|from, to| FAMILIES.contains(&from) && FAMILIES.contains(&to));
    assert_kept("families of plug-ins meet only in llmux-core's traits and in llmux-state", &broken);
}

#[test]
fn only_the_facade_names_concrete_parts() {
    let broken = forbidden_edges(|from, to| from != "llmux" && CONCRETE.contains(&to));
    assert_kept("name providers and other plug-ins in the facade `llmux` and nowhere else", &broken);
}

#[test]
fn the_engine_and_the_data_plane_know_nothing_of_what_is_built_on_them() {
    let above = ["llmux", "llmux-admin", "llmux-gateway"];
    let programs: Vec<_> = members().into_iter().filter(outermost).map(|member| member.name).collect();
    let lower = |from: &str| !above.contains(&from) && !programs.iter().any(|program| program == from);
    let mut broken = forbidden_edges(|from, to| lower(from) && above.contains(&to));
    broken.extend(forbidden_edges(|from, to| {
        from == "llmux-gateway" && ["llmux", "llmux-admin"].contains(&to)
    }));
    assert_kept("dependencies point from the programs down to the core", &broken);
}

#[test]
fn only_the_transport_and_the_server_speak_http_over_sockets() {
    let speakers = ["llmux-http", "llmux-gateway", "llmux-admin", "llmux-testkit"];
    let libraries: Vec<Member> = members().into_iter().filter(|member| !outermost(member)).collect();
    let mut broken = Vec::new();
    for member in libraries.iter().filter(|member| !speakers.contains(&member.name.as_str())) {
        let clients = ["hyper", "hyper-util", "reqwest", "tokio-rustls"];
        let found = clients.iter().filter(|client| member.dependencies.contains(**client));
        broken.extend(found.map(|client| format!("{} depends on {client}", member.name)));
    }
    assert_kept("only llmux-http opens connections to providers; only the gateway accepts them", &broken);
}

#[test]
fn nothing_that_ships_depends_on_the_test_kit() {
    let broken = forbidden_edges(|_, to| to == "llmux-testkit");
    assert_kept("llmux-testkit may be a development dependency only", &broken);
}

/// The edges between members that `forbidden` names. Programs and examples count too.
fn forbidden_edges(forbidden: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let members = members();
    let edges =
        members.iter().flat_map(|from| workspace_dependencies(from).into_iter().map(move |to| (from, to)));
    let broken = edges.filter(|(from, to)| forbidden(&from.name, to));
    broken.map(|(from, to)| format!("{} depends on {to}", from.name)).collect()
}

fn workspace_dependencies(member: &Member) -> BTreeSet<String> {
    let ours = |name: &&String| *name == "llmux" || name.starts_with("llmux-");
    member.dependencies.iter().filter(ours).cloned().collect()
}

fn outermost(member: &Member) -> bool {
    member.is_binary() || member.is_example()
}
