//! The listener, seen through sockets.

mod body;
mod drain;
mod http2;
mod limits;
mod stage;
mod tls;

use std::{io, net::TcpListener};

use llmux_gateway::server::{Server, ServerOptions};

use self::stage::{Client, Stage, options};

#[tokio::test]
async fn several_requests_are_answered_on_one_connection() {
    let stage = Stage::start(options());
    let mut client = stage.connect().await;
    for _ in 0..3 {
        assert_eq!(client.get("/hello").await, (200, "hello".to_owned()));
    }
}

#[tokio::test]
async fn frames_of_a_stream_arrive_one_by_one() {
    let mut stage = Stage::start(options());
    let mut client = stage.connect().await;
    client.send("GET /stream HTTP/1.1\r\nhost: t\r\n\r\n").await;
    let frames = stage.stream().await;
    for text in ["one", "two"] {
        frames.send(text);
        client.read_until(text).await;
    }
    drop(frames);
    client.read_until("0\r\n\r\n").await;
    assert_eq!(client.get("/hello").await.0, 200);
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_ends_the_request_at_once() {
    let mut stage = Stage::start(options());
    let mut client = stage.connect().await;
    client.send("POST /wait HTTP/1.1\r\nhost: t\r\ncontent-length: 2\r\n\r\nhi").await;
    stage.begun().await;
    drop(client);
    stage.ended().await;
}

#[tokio::test]
async fn a_client_that_closes_only_its_sending_side_counts_as_gone() {
    let mut stage = Stage::start(options());
    let mut client = stage.connect().await;
    client.send("GET /wait HTTP/1.1\r\nhost: t\r\n\r\n").await;
    stage.begun().await;
    client.close_sending_side().await;
    stage.ended().await;
}

#[tokio::test]
async fn a_client_that_leaves_during_a_stream_ends_it_at_once() {
    let mut stage = Stage::start(options());
    let mut client = stage.connect().await;
    client.send("GET /stream HTTP/1.1\r\nhost: t\r\n\r\n").await;
    let frames = stage.stream().await;
    frames.send("one");
    client.read_until("one").await;
    drop(client);
    frames.closed().await;
}

#[tokio::test]
async fn a_panic_ends_its_connection_and_nothing_else() {
    let stage = Stage::start(options());
    let mut bystander = stage.connect().await;
    assert_eq!(bystander.get("/hello").await.0, 200);
    let mut client = stage.connect().await;
    client.send("GET /panic HTTP/1.1\r\nhost: t\r\n\r\n").await;
    client.read_to_end().await;
    assert_eq!(bystander.get("/hello").await.0, 200);
    assert_eq!(stage.connect().await.get("/hello").await.0, 200);
}

#[tokio::test]
async fn garbage_is_refused_and_the_connection_closed() {
    let stage = Stage::start(options());
    let mut client = stage.connect().await;
    client.send("\u{1}\u{2} this is no HTTP\r\n\r\n").await;
    assert!(client.read_to_end().await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn the_handler_is_told_who_calls() {
    let stage = Stage::start(options());
    let mut client = stage.connect().await;
    let (_, told) = client.get("/peer").await;
    assert_eq!(told, format!("{} plain", client.address()));
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = options();
    options.port = taken.local_addr().unwrap().port();
    let port = options.port;
    let error = Server::bind(options).unwrap_err();
    assert_eq!(error.message(), format!("cannot listen on 127.0.0.1:{port}: the port is already in use"));
}

#[test]
fn an_address_of_another_machine_is_named() {
    let mut options = options();
    options.host = "192.0.2.1".to_owned();
    let error = Server::bind(options).unwrap_err();
    assert!(error.message().contains("192.0.2.1:0: this machine has no such address"), "{error}");
}

#[test]
fn several_listeners_may_share_a_port_when_told_to() {
    let mut options = options();
    options.reuse_port = true;
    let first = Server::bind(options.clone()).unwrap();
    options.port = first.local_addr().port();
    let second = Server::bind(options).unwrap();
    assert_eq!(first.local_addr(), second.local_addr());
}

#[tokio::test]
async fn a_listener_that_is_open_already_is_served() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = Server::with_listener(listener, ServerOptions::default()).unwrap();
    assert_eq!(server.local_addr(), address);
    let _stage = Stage::serve(server);
    assert_eq!(Client::connect(address).await.get("/hello").await.0, 200);
    Ok(())
}
