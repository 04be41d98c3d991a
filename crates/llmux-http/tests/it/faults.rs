//! What a broken exchange becomes.

use llmux_core::{ErrorKind, Origin};
use llmux_testkit::{Answer, ClosedPort, ScriptedUpstream, answers};

use crate::{failed, piece, send, shows_no_secret, transport, whole};

#[tokio::test]
async fn a_refused_connection_names_host_and_port() {
    let port = ClosedPort::new();
    let error = failed(send(&transport(), &port.url()).await);
    assert_eq!((error.kind(), error.origin()), (ErrorKind::Connection, Origin::Upstream));
    let address = port.url().replace("http://", "");
    assert_eq!(error.message(), format!("cannot connect to {address}: connection refused"));
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_a_failed_connection() {
    let error = failed(send(&transport(), "http://user:secret@nowhere.invalid").await);
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(error.message(), "cannot connect to nowhere.invalid:80: its name cannot be resolved");
}

#[tokio::test]
async fn no_answer_at_all_is_a_failed_connection() {
    let cases = [
        (Answer::reset(), "connection reset"),
        (Answer::close(), "the connection was closed"),
        (Answer::not_http(), "what it sent is no HTTP"),
    ];
    for (answer, why) in cases {
        let upstream = ScriptedUpstream::answering([answer]).await;
        let error = failed(send(&transport(), &upstream.url()).await);
        assert_eq!((error.kind(), error.origin()), (ErrorKind::Connection, Origin::Upstream));
        assert_eq!(error.message(), format!("{} gave no answer: {why}", upstream.address()));
        assert_eq!(upstream.requests().len(), 1, "a request that reached the provider is sent once");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_ends_with_an_error() {
    let whole_answer = answers::openai_chat("hello");
    for answer in [whole_answer.clone().reset_mid_body(20), whole_answer.close_mid_body(20)] {
        let upstream = ScriptedUpstream::answering([answer]).await;
        let mut reply = send(&transport(), &upstream.url()).await.unwrap();
        assert_eq!(piece(&mut reply).await.unwrap().len(), 20);
        let error = whole(reply).await.unwrap_err();
        shows_no_secret(&error);
        assert_eq!((error.kind(), error.origin()), (ErrorKind::Connection, Origin::Upstream));
        assert!(error.message().starts_with("the connection broke off"), "{error}");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_gives_its_frames_and_then_an_error() {
    let upstream = ScriptedUpstream::answering([Answer::sse(["a", "b", "c"]).reset_mid_stream(2)]).await;
    let mut reply = send(&transport(), &upstream.url()).await.unwrap();
    let mut read = piece(&mut reply).await.unwrap().to_vec();
    if read == b"a" {
        read.extend(piece(&mut reply).await.unwrap());
    }
    assert_eq!(read, b"ab");
    assert_eq!(whole(reply).await.unwrap_err().kind(), ErrorKind::Connection);
}

#[tokio::test]
async fn gzip_that_breaks_off_or_is_none_ends_with_an_error() {
    let cut = ScriptedUpstream::answering([answers::openai_chat("hello").gzip().reset_mid_body(20)]).await;
    let reply = send(&transport(), &cut.url()).await.unwrap();
    assert_eq!(whole(reply).await.unwrap_err().kind(), ErrorKind::Connection);

    let mislabelled = answers::openai_chat("hello").with_header("content-encoding", "gzip");
    let upstream = ScriptedUpstream::answering([mislabelled]).await;
    let reply = send(&transport(), &upstream.url()).await.unwrap();
    assert_eq!(whole(reply).await.unwrap_err().kind(), ErrorKind::BadReply);
}
