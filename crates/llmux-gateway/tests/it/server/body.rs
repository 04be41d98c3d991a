//! Request bodies.

use llmux_core::{ErrorKind, Origin};
use tokio::io::AsyncWriteExt;

use super::stage::{LIMIT, Stage, options};

fn post(path: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: t\r\ncontent-length: {length}\r\n\r\n")
}

#[tokio::test]
async fn a_body_of_any_shape_within_the_limit_is_read_whole() {
    let stage = Stage::start(options());
    let mut client = stage.connect().await;
    for size in [0, 1, 5000, LIMIT] {
        let body = "x".repeat(size);
        client.send(&(post("/body", size) + &body)).await;
        assert!(client.answer().await == (200, body), "{size}");
    }
    client.send("POST /body HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n").await;
    client.send("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").await;
    assert_eq!(client.answer().await, (200, "abcde".to_owned()));
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_refused_before_it_comes() {
    let mut stage = Stage::start(options());
    let mut client = stage.connect().await;
    client.send(&post("/body", LIMIT + 1)).await;
    assert_eq!(client.answer().await.0, 413);
    let error = stage.body().await.unwrap_err();
    assert_eq!((error.kind(), error.origin()), (ErrorKind::PayloadTooLarge, Origin::Client));
    assert!(error.message().contains(&LIMIT.to_string()), "{error}");
}

#[tokio::test]
async fn a_client_that_sends_everything_first_still_gets_the_refusal() {
    let stage = Stage::start(options());
    let mut client = stage.connect().await;
    let size = 16 << 20;
    for (path, status) in [("/body", 413), ("/early", 401)] {
        client.send(&post(path, size)).await;
        client.stream.write_all(&vec![b'x'; size]).await.unwrap();
        assert_eq!(client.answer().await.0, status);
    }
}

#[tokio::test]
async fn a_chunked_body_is_refused_once_it_is_too_large() {
    let stage = Stage::start(options());
    let mut client = stage.connect().await;
    client.send("POST /body HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let chunk = "x".repeat(LIMIT / 2);
    for _ in 0..3 {
        client.send(&format!("{:x}\r\n{chunk}\r\n", chunk.len())).await;
    }
    assert_eq!(client.answer().await.0, 413);
}

#[tokio::test]
async fn a_client_that_falls_silent_is_told_so() {
    let mut stage = Stage::start(options());
    let mut client = stage.connect().await;
    client.send(&(post("/body/impatient", 10) + "half")).await;
    assert_eq!(client.answer().await.0, 408);
    assert_eq!(stage.body().await.unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error_of_the_client() {
    let mut stage = Stage::start(options());
    let mut client = stage.connect().await;
    client.send(&(post("/body", 10) + "half")).await;
    drop(client);
    let error = stage.body().await.unwrap_err();
    assert_eq!((error.kind(), error.origin()), (ErrorKind::InvalidRequest, Origin::Client));
}
