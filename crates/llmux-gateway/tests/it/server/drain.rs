//! The end of a server.

use std::time::Duration;

use tokio::net::TcpStream;

use super::stage::{Client, Stage, options};

#[tokio::test]
async fn what_runs_at_shutdown_may_end_and_nothing_new_begins() {
    let mut stage = Stage::start(options());
    let mut idle = stage.connect().await;
    assert_eq!(idle.get("/hello").await.0, 200);
    let mut silent = stage.connect().await;
    let mut client = stage.connect().await;
    client.send("GET /stream HTTP/1.1\r\nhost: t\r\n\r\n").await;
    let frames = stage.stream().await;
    frames.send("one");
    client.read_until("one").await;

    stage.shutdown.cancel();
    assert_eq!(idle.read_to_end().await, "");
    assert_eq!(silent.read_to_end().await, "");
    // The listener is gone, or will be in a moment; in between the kernel still takes connections.
    while TcpStream::connect(stage.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    frames.send("two");
    client.read_until("two").await;
    drop(frames);
    client.read_until("0\r\n\r\n").await;
    assert_eq!(client.read_to_end().await, "");
    assert_eq!(stage.task.await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn an_answer_during_the_drain_tells_the_client_to_connect_anew() {
    let mut stage = Stage::start(options());
    let mut client = stage.connect().await;
    client.send("POST /body HTTP/1.1\r\nhost: t\r\ncontent-length: 2\r\n\r\n").await;
    let mut witness = stage.connect().await;
    assert_eq!(witness.get("/hello").await.0, 200);
    stage.shutdown.cancel();
    assert_eq!(witness.read_to_end().await, "");
    client.send("hi").await;
    let answer = client.read_to_end().await;
    assert!(answer.contains("connection: close") && answer.ends_with("hi"), "{answer}");
    assert_eq!(stage.body().await.unwrap(), 2);
    assert_eq!(stage.task.await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn what_outlasts_the_drain_is_cut_and_counted() {
    let mut options = options();
    options.drain_timeout = Duration::from_millis(20);
    let mut stage = Stage::start(options);
    let mut clients = Vec::new();
    for _ in 0..2 {
        let mut client: Client = stage.connect().await;
        client.send("GET /wait HTTP/1.1\r\nhost: t\r\n\r\n").await;
        stage.begun().await;
        clients.push(client);
    }
    stage.shutdown.cancel();
    for client in &mut clients {
        assert_eq!(client.read_to_end().await, "");
        stage.ended().await;
    }
    assert_eq!(stage.task.await.unwrap().unwrap(), 2);
}
