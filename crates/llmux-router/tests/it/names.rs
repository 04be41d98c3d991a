//! From the name that a request asks for to the deployments that may answer.

use llmux_core::ErrorKind;
use llmux_router::Router;
use llmux_testkit::{ScriptedTransport, answers};

use crate::{
    asking::Request,
    hosts::{Host, member, router},
};

fn named(transport: &ScriptedTransport) -> Router {
    let at = |id: &str, group: &str, model: &str| {
        Host::OpenAi.deployment(id, group, model, &format!("http://{id}"))
    };
    router(transport.clone())
        .deployment(at("exact", "openai/gpt-4o", "gpt-4o-up"))
        .deployment(at("narrow", "openai/gpt-*", "gpt-*-up"))
        .deployment(at("wide", "openai/*", "*"))
        .deployment(at("prefixed", "mine/*", "org/*-latest"))
        .deployment(at("fixed", "cheap-*", "small"))
        .alias("shown", "openai/gpt-4o", false)
        .alias("secret", "openai/gpt-4o", true)
        .alias("through", "openai/o9", false)
        .alias("twice", "through", true)
        .alias("thrice", "twice", true)
        .build()
        .unwrap()
}

#[tokio::test]
async fn each_name_finds_its_deployment_and_the_providers_name_of_the_model() {
    let transport = ScriptedTransport::answering([answers::openai_chat("hello")]);
    let router = named(&transport);
    for (name, id, model) in [
        ("openai/gpt-4o", "exact", "gpt-4o-up"),
        ("shown", "exact", "gpt-4o-up"),
        ("secret", "exact", "gpt-4o-up"),
        ("exact", "exact", "gpt-4o-up"),
        ("openai/gpt-5", "narrow", "gpt-5-up"),
        ("openai/o9", "wide", "o9"),
        ("openai/a/b", "wide", "a/b"),
        ("through", "wide", "o9"),
        ("thrice", "wide", "o9"),
        ("mine/x", "prefixed", "org/x-latest"),
        ("cheap-anything", "fixed", "small"),
    ] {
        assert!(router.knows(name), "{name}");
        let said = Request::openai(name).said(&router).await.unwrap();
        let sent = transport.requests().pop().unwrap().json();
        assert_eq!((said.by.as_str(), sent["model"].as_str()), (id, Some(model)), "{name}");
    }
}

#[test]
fn hidden_names_are_not_listed() {
    let router = named(&ScriptedTransport::new());
    let names: Vec<_> = router.models().into_iter().map(|listing| listing.name).collect();
    assert_eq!(names, ["openai/gpt-4o", "openai/gpt-*", "openai/*", "mine/*", "cheap-*", "shown", "through"]);
    assert_eq!(router.deployments().len(), 5);
}

#[tokio::test]
async fn an_unknown_name_lists_close_ones_and_asks_nobody() {
    let transport = ScriptedTransport::new();
    let router = named(&transport);
    let refusal = Request::openai("openal/gpt-4o").refused(&router).await;
    let error = refusal.error;
    assert_eq!((error.kind(), error.status().as_u16()), (ErrorKind::NotFound, 404));
    assert_eq!((error.param(), error.code()), (Some("model"), Some("model_not_found")));
    assert!(error.message().contains("did you mean openai/gpt-4o"), "{error}");
    assert!(refusal.deployment.is_none() && transport.requests().is_empty());
    let far = Request::openai("zzz").refused(&router).await.error;
    assert!(far.message().contains("GET /v1/models"), "{far}");
    assert!(!far.message().contains("secret"), "hidden names stay hidden: {far}");
}

#[test]
fn two_deployments_of_one_id_are_refused() {
    let built = router(ScriptedTransport::new()).deployment(member("a")).deployment(member("a")).build();
    assert!(built.err().unwrap().message().contains("`a`"));
}
