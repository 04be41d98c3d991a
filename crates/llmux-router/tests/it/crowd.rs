//! Groups of many deployments that every filter has to look at, for what a choice costs.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use llmux_core::{Dialect, Envelope, LimitUse, Operation, ProviderSettings, Registry, TokenPrices};
use llmux_router::{Ask, Budget, Deployment, DeploymentSettings, Directions, Router, RouterBuilder};
use llmux_testkit::ScriptedTransport;

/// A group `m` of so many deployments, most of which are left to the strategy when every filter has run.
pub(crate) fn router(count: usize, strategy: &str) -> Router {
    let mut registry = Registry::empty();
    llmux_providers::register(&mut registry);
    llmux_strategies::register(&mut registry);
    let strategy = registry.strategies.build(strategy, &serde_json::Value::Null).unwrap();
    let mut host = ProviderSettings::default();
    host.base_url = Some("http://host".to_owned());
    host.api_key = Some("key".to_owned().into());
    let provider = registry.providers.build("openai_like", &host).unwrap();
    let builder = RouterBuilder::new(std::sync::Arc::new(ScriptedTransport::new()), strategy);
    let deployment = |at: usize| {
        let model = provider.clone();
        Deployment::new(format!("d{at}").as_str(), "m", "model", model).with_settings(settings(at))
    };
    let builder = (0..count).map(deployment).fold(builder, RouterBuilder::deployment);
    let builder = builder.policy(|policy| {
        policy.pre_call_checks = true;
        policy.limits = LimitUse::Enforce;
        policy.tags.enabled = true;
        policy.affinity.caller = true;
        policy.affinity.session = true;
        policy.health_routing = Some(Duration::from_secs(600));
        policy.cooldown.half_open_probes = true;
    });
    let router = builder.build().unwrap();
    for at in (5..count).step_by(16) {
        let state = router.state().deployment(&format!("d{at}").as_str().into());
        state.set_health(false, router.state().now());
    }
    router
}

/// Every setting that a filter looks at; one of eight is left out by its order, one by its region, one by its tags.
fn settings(at: usize) -> DeploymentSettings {
    let mut settings = DeploymentSettings::default();
    (settings.rpm, settings.tpm) = (Some(1 << 39), Some(1 << 39));
    (settings.itpm, settings.otpm) = (Some(1 << 39), Some(1 << 39));
    settings.order = Some(if at % 8 == 1 { 2 } else { 1 });
    settings.region = Some(if at % 8 == 2 { "us-east-1" } else { "eu-west-1" }.to_owned());
    settings.tags = vec!["paid".to_owned(), if at % 8 == 3 { "batch" } else { "chat" }.to_owned()];
    settings.max_input_tokens = Some(128_000);
    settings.max_parallel_requests = Some(64);
    settings.budget = Some(Budget { limit: 1e6, period: Duration::from_secs(86_400) });
    settings.prices = Some(TokenPrices { input: 1e-6 + at as f64 * 1e-9, output: 2e-6 });
    settings.capabilities.tools = Some(true);
    settings.capabilities.vision = Some(at % 8 != 4);
    settings.capabilities.web_search = Some(at % 8 != 4);
    settings
}

/// A request that all of this concerns.
pub(crate) struct Asking {
    body: Bytes,
    envelope: Envelope,
    headers: HeaderMap,
    directions: Directions,
}

impl Asking {
    pub(crate) fn new() -> Self {
        let body = serde_json::json!({
            "model": "m",
            "max_tokens": 100,
            "tools": [{"type": "function", "function": {"name": "weather"}}],
            "messages": [{"role": "user", "content": "What is the weather like in the capital of France?"}],
        });
        let body = Bytes::from(body.to_string());
        let envelope = llmux_wire::json::envelope::read(&body).unwrap();
        let mut directions = Directions::default();
        directions.tags = vec!["chat".to_owned()];
        directions.region = Some("eu".to_owned());
        directions.caller = Some(7);
        directions.session = Some("a conversation".to_owned());
        Self { body, envelope, headers: HeaderMap::new(), directions }
    }

    pub(crate) fn ask(&self) -> Ask<'_> {
        Ask::new(Operation::Chat, Dialect::OpenAi, "m", &self.body, &self.envelope, &self.headers)
            .with_directions(&self.directions)
    }
}
