//! A server with a handler that does what the path says, and a client that shows the bytes.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Frame, Incoming};
use llmux_gateway::server::{Handler, Peer, Server, ServerOptions, discard_body, read_body};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// Bytes that `/body` takes.
pub(crate) const LIMIT: usize = 1 << 16;

/// A free port, and no limit that a test could run into by being slow.
pub(crate) fn options() -> ServerOptions {
    let mut options = ServerOptions::default();
    options.port = 0;
    options.header_timeout = Duration::from_secs(600);
    options.idle_timeout = Duration::from_secs(600);
    options.drain_timeout = Duration::from_secs(600);
    options
}

/// What the handler tells the test.
pub(crate) enum News {
    Begun,
    Ended,
    Stream(Frames),
    Body(llmux_core::Result<usize>),
}

/// A running server.
pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<llmux_core::Result<usize>>,
    news: UnboundedReceiver<News>,
}

impl Stage {
    pub(crate) fn start(options: ServerOptions) -> Self {
        Self::serve(Server::bind(options).unwrap())
    }

    pub(crate) fn serve(server: Server) -> Self {
        let (tell, news) = unbounded_channel();
        let (address, shutdown) = (server.local_addr(), CancellationToken::new());
        let task = tokio::spawn(server.run(Arc::new(ByPath { tell }), shutdown.clone()));
        Self { address, shutdown, task, news }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.address).await
    }

    async fn next(&mut self) -> News {
        self.news.recv().await.unwrap()
    }

    /// `/wait` has been asked.
    pub(crate) async fn begun(&mut self) {
        assert!(matches!(self.next().await, News::Begun));
    }

    /// The answer to `/wait` is not wanted any more.
    pub(crate) async fn ended(&mut self) {
        assert!(matches!(self.next().await, News::Ended));
    }

    /// `/stream` has been asked; the frames that are put in are its answer.
    pub(crate) async fn stream(&mut self) -> Frames {
        let News::Stream(frames) = self.next().await else { panic!("no stream has begun") };
        frames
    }

    /// What `/body` read.
    pub(crate) async fn body(&mut self) -> llmux_core::Result<usize> {
        let News::Body(result) = self.next().await else { panic!("no body was read") };
        result
    }
}

struct ByPath {
    tell: UnboundedSender<News>,
}

struct TellEnd(UnboundedSender<News>);

impl Drop for TellEnd {
    fn drop(&mut self) {
        let _ = self.0.send(News::Ended);
    }
}

impl Handler for ByPath {
    type Body = Either<Full<Bytes>, Streamed>;

    async fn handle(&self, request: Request<Incoming>, peer: &Peer) -> Response<Self::Body> {
        let text = match request.uri().path() {
            "/hello" => "hello".to_owned(),
            "/peer" => format!("{} {}", peer.address, if peer.secure { "secure" } else { "plain" }),
            "/early" => {
                discard_body(request.into_body());
                return refuse(StatusCode::UNAUTHORIZED);
            }
            "/panic" => panic!("as asked"),
            "/wait" => {
                let _end = TellEnd(self.tell.clone());
                self.tell.send(News::Begun).unwrap();
                // The body is read, as by any handler that waits for a provider.
                let _ = request.into_body().collect().await;
                std::future::pending::<String>().await
            }
            "/stream" => {
                let (frames, source) = unbounded_channel();
                self.tell.send(News::Stream(Frames(frames))).unwrap();
                return Response::new(Either::Right(Streamed(source)));
            }
            path => return self.read(path.to_owned(), request.into_body()).await,
        };
        Response::new(Either::Left(Full::from(text)))
    }
}

impl ByPath {
    async fn read(&self, path: String, body: Incoming) -> Response<Either<Full<Bytes>, Streamed>> {
        let patience =
            if path == "/body/impatient" { Duration::from_millis(20) } else { Duration::from_secs(600) };
        let result = read_body(body, LIMIT, patience).await;
        let response = match &result {
            Ok(bytes) => Response::new(Either::Left(Full::from(bytes.clone()))),
            Err(error) => refuse(error.status()),
        };
        self.tell.send(News::Body(result.map(|bytes| bytes.len()))).unwrap();
        response
    }
}

fn refuse(status: StatusCode) -> Response<Either<Full<Bytes>, Streamed>> {
    let mut response = Response::new(Either::Left(Full::default()));
    *response.status_mut() = status;
    response
}

/// Where a test puts the frames of an answer.
pub(crate) struct Frames(UnboundedSender<&'static str>);

impl Frames {
    pub(crate) fn send(&self, text: &'static str) {
        self.0.send(text).unwrap();
    }

    /// The server has dropped the answer.
    pub(crate) async fn closed(&self) {
        self.0.closed().await;
    }
}

/// An answer that comes frame by frame.
pub(crate) struct Streamed(UnboundedReceiver<&'static str>);

impl Body for Streamed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|text| text.map(|text| Ok(Frame::data(Bytes::from_static(text.as_bytes())))))
    }
}

/// An HTTP/1.1 connection by hand.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    received: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), received: Vec::new() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.stream.local_addr().unwrap()
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    pub(crate) async fn close_sending_side(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Reads past the next `text` and gives everything up to there.
    pub(crate) async fn read_until(&mut self, text: &str) -> String {
        loop {
            let found = self.received.windows(text.len()).position(|window| window == text.as_bytes());
            if let Some(at) = found {
                let rest = self.received.split_off(at + text.len());
                return String::from_utf8(std::mem::replace(&mut self.received, rest)).unwrap();
            }
            let read = self.stream.read_buf(&mut self.received).await.unwrap();
            assert!(read > 0, "closed before {text:?}: {:?}", String::from_utf8_lossy(&self.received));
        }
    }

    /// Everything until the server closes the connection, in whatever way.
    pub(crate) async fn read_to_end(&mut self) -> String {
        while !matches!(self.stream.read_buf(&mut self.received).await, Ok(0) | Err(_)) {}
        String::from_utf8(std::mem::take(&mut self.received)).unwrap()
    }

    /// The next answer: its status and body. It must have a length.
    pub(crate) async fn answer(&mut self) -> (u16, String) {
        let head = self.read_until("\r\n\r\n").await;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.unwrap().parse().unwrap();
        while self.received.len() < length {
            assert!(self.stream.read_buf(&mut self.received).await.unwrap() > 0);
        }
        let rest = self.received.split_off(length);
        (status, String::from_utf8(std::mem::replace(&mut self.received, rest)).unwrap())
    }

    pub(crate) async fn get(&mut self, path: &str) -> (u16, String) {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: t\r\n\r\n")).await;
        self.answer().await
    }
}
