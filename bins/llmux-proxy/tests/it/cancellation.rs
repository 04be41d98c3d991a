//! Clients that go away, and clients that read slowly.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use llmux_testkit::{Answer as Scripted, ScriptedUpstream, answers};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::Semaphore,
    time::timeout,
};

use crate::proxy::{Proxy, chat, message, streamed};

/// Asks, and goes away once the provider has the request.
async fn leave_early(proxy: &Proxy, upstream: &ScriptedUpstream, path: &str, body: &Value) {
    let count = upstream.requests().len();
    let request = tokio::spawn(proxy.post(path, body).send());
    upstream.wait_for_requests(count + 1).await;
    request.abort();
}

#[tokio::test]
async fn a_client_that_leaves_before_the_first_byte_ends_the_upstream_request() {
    let upstream = ScriptedUpstream::start().await;
    let proxy = Proxy::openai(&upstream.url()).await;
    let cases = [
        ("/v1/chat/completions", chat("model"), Scripted::never()),
        ("/v1/chat/completions", streamed("model"), Scripted::never()),
        ("/v1/messages", message("model"), Scripted::never()),
        ("/v1/chat/completions", chat("model"), answers::openai_chat("hi").stall_after(0)),
        ("/v1/chat/completions", streamed("model"), answers::openai_stream(&["a"]).stall_after(0)),
    ];
    for (at, (path, body, answer)) in cases.into_iter().enumerate() {
        upstream.script([answer]);
        leave_early(&proxy, &upstream, path, &body).await;
        upstream.wait_for_disconnects(at + 1).await;
    }
    proxy.wait_for_log_times("client_closed", 5).await;
}

#[tokio::test]
async fn a_client_that_leaves_during_a_stream_ends_the_upstream_request() {
    let upstream = ScriptedUpstream::start().await;
    let proxy = Proxy::openai(&upstream.url()).await;
    let mut anthropic = message("model");
    anthropic["stream"] = true.into();
    let cases = [("/v1/chat/completions", streamed("model")), ("/v1/messages", anthropic)];
    for (at, (path, body)) in cases.into_iter().enumerate() {
        upstream.script([answers::openai_stream(&["a", "b"]).stall_after(2)]);
        let mut response = proxy.post(path, &body).send().await.unwrap();
        assert!(response.chunk().await.unwrap().is_some());
        drop(response);
        upstream.wait_for_disconnects(at + 1).await;
    }
    proxy.wait_for_log_times("client_closed", 2).await;
}

#[tokio::test]
async fn over_http2_leaving_ends_only_the_one_request() {
    let upstream = ScriptedUpstream::answering([answers::openai_stream(&["a", "b"]).stall_after(1)]).await;
    let mut proxy = Proxy::openai(&upstream.url()).await;
    proxy.client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let body = streamed("model");
    let ask = || proxy.post("/v1/chat/completions", &body).send();
    let (mut stays, leaves) = (ask().await.unwrap(), ask().await.unwrap());
    assert!(stays.chunk().await.unwrap().is_some());
    drop(leaves);
    upstream.wait_for_disconnect().await;
    assert_eq!(upstream.open_connections(), 1);
    drop(stays);
    upstream.wait_for_disconnects(2).await;
}

/// Whatever ends a request, one line accounts for it: no more, no less.
#[tokio::test]
async fn pain_09_18_each_request_is_settled_exactly_once() {
    let upstream = ScriptedUpstream::start().await;
    let config = crate::proxy::openai_config(&upstream.url());
    let proxy = crate::proxy::Setup::config(config).arg("--debug").start().await;
    let ask = |id: &str, body: &Value| {
        proxy.post("/v1/chat/completions", body).header("x-litellm-call-id", id.to_owned())
    };
    upstream.script([answers::openai_chat("hi")]);
    ask("settle-whole", &chat("model")).send().await.unwrap().bytes().await.unwrap();
    upstream.script([answers::openai_stream(&["a"])]);
    ask("settle-stream", &streamed("model")).send().await.unwrap().bytes().await.unwrap();
    upstream.script([answers::openai_error(500, "e", "m")]);
    ask("settle-error", &chat("model")).send().await.unwrap().bytes().await.unwrap();
    upstream.script([answers::openai_stream(&["a", "b"]).reset_mid_stream(2)]);
    ask("settle-broken", &streamed("model")).send().await.unwrap().bytes().await.unwrap();
    upstream.script([answers::openai_stream(&["a", "b"]).stall_after(2)]);
    let mut response = ask("settle-left", &streamed("model")).send().await.unwrap();
    response.chunk().await.unwrap();
    drop(response);
    upstream.wait_for_disconnect().await;
    proxy.signal("TERM").await;
    let log = proxy.ended().await.err;
    for (id, outcome) in [
        ("settle-whole", "ok"),
        ("settle-stream", "ok"),
        ("settle-error", "refused"),
        ("settle-broken", "broken"),
        ("settle-left", "client_closed"),
    ] {
        let lines: Vec<_> =
            log.lines().filter(|line| line.contains(id) && line.contains("outcome=")).collect();
        assert_eq!(lines.len(), 1, "{id}: {lines:#?}");
        assert!(lines[0].contains(&format!("outcome=\"{outcome}\"")), "{}", lines[0]);
    }
    let usage = log.lines().find(|line| line.contains("settle-stream") && line.contains("outcome=")).unwrap();
    assert!(usage.contains("input=11") && usage.contains("output=7"), "{usage}");
}

