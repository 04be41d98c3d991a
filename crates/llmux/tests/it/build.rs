//! Putting a client together, and what is said when it does not fit.

use std::sync::Arc;

use llmux::{
    Deployment, Error, Llmux,
    core::{Candidate, PickContext, Strategy},
};
use llmux_testkit::{ScriptedTransport, answers};

use crate::{builder, request};

fn refused(deployment: Deployment) -> Error {
    Llmux::builder().deployment(deployment).build().err().unwrap()
}

#[test]
fn every_provider_and_strategy_of_the_build_is_registered() {
    let registry = llmux::registry();
    for provider in ["openai", "anthropic", "groq", "llmux"] {
        assert!(registry.providers.contains(provider), "{provider}");
    }
    assert!(registry.strategies.contains("simple-shuffle"));
}

#[test]
fn an_unknown_provider_is_named_with_the_deployment_and_the_known_ones() {
    let error = refused(Deployment::new("chat", "nowhere/model"));
    assert!(error.message().contains("unknown provider `nowhere`; known: "), "{error}");
    assert_eq!(error.param(), Some("deployment `chat-1`"));
    let error = refused(Deployment::new("chat", "model").id("mine"));
    assert!(error.message().contains("`model` names no provider"), "{error}");
    assert_eq!(error.param(), Some("deployment `mine`"));
}

#[test]
fn an_unknown_strategy_and_an_id_given_twice_are_refused() {
    let error = Llmux::builder().strategy("by-the-moon").build().err().unwrap();
    assert!(error.message().contains("unknown routing strategy `by-the-moon`"), "{error}");
    let echo = || Deployment::new("chat", "llmux/echo").id("same");
    let error = Llmux::builder().deployment(echo()).deployment(echo()).build().err().unwrap();
    assert!(error.message().contains("`same`"), "{error}");
}

#[tokio::test]
async fn keys_are_looked_up_only_where_a_look_up_was_given() {
    let transport = ScriptedTransport::answering([answers::openai_chat("hello")]);
    let keyless =
        || Llmux::builder().transport(transport.clone()).deployment(Deployment::new("chat", "openai/gpt-up"));
    let lookup = |name: &str| (name == "OPENAI_API_KEY").then(|| "sk-env".to_owned());
    keyless().build().unwrap().chat(request()).await.unwrap();
    keyless().environment(lookup).build().unwrap().chat(request()).await.unwrap();
    let keys: Vec<_> =
        transport.requests().iter().map(|sent| sent.header("authorization").map(str::to_owned)).collect();
    assert_eq!(keys, [None, Some("Bearer sk-env".to_owned())]);
}

#[tokio::test]
async fn a_strategy_of_ones_own_chooses() {
    struct Last;
    impl Strategy for Last {
        fn pick(&self, candidates: &[Candidate<'_>], _: &PickContext) -> Option<usize> {
            candidates.len().checked_sub(1)
        }
    }
    let mut registry = llmux::registry();
    registry.strategies.register_as("last", |_| Ok(Arc::new(Last) as Arc<dyn Strategy>));
    let llmux = Llmux::builder()
        .registry(registry)
        .strategy("last")
        .deployment(Deployment::new("chat", "llmux/one"))
        .deployment(Deployment::new("chat", "llmux/two"))
        .build()
        .unwrap();
    assert_eq!(llmux.chat(request()).await.unwrap()["model"], "two");
}

#[test]
fn the_keys_of_deployments_are_never_shown() {
    let shown = format!("{:?}", Deployment::new("chat", "openai/gpt").key("sk-canary"));
    assert!(!shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn a_group_has_as_many_names_as_it_is_given() {
    let transport = ScriptedTransport::answering([answers::openai_chat("hello")]);
    let llmux = builder(&transport).alias("assistant", "chat").build().unwrap();
    let names: Vec<_> = llmux.router().models().into_iter().map(|listing| listing.name).collect();
    assert_eq!(names, ["chat", "assistant"]);
    let request = serde_json::json!({"model": "assistant", "messages": [{"role": "user", "content": "hi"}]});
    assert!(llmux.chat(request).await.is_ok());
}
