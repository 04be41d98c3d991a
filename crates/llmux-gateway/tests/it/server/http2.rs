//! HTTP/2 without encryption.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, task::JoinHandle};

use super::stage::{Stage, options};

type Sender = SendRequest<Empty<Bytes>>;

/// A connection, and the task that ends with it.
async fn connect(stage: &Stage) -> (Sender, JoinHandle<()>) {
    let stream = TcpStream::connect(stage.address).await.unwrap();
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let task = tokio::spawn(async move {
        let _ = connection.await;
    });
    (sender, task)
}

fn get(path: &str) -> Request<Empty<Bytes>> {
    Request::get(format!("http://localhost{path}")).body(Empty::new()).unwrap()
}

async fn hello(sender: &mut Sender) {
    let response = sender.send_request(get("/hello")).await.unwrap();
    assert_eq!((response.version(), response.status().as_u16()), (Version::HTTP_2, 200));
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");
}

#[tokio::test]
async fn requests_share_a_connection() {
    let mut stage = Stage::start(options());
    let (mut sender, _connection) = connect(&stage).await;
    let mut response = Box::pin(sender.send_request(get("/stream")));
    let (frames, mut body) =
        tokio::join!(stage.stream(), async { (&mut response).await.unwrap().into_body() });
    hello(&mut sender).await;
    frames.send("one");
    let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(frame, "one");
}

#[tokio::test]
async fn a_stream_that_is_reset_ends_its_request_at_once() {
    let mut stage = Stage::start(options());
    let (mut sender, _connection) = connect(&stage).await;
    let request = tokio::spawn(sender.send_request(get("/wait")));
    stage.begun().await;
    request.abort();
    stage.ended().await;
    hello(&mut sender).await;
}

#[tokio::test]
async fn a_panic_ends_its_stream_and_not_the_connection() {
    let stage = Stage::start(options());
    let (mut sender, _connection) = connect(&stage).await;
    assert!(sender.send_request(get("/panic")).await.is_err());
    hello(&mut sender).await;
}

#[tokio::test]
async fn an_unused_connection_is_closed() {
    let mut options = options();
    options.idle_timeout = Duration::from_millis(30);
    let stage = Stage::start(options);
    let (mut sender, connection) = connect(&stage).await;
    hello(&mut sender).await;
    connection.await.unwrap();
}

#[tokio::test]
async fn requests_that_outlast_the_drain_are_cut_and_counted_one_by_one() {
    let mut options = options();
    options.drain_timeout = Duration::from_millis(20);
    let mut stage = Stage::start(options);
    let (mut sender, connection) = connect(&stage).await;
    let requests = [0, 1].map(|_| tokio::spawn(sender.send_request(get("/wait"))));
    stage.begun().await;
    stage.begun().await;
    stage.shutdown.cancel();
    for request in requests {
        assert!(request.await.unwrap().is_err());
        stage.ended().await;
    }
    connection.await.unwrap();
    assert_eq!(stage.task.await.unwrap().unwrap(), 2);
}
