//! The listener: accepts connections, serves HTTP/1.1 and HTTP/2 on them, and ends without losing a request.
//!
//! What a request means is the business of a [`Handler`]; this module only moves bytes, within limits.
//!
//! ```
//! use std::sync::Arc;
//!
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use hyper::body::Incoming;
//! use llmux_gateway::server::{Handler, Peer, Server, ServerOptions};
//! use tokio_util::sync::CancellationToken;
//!
//! struct Hello;
//!
//! impl Handler for Hello {
//!     type Body = Full<Bytes>;
//!
//!     async fn handle(&self, _request: Request<Incoming>, peer: &Peer) -> Response<Self::Body> {
//!         Response::new(Full::from(format!("hello, {}", peer.address)))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> llmux_core::Result<()> {
//! let mut options = ServerOptions::default();
//! options.port = 0;
//! let server = Server::bind(options)?;
//! println!("listening on {}", server.local_addr());
//!
//! let shutdown = CancellationToken::new();
//! # shutdown.cancel();
//! let cut = server.run(Arc::new(Hello), shutdown).await?;
//! assert_eq!(cut, 0);
//! # Ok(())
//! # }
//! ```

mod activity;
mod body;
mod connection;
mod drain;
mod listener;
mod options;
mod tls;

use std::{
    error::Error as StdError,
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use llmux_core::{Error, ErrorKind, Result};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use body::{broke_off, next_piece, silent, too_large};
pub use body::{discard_body, read_body};
pub use options::{ServerOptions, TlsFiles};
pub use tls::Certificates;

use connection::Connections;

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// The body of an answer. Each of its frames is sent as soon as it is there.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn StdError + Send + Sync>>> + Send + 'static;

    /// Answers one request.
    ///
    /// When the client goes away, this future, or the body that came of it, is dropped at once. A panic ends the
    /// connection (HTTP/1) or the stream (HTTP/2) and nothing else.
    fn handle(
        &self,
        request: Request<Incoming>,
        peer: &Peer,
    ) -> impl Future<Output = Response<Self::Body>> + Send;
}

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// Its address; IPv4 addresses are never shown in IPv6 form.
    pub address: SocketAddr,
    /// Whether the connection is encrypted.
    pub secure: bool,
}

impl Peer {
    /// A client at `address`, connected by TLS if `secure`.
    #[must_use]
    pub fn new(address: SocketAddr, secure: bool) -> Self {
        Self { address: SocketAddr::new(address.ip().to_canonical(), address.port()), secure }
    }
}

/// A listener that is ready to serve.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    options: ServerOptions,
    certificates: Option<Certificates>,
}

impl Server {
    /// Opens the listener that `options` describe and reads the certificate.
    ///
    /// # Errors
    ///
    /// Names the address that cannot be listened on, or the file that cannot be used.
    pub fn bind(options: ServerOptions) -> Result<Self> {
        let certificates = options.tls.clone().map(Certificates::read).transpose()?;
        let listener = listener::open(&options)?;
        Self::assemble(listener, options, certificates)
    }

    /// Takes a listener that is open already; `host` and `port` of `options` are ignored.
    ///
    /// # Errors
    ///
    /// If the listener is unusable, or a certificate file is.
    pub fn with_listener(listener: TcpListener, options: ServerOptions) -> Result<Self> {
        let certificates = options.tls.clone().map(Certificates::read).transpose()?;
        Self::assemble(listener, options, certificates)
    }

    fn assemble(
        listener: TcpListener,
        options: ServerOptions,
        certificates: Option<Certificates>,
    ) -> Result<Self> {
        let prepared = listener.set_nonblocking(true).and_then(|()| listener.local_addr());
        let address = prepared.map_err(|error| unusable(&error))?;
        listener::watch_for_dead_peers(&listener);
        Ok(Self { listener, address, options, certificates })
    }

    /// The address that is listened on, with the real port.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The certificates in use, to reload them while the server runs; `None` without TLS.
    #[must_use]
    pub fn certificates(&self) -> Option<Certificates> {
        self.certificates.clone()
    }

    /// Serves until `shutdown` is cancelled. Then no connection is accepted any more, requests that run may end
    /// within the drain timeout, and the rest is cut. Gives the number of requests that were cut.
    ///
    /// # Errors
    ///
    /// If the runtime cannot watch the listener.
    pub async fn run<H: Handler>(self, handler: Arc<H>, shutdown: CancellationToken) -> Result<usize> {
        let listener = tokio::net::TcpListener::from_std(self.listener).map_err(|error| unusable(&error))?;
        let places = Arc::new(Semaphore::new(self.options.places()));
        let drain_timeout = self.options.drain_timeout;
        let connections = Arc::new(Connections::new(handler, &self.options, self.certificates));
        let tasks = TaskTracker::new();
        let accepting = async {
            loop {
                // Clients beyond the limit wait in the kernel's queue, where they cost nothing.
                let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
                let (stream, address) = listener::accept(&listener).await;
                let connections = Arc::clone(&connections);
                tasks.spawn(async move {
                    connections.serve(stream, address).await;
                    drop(place);
                });
            }
        };
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            () = accepting => {}
        }
        drop(listener);
        tasks.close();
        Ok(connections.drain(&tasks, drain_timeout).await)
    }
}

fn unusable(error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("the listener cannot be used: {error}"))
}
