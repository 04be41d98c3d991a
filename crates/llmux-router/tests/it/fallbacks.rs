//! Other models, when the one that was asked for has failed.

use llmux_core::{Dialect, ErrorKind};
use llmux_router::{FallbackList, MockFailure, Router, RouterPolicy};
use llmux_testkit::{Answer, ScriptedTransport, answers};
use serde_json::{Value, json};

use crate::{
    asking::{DIALECTS, Request},
    hosts::{asked, of_group, ordered, router, statuses},
};

fn list(value: &Value) -> FallbackList {
    FallbackList::read(value).unwrap()
}

/// Groups `m`, `n`, `o` and `p` of one deployment each, whose host is the group's name.
fn groups(transport: ScriptedTransport, change: impl FnOnce(&mut RouterPolicy)) -> Router {
    let builder = ["m", "n", "o", "p"]
        .into_iter()
        .fold(router(transport), |router, group| router.deployment(of_group(group, group)));
    builder.policy(|policy| policy.retry.retries = 0).policy(change).build().unwrap()
}

fn general(value: &Value) -> impl FnOnce(&mut RouterPolicy) + use<> {
    let list = list(value);
    move |policy| policy.fallbacks.general = list
}

#[tokio::test(start_paused = true)]
async fn the_listed_models_are_asked_in_their_order_until_one_answers() {
    let transport = statuses([("m", 500), ("n", 503)]);
    let router = groups(transport.clone(), general(&json!([{"m": ["n", "o", "p"]}])));
    let said = Request::openai("m").said(&router).await.unwrap();
    assert_eq!((said.by.as_str(), said.fallbacks), ("o", 2));
    assert_eq!(asked(&transport), ["m", "n", "o"]);
    assert_eq!(Request::openai("o").said(&router).await.unwrap().fallbacks, 0);
}

#[tokio::test(start_paused = true)]
async fn every_model_has_its_own_retries_first() {
    let transport = statuses([("m", 500), ("n", 500)]);
    let router = groups(transport.clone(), |policy| {
        policy.fallbacks.general = list(&json!([{"m": ["n"]}, {"n": ["o"]}]));
        policy.retry.retries = 1;
    });
    assert_eq!(Request::openai("m").answered_by(&router).await, "o");
    assert_eq!(asked(&transport), ["m", "m", "n", "n", "o"]);
}

#[tokio::test(start_paused = true)]
async fn a_star_stands_for_every_model_and_an_unknown_one_takes_the_first_default() {
    let router = groups(statuses([("m", 500)]), general(&json!([{"*": ["n"]}])));
    assert_eq!(Request::openai("m").answered_by(&router).await, "n");
    assert_eq!(Request::openai("unheard-of").answered_by(&router).await, "n");
}

#[tokio::test(start_paused = true)]
async fn no_model_is_asked_twice_however_the_lists_lead_around() {
    let transport = statuses([("m", 500), ("n", 500), ("o", 500)]);
    let router = groups(
        transport.clone(),
        general(&json!([{"m": ["n", "m"]}, {"n": ["o", "m"]}, {"o": ["n", "m", "o"]}])),
    );
    let refusal = Request::openai("m").refused(&router).await;
    assert_eq!((asked(&transport), refusal.fallbacks), (vec!["m".into(), "n".into(), "o".into()], 2));
    assert_eq!(refusal.error.message(), "failed with 500", "the first model's error is told");
}

