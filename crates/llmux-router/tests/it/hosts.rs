//! Providers, deployments and routers for tests.

use std::sync::Arc;

use llmux_core::{Registry, Strategy, Transport};
use llmux_http::HttpTransport;
use llmux_router::{Deployment, DeploymentSettings, RouterBuilder};
use llmux_testkit::{Answer, ScriptedTransport, answers};

/// The two kinds of providers: one for each wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    OpenAi,
    Anthropic,
}

impl Host {
    pub(crate) const ALL: [Self; 2] = [Self::OpenAi, Self::Anthropic];

    const fn kind(self) -> &'static str {
        match self {
            Self::OpenAi => "openai_like",
            Self::Anthropic => "anthropic",
        }
    }

    pub(crate) fn chat(self, text: &str) -> Answer {
        match self {
            Self::OpenAi => answers::openai_chat(text),
            Self::Anthropic => answers::anthropic_message(text),
        }
    }

    pub(crate) fn stream(self, words: &[&str]) -> Answer {
        match self {
            Self::OpenAi => answers::openai_stream(words),
            Self::Anthropic => answers::anthropic_stream(words),
        }
    }

    /// Pieces of a stream up to and including its first word.
    pub(crate) const fn pieces_to_first_word(self) -> usize {
        match self {
            Self::OpenAi => 2,
            Self::Anthropic => 4,
        }
    }

    pub(crate) fn error(self, status: u16, message: &str) -> Answer {
        match self {
            Self::OpenAi => answers::openai_error(status, "some_error", message),
            Self::Anthropic => answers::anthropic_error(status, "some_error", message),
        }
    }

    /// A deployment at `base`, asked for by the group's name.
    pub(crate) fn deployment(self, id: &str, group: &str, model: &str, base: &str) -> Deployment {
        let mut settings = llmux_core::ProviderSettings::default();
        settings.base_url = Some(base.to_owned());
        settings.api_key = Some(format!("key-of-{id}").into());
        let provider = registry().providers.build(self.kind(), &settings).unwrap();
        Deployment::new(id, group, model, provider)
    }
}

pub(crate) fn registry() -> Registry {
    let mut registry = Registry::empty();
    llmux_providers::register(&mut registry);
    llmux_strategies::register(&mut registry);
    registry
}

pub(crate) fn shuffle() -> Arc<dyn Strategy> {
    registry().strategies.build("simple-shuffle", &serde_json::Value::Null).unwrap()
}

/// A router over a transport.
pub(crate) fn router(transport: impl Transport + 'static) -> RouterBuilder {
    RouterBuilder::new(Arc::new(transport), shuffle())
}

/// A router over real sockets.
pub(crate) fn over_http() -> RouterBuilder {
    router(HttpTransport::builder().build().unwrap())
}

/// A deployment of group `m` whose host is its id, so that a scripted transport can tell who is asked.
pub(crate) fn member(id: &str) -> Deployment {
    Host::OpenAi.deployment(id, "m", &format!("{id}-model"), &format!("http://{id}"))
}

/// The same with settings.
pub(crate) fn member_with(id: &str, change: impl FnOnce(&mut DeploymentSettings)) -> Deployment {
    let mut settings = DeploymentSettings::default();
    change(&mut settings);
    member(id).with_settings(settings)
}

/// A member that is asked in its turn.
pub(crate) fn ordered(id: &str, order: u64) -> Deployment {
    member_with(id, |settings| settings.order = Some(order))
}

/// The hosts that were asked, in order.
pub(crate) fn asked(transport: &ScriptedTransport) -> Vec<String> {
    transport.requests().iter().map(|sent| sent.header("host").unwrap().to_owned()).collect()
}

/// A deployment of another group, whose host is its id.
pub(crate) fn of_group(group: &str, id: &str) -> Deployment {
    Host::OpenAi.deployment(id, group, &format!("{id}-model"), &format!("http://{id}"))
}

/// The same with settings.
pub(crate) fn of_group_with(
    group: &str,
    id: &str,
    change: impl FnOnce(&mut DeploymentSettings),
) -> Deployment {
    let mut settings = DeploymentSettings::default();
    change(&mut settings);
    of_group(group, id).with_settings(settings)
}

/// A transport of which each host answers with a status; hosts that are not listed answer properly.
pub(crate) fn statuses<const N: usize>(hosts: [(&'static str, u16); N]) -> ScriptedTransport {
    let transport = ScriptedTransport::new();
    transport.answer_with(move |sent| {
        let host = sent.header("host").unwrap();
        match hosts.iter().find(|(name, _)| *name == host) {
            Some((_, status)) if *status != 200 => {
                llmux_testkit::answers::openai_error(*status, "some_error", &format!("failed with {status}"))
            }
            _ => llmux_testkit::answers::openai_chat("hello"),
        }
    });
    transport
}

/// A strategy by its name.
pub(crate) fn strategy(kind: &str) -> Arc<dyn Strategy> {
    registry().strategies.build(kind, &serde_json::Value::Null).unwrap()
}

/// How often each host was asked.
pub(crate) fn tally(transport: &ScriptedTransport) -> std::collections::BTreeMap<String, usize> {
    let mut tally = std::collections::BTreeMap::new();
    for host in asked(transport) {
        *tally.entry(host).or_default() += 1;
    }
    tally
}