/// What one stream comes to: much more than all buffers on the way hold.
const FRAMES: usize = 512;
const FRAME: usize = 64 << 10;
const READERS: usize = 4;

/// How far the provider has come, and a permit for each stream that nobody reads.
struct Progress {
    sent: AtomicUsize,
    stalled: Semaphore,
}

fn chunk(delta: &str, finish: &str) -> String {
    format!(
        "data: {{\"id\":\"a\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":\
         [{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
    )
}

/// A provider that streams as fast as it is read.
async fn generous_provider(progress: Arc<Progress>) -> String {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(FRAME as u32).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(READERS as u32).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(give(stream, Arc::clone(&progress)));
        }
    });
    url
}

async fn give(mut stream: TcpStream, progress: Arc<Progress>) {
    let mut request = [0; 4096];
    assert!(stream.read(&mut request).await.unwrap() > 0);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let frame = chunk(&format!("{{\"content\":\"{}\"}}", "x".repeat(FRAME)), "null");
    let mut stalled = false;
    for _ in 0..FRAMES {
        let mut left = frame.as_bytes();
        while !left.is_empty() {
            // A write that does not get on means that nobody reads.
            match timeout(Duration::from_millis(500), stream.write(left)).await {
                Ok(written) => {
                    let written = written.unwrap();
                    left = &left[written..];
                    progress.sent.fetch_add(written, Ordering::Relaxed);
                }
                Err(_) if !stalled => {
                    stalled = true;
                    progress.stalled.add_permits(1);
                }
                Err(_) => {}
            }
        }
    }
    stream.write_all(chunk("{}", "\"stop\"").as_bytes()).await.unwrap();
    stream.write_all(b"data: [DONE]\n\n").await.unwrap();
}

/// A client that asks and does not read yet.
async fn slow_reader(proxy: &Proxy) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(FRAME as u32).unwrap();
    let mut client = socket.connect(proxy.authority().parse().unwrap()).await.unwrap();
    let body = streamed("model").to_string();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    client.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    client
}

/// Reads to the end and gives the number of bytes.
async fn read_all(client: &mut TcpStream) -> usize {
    let (mut received, mut buffer, mut tail) = (0, vec![0; 1 << 20], Vec::new());
    loop {
        let count = client.read(&mut buffer).await.unwrap();
        if count == 0 {
            assert!(String::from_utf8_lossy(&tail).contains("[DONE]"));
            return received;
        }
        received += count;
        tail.extend_from_slice(&buffer[..count]);
        tail.drain(..tail.len().saturating_sub(64));
    }
}

/// Readers that stop hold the provider back; nothing piles up in between, and nothing is lost.
#[tokio::test]
async fn pain_02_slow_readers_hold_the_provider_back_within_bounded_memory() {
    let progress = Arc::new(Progress { sent: AtomicUsize::new(0), stalled: Semaphore::new(0) });
    let proxy = Proxy::openai(&generous_provider(Arc::clone(&progress)).await).await;
    // The first request makes what is made once. It is read at once, so it does not stall.
    read_all(&mut slow_reader(&proxy).await).await;
    progress.sent.store(0, Ordering::Relaxed);
    let before = proxy.resident();
    let mut clients = Vec::new();
    for _ in 0..READERS {
        clients.push(slow_reader(&proxy).await);
    }
    let _ = progress.stalled.acquire_many(READERS as u32).await.unwrap();
    let total = FRAMES * FRAME;
    // What the kernel buffers on both ways is a few megabytes a stream.
    let on_the_way = progress.sent.load(Ordering::Relaxed);
    assert!(
        on_the_way < READERS * total / 4 * 3,
        "{on_the_way} of {} bytes were read ahead",
        READERS * total
    );
    let grown = proxy.resident().saturating_sub(before);
    assert!(grown < (READERS as u64) * (4 << 20), "{grown} bytes more");
    for mut client in clients {
        assert!(read_all(&mut client).await >= total);
    }
}