#[tokio::test(start_paused = true)]
async fn no_more_models_are_asked_than_allowed() {
    let transport = statuses([("m", 500), ("n", 500), ("o", 500)]);
    let router = groups(transport.clone(), |policy| {
        policy.fallbacks.general = list(&json!([{"m": ["n", "o", "p"]}]));
        policy.fallbacks.max = 2;
    });
    assert_eq!(Request::openai("m").refused(&router).await.fallbacks, 2);
    assert_eq!(asked(&transport), ["m", "n", "o"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_may_bring_its_own_fallbacks_or_refuse_all() {
    let router = groups(statuses([("m", 500)]), general(&json!([{"m": ["n"]}])));
    let own = |value| Request::openai("m").directed(|d| d.fallbacks = Some(list(&value)));
    assert_eq!(own(json!(["o"])).answered_by(&router).await, "o");
    assert_eq!(own(json!([{"m": ["p"]}])).answered_by(&router).await, "p");
    let refused = Request::openai("m").directed(|d| d.disable_fallbacks = true).refused(&router).await;
    assert_eq!((refused.error.status().as_u16(), refused.fallbacks), (500, 0));
    let explained = |request: Request| request.explained(&router).fallbacks;
    assert_eq!(explained(Request::openai("m")), ["n"]);
    assert_eq!(explained(own(json!(["o", "p"]))), ["o", "p"]);
    assert!(explained(Request::openai("m").directed(|d| d.disable_fallbacks = true)).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_fallback_may_change_the_request() {
    let transport = statuses([("m", 500)]);
    let router = groups(transport.clone(), |_| {});
    let messages = json!([{"role": "user", "content": "shorter"}]);
    let to = json!([{"model": "n", "messages": messages, "max_tokens": 7}]);
    Request::openai("m").directed(|d| d.fallbacks = Some(list(&to))).said(&router).await.unwrap();
    let sent = transport.requests().pop().unwrap().json();
    assert_eq!(
        (&sent["messages"], &sent["max_tokens"], &sent["model"]),
        (&messages, &json!(7), &json!("n-model"))
    );
}

fn too_long() -> Answer {
    let error = json!({"message": "too long", "type": "x", "param": null, "code": "context_length_exceeded"});
    Answer::json(json!({"error": error})).with_status(400)
}

fn refused_content() -> Answer {
    let error = json!({"message": "no", "type": "x", "param": null, "code": "content_policy_violation"});
    Answer::json(json!({"error": error})).with_status(400)
}

#[tokio::test(start_paused = true)]
async fn prompts_that_do_not_fit_and_refused_contents_have_lists_of_their_own() {
    for (answer, kind) in
        [(too_long(), ErrorKind::ContextWindowExceeded), (refused_content(), ErrorKind::ContentPolicy)]
    {
        let transport = ScriptedTransport::new();
        let broken = answer.clone();
        transport.answer_with(move |sent| match sent.header("host") {
            Some("m" | "p") => broken.clone(),
            _ => answers::openai_chat("hello"),
        });
        let router = groups(transport.clone(), |policy| {
            policy.fallbacks.general = list(&json!([{"*": ["n"]}]));
            policy.fallbacks.context_window = list(&json!([{"m": ["o"]}]));
            policy.fallbacks.content_policy = list(&json!([{"m": ["o"]}]));
            policy.retry.retries = 3;
        });
        assert_eq!(Request::openai("m").answered_by(&router).await, "o");
        assert_eq!(asked(&transport), ["m", "o"], "the same prompt is not repeated");
        // The list is there and says nothing about this model: the error stays.
        assert_eq!(Request::openai("p").refused(&router).await.error.kind(), kind);
        let plain = groups(transport.clone(), general(&json!([{"*": ["n"]}])));
        assert_eq!(
            Request::openai("m").answered_by(&plain).await,
            "n",
            "without a list the general one counts"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn failures_can_be_pretended_to_see_where_requests_go() {
    let transport = statuses([]);
    let router = groups(transport.clone(), |policy| {
        policy.fallbacks.general = list(&json!([{"m": ["n"]}]));
        policy.fallbacks.context_window = list(&json!([{"m": ["o"]}]));
        policy.fallbacks.content_policy = list(&json!([{"m": ["p"]}]));
    });
    for (mock, by) in [
        (MockFailure::Fault, "n"),
        (MockFailure::RateLimit, "n"),
        (MockFailure::ContextWindow, "o"),
        (MockFailure::ContentPolicy, "p"),
    ] {
        let said = Request::openai("m").directed(|d| d.mock = Some(mock)).said(&router).await.unwrap();
        assert_eq!((said.by.as_str(), said.fallbacks), (by, 1), "{mock:?}");
    }
    assert!(!asked(&transport).contains(&"m".to_owned()));
    let error =
        Request::openai("n").directed(|d| d.mock = Some(MockFailure::Fault)).refused(&router).await.error;
    assert!(error.message().starts_with("This is a mock exception for model=n"), "{error}");
    assert_eq!(error.status().as_u16(), 500);
}

#[tokio::test(start_paused = true)]
async fn errors_name_the_models_that_were_tried_if_that_is_wanted() {
    let router = groups(statuses([("m", 500), ("n", 503)]), |policy| {
        policy.fallbacks.general = list(&json!([{"m": ["n", "nowhere"]}]));
        policy.fallbacks.explain = true;
    });
    let message = Request::openai("m").refused(&router).await.error.message().to_owned();
    for part in [
        "failed with 500\nReceived Model Group=m\nAvailable Model Group Fallbacks=['n', 'nowhere']",
        "Error doing the fallback n: unavailable: failed with 503",
        "Error doing the fallback nowhere: not_found",
    ] {
        assert!(message.contains(part), "{message}");
    }
    let quiet = groups(statuses([("m", 500), ("n", 503)]), general(&json!([{"m": ["n"]}])));
    assert_eq!(Request::openai("m").refused(&quiet).await.error.message(), "failed with 500");
    let told = Request::openai("m").directed(|d| d.include_fallback_errors = true).refused(&quiet).await;
    assert!(told.error.message().contains("failed with 503"));
}

#[tokio::test(start_paused = true)]
async fn a_busy_model_with_fallbacks_is_left_at_once() {
    let transport = ScriptedTransport::new();
    transport.answer_with(|sent| match sent.header("host") {
        Some("m") => answers::openai_error(429, "x", "busy").with_header("retry-after", "20"),
        _ => answers::openai_chat("hello"),
    });
    let router = groups(transport.clone(), |policy| {
        policy.fallbacks.general = list(&json!([{"m": ["n"]}]));
        policy.retry.retries = 3;
    });
    let started = tokio::time::Instant::now();
    assert_eq!(Request::openai("m").answered_by(&router).await, "n");
    assert_eq!((started.elapsed().as_millis(), asked(&transport)), (0, vec!["m".into(), "n".into()]));
}

/// For every API shape: until the first frame is out, a stream's failure is a failure like any other.
#[tokio::test(start_paused = true)]
async fn pain_22_streams_fall_back_to_other_models_until_the_first_frame() {
    let failures = [
        answers::openai_error(500, "x", "no"),
        Answer::sse(["data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n"]),
        answers::openai_stream(&["never"]).reset_mid_stream(0),
        Answer::json(json!({"error": {"message": "not a stream"}})),
    ];
    for dialect in [DIALECTS[0], DIALECTS[1], Dialect::OpenAiResponses, Dialect::Gemini] {
        for failure in &failures {
            let (transport, broken) = (ScriptedTransport::new(), failure.clone());
            transport.answer_with(move |sent| match sent.header("host") {
                Some("m") => broken.clone(),
                _ => answers::openai_stream(&["hel", "lo"]),
            });
            let router = groups(transport.clone(), general(&json!([{"m": ["n"]}])));
            let request = Request::new(dialect, "m").streamed();
            let bare = || request.clone().field("messages", json!(null)).field("max_tokens", json!(null));
            let contents = json!([{"role": "user", "parts": [{"text": "hi"}]}]);
            let request = match dialect {
                Dialect::OpenAiResponses => bare().field("input", json!("hi")),
                Dialect::Gemini => bare().field("contents", contents).field("stream", json!(null)),
                _ => request,
            };
            let answer = request.ask(&router).await.unwrap_or_else(|r| panic!("{dialect:?}: {}", r.error));
            assert_eq!((answer.deployment.id().as_str(), answer.fallbacks), ("n", 1), "{dialect:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_order_has_its_turn_when_the_retries_of_the_first_are_used_up() {
    let transport = statuses([("a", 500), ("b", 500)]);
    let router = router(transport.clone())
        .deployment(ordered("a", 1))
        .deployment(ordered("b", 2))
        .deployment(ordered("c", 3))
        .build()
        .unwrap();
    assert_eq!(Request::openai("m").retries(0).answered_by(&router).await, "c");
    assert_eq!(asked(&transport), ["a", "b", "c"]);
}
