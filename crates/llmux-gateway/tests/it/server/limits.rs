//! Limits on connections.

use std::time::Duration;

use super::stage::{Stage, options};

/// Soon over.
const SHORT: Duration = Duration::from_millis(30);
/// Soon over, but long enough for a client on a busy machine to send a request.
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_connection_on_which_nothing_comes_is_closed() {
    let mut options = options();
    options.header_timeout = SHORT;
    let stage = Stage::start(options);
    assert_eq!(stage.connect().await.read_to_end().await, "");
}

#[tokio::test]
async fn a_head_that_does_not_end_closes_the_connection() {
    let mut options = options();
    options.header_timeout = SHORT;
    let stage = Stage::start(options);
    let mut client = stage.connect().await;
    client.send("GET /hello HTTP/1.1\r\nhost: ").await;
    assert_eq!(client.read_to_end().await, "");
}

#[tokio::test]
async fn between_requests_the_idle_timeout_counts_and_not_the_one_of_heads() {
    let mut options = options();
    options.header_timeout = SECOND;
    let stage = Stage::start(options);
    let mut idle = stage.connect().await;
    assert_eq!(idle.get("/hello").await.0, 200);
    // One timeout of a head passes.
    assert_eq!(stage.connect().await.read_to_end().await, "");
    assert_eq!(idle.get("/hello").await.0, 200);
    idle.send("GET /hello").await;
    assert_eq!(idle.read_to_end().await, "");
}

#[tokio::test]
async fn an_unused_connection_is_closed() {
    let mut options = options();
    options.idle_timeout = SHORT;
    let stage = Stage::start(options);
    let mut client = stage.connect().await;
    assert_eq!(client.get("/hello").await.0, 200);
    assert_eq!(client.read_to_end().await, "");
}

#[tokio::test]
async fn a_request_that_runs_is_not_idle() {
    let mut options = options();
    options.idle_timeout = SHORT;
    options.header_timeout = SECOND;
    let mut stage = Stage::start(options);
    let mut client = stage.connect().await;
    client.send("GET /stream HTTP/1.1\r\nhost: t\r\n\r\n").await;
    let frames = stage.stream().await;
    // Both timeouts pass.
    assert_eq!(stage.connect().await.read_to_end().await, "");
    frames.send("late");
    client.read_until("late").await;
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_one_to_end() {
    let mut options = options();
    options.max_connections = 1;
    let mut stage = Stage::start(options);
    let mut first = stage.connect().await;
    assert_eq!(first.get("/hello").await.0, 200);
    let mut second = stage.connect().await;
    second.send("GET /wait HTTP/1.1\r\nhost: t\r\n\r\n").await;
    first.send("POST /body HTTP/1.1\r\nhost: t\r\ncontent-length: 2\r\n\r\nhi").await;
    assert_eq!(first.answer().await.0, 200);
    // Had the second been served, its news would have come first.
    assert_eq!(stage.body().await.unwrap(), 2);
    drop(first);
    stage.begun().await;
}
