//! Which deployment of a group is asked first.

use std::collections::HashMap;

use llmux_router::Router;
use llmux_testkit::{ScriptedTransport, answers};

use crate::{
    asking::Request,
    hosts::{asked, member, member_with, ordered, router},
};

async fn ask_often(router: &Router, transport: &ScriptedTransport, times: usize) -> HashMap<String, usize> {
    let before = transport.requests().len();
    for _ in 0..times {
        Request::openai("m").said(router).await.unwrap();
    }
    let mut counts = HashMap::new();
    for host in asked(transport).into_iter().skip(before) {
        *counts.entry(host).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn weights_are_the_shares_of_the_requests() {
    let transport = ScriptedTransport::answering([answers::openai_chat("hello")]);
    let weighted = |id, weight| member_with(id, |settings| settings.weight = Some(weight));
    let router = router(transport.clone())
        .deployment(weighted("three", 3.0))
        .deployment(weighted("one", 1.0))
        .deployment(weighted("none", 0.0))
        .deployment(member("unsaid"))
        .build()
        .unwrap();
    let counts = ask_often(&router, &transport, 2_000).await;
    // The share of 1,500 has a standard deviation of 19.4: seven of them are exceeded once in a trillion runs.
    assert!(counts["three"].abs_diff(1_500) < 136, "{counts:?}");
    assert_eq!(counts["three"] + counts["one"], 2_000);
}

#[tokio::test]
async fn the_lowest_order_is_asked_and_the_rest_stand_by() {
    let transport = ScriptedTransport::answering([answers::openai_chat("hello")]);
    let router = router(transport.clone())
        .deployment(member("last"))
        .deployment(ordered("second", 2))
        .deployment(ordered("first", 1))
        .build()
        .unwrap();
    assert_eq!(ask_often(&router, &transport, 50).await, HashMap::from([("first".to_owned(), 50)]));
    transport.answer_with(|sent| match sent.header("host") {
        Some("last") => answers::openai_chat("hello"),
        _ => answers::openai_error(503, "server_error", "busy"),
    });
    let said = Request::openai("m").said(&router).await.unwrap();
    assert_eq!((said.by.as_str(), said.retries), ("last", 2));
    assert_eq!(asked(&transport)[50..], ["first", "second", "last"]);
}

#[tokio::test]
async fn an_id_asks_that_deployment_alone() {
    let transport = ScriptedTransport::answering([answers::openai_error(401, "authentication_error", "no")]);
    let router = router(transport.clone()).deployment(member("a")).deployment(member("b")).build().unwrap();
    let refusal = Request::openai("b").refused(&router).await;
    assert_eq!((refusal.retries, asked(&transport)), (0, vec!["b".to_owned()]));
}
