//! The end of the process.

use llmux_testkit::{Gate, ScriptedUpstream, answers};
use tokio::net::TcpStream;

use crate::proxy::{Answer, Proxy, Setup, chat, openai_config, streamed};

#[tokio::test]
async fn at_sigterm_a_running_stream_ends_and_no_connection_is_taken_any_more() {
    for signal in ["TERM", "INT"] {
        let upstream = ScriptedUpstream::start().await;
        let gate = Gate::new();
        upstream.script([answers::openai_stream(&["before", "after"]).hold_after(2, &gate)]);
        let proxy = Proxy::openai(&upstream.url()).await;
        let mut running = proxy.post("/v1/chat/completions", &streamed("model")).send().await.unwrap();
        assert!(running.chunk().await.unwrap().is_some());
        proxy.signal(signal).await;
        proxy.wait_for_log("stopping").await;
        while TcpStream::connect(proxy.authority()).await.is_ok() {
            tokio::task::yield_now().await;
        }
        gate.open();
        let rest = Answer::read(running).await;
        assert!(rest.said().contains("after") && rest.events().last() == Some(&"[DONE]"), "{}", rest.text);
        let ended = proxy.ended().await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.err);
        assert!(ended.err.contains("cut=0"), "{}", ended.err);
    }
}

#[tokio::test]
async fn readiness_says_503_while_requests_are_still_taken_until_the_delay_or_a_second_signal() {
    let upstream = ScriptedUpstream::answering([answers::openai_chat("still here")]).await;
    let config = format!("{}server: {{drain_delay: 1h}}\n", openai_config(&upstream.url()));
    let proxy = Setup::config(config).start().await;
    assert_eq!(Answer::of(proxy.get("/health/readiness")).await.status, 200);
    proxy.signal("TERM").await;
    proxy.wait_for_log("draining").await;
    assert_eq!(Answer::of(proxy.get("/health/readiness")).await.status, 503);
    assert_eq!(Answer::of(proxy.get("/health/liveness")).await.status, 200);
    let answer = Answer::of(proxy.post("/v1/chat/completions", &chat("model"))).await;
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "still here");
    proxy.signal("TERM").await;
    assert_eq!(proxy.ended().await.status.code(), Some(0));
}

#[tokio::test]
async fn a_stream_that_does_not_end_in_time_is_cut() {
    let upstream = ScriptedUpstream::answering([answers::openai_stream(&["a", "b"]).stall_after(2)]).await;
    let config = format!("{}server: {{drain_timeout: 50ms}}\n", openai_config(&upstream.url()));
    let proxy = Setup::config(config).start().await;
    let mut running = proxy.post("/v1/chat/completions", &streamed("model")).send().await.unwrap();
    assert!(running.chunk().await.unwrap().is_some());
    proxy.signal("TERM").await;
    while let Ok(Some(_)) = running.chunk().await {}
    let ended = proxy.ended().await;
    assert_eq!(ended.status.code(), Some(0));
    assert!(ended.err.contains("cut=1"), "{}", ended.err);
    upstream.wait_for_disconnect().await;
}

#[tokio::test]
async fn connections_without_a_request_do_not_hold_up_the_end() {
    let proxy = Setup::default().start().await;
    let _silent = TcpStream::connect(proxy.authority()).await.unwrap();
    assert_eq!(Answer::of(proxy.get("/health/readiness")).await.status, 200);
    proxy.signal("TERM").await;
    let ended = proxy.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.err);
    assert!(ended.err.contains("stopped"), "the last lines are written: {}", ended.err);
}
