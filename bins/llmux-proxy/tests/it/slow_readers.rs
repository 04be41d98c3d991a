//! Clients that read slowly, over HTTP/1.1 and HTTP/2.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::Semaphore,
    time::timeout,
};

use crate::proxy::{Answer, Proxy, streamed};

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

#[tokio::test]
async fn pain_02_slow_readers_of_one_http2_connection_hold_back_their_providers_and_nobody_else() {
    let progress = Arc::new(Progress { sent: AtomicUsize::new(0), stalled: Semaphore::new(0) });
    let mut proxy = Proxy::openai(&generous_provider(Arc::clone(&progress)).await).await;
    proxy.client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .http2_initial_stream_window_size(FRAME as u32)
        .http2_initial_connection_window_size((2 * READERS * FRAME) as u32)
        .build()
        .unwrap();
    let body = streamed("model");
    let total = FRAMES * FRAME;
    let read = async |response| {
        let answer = Answer::read(response).await;
        assert!(answer.text.len() >= total && answer.text.ends_with("data: [DONE]\n\n"));
    };
    read(proxy.post("/v1/chat/completions", &body).send().await.unwrap()).await;
    progress.sent.store(0, Ordering::Relaxed);
    let before = proxy.resident();
    let mut responses = Vec::new();
    for _ in 0..READERS {
        let mut response = proxy.post("/v1/chat/completions", &body).send().await.unwrap();
        assert!(response.chunk().await.unwrap().is_some());
        responses.push(response);
    }
    let _ = progress.stalled.acquire_many(READERS as u32).await.unwrap();
    let on_the_way = progress.sent.load(Ordering::Relaxed);
    assert!(
        on_the_way < READERS * total / 4 * 3,
        "{on_the_way} of {} bytes were read ahead",
        READERS * total
    );
    let grown = proxy.resident().saturating_sub(before);
    assert!(grown < (READERS as u64) * (4 << 20), "{grown} bytes more");
    assert_eq!(Answer::of(proxy.get("/health/liveness")).await.status, 200);
    for response in responses {
        read(response).await;
    }
}
