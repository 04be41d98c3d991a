//! Opening connections: directly or through a proxy, plain or with TLS.

use std::{
    error::Error as StdError,
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{Uri, uri::Scheme};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{
    client::{
        legacy::connect::{Connection, HttpConnector, proxy::Tunnel},
        proxy::matcher::{Intercept, Matcher},
    },
    rt::TokioIo,
};
use rustls::ClientConfig;
use tokio::{net::TcpStream, time};
use tower_service::Service;

use crate::resolver::Resolver;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;
type Secured = MaybeHttpsStream<TokioIo<TcpStream>>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// How long a connection may be silent before the kernel asks whether the other side is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Opens connections for the pool.
#[derive(Clone)]
pub(crate) struct Connector {
    tcp: HttpConnector<Resolver>,
    tls: Arc<ClientConfig>,
    proxies: Option<Arc<Matcher>>,
}

impl Connector {
    pub(crate) fn new(resolver: Resolver, tls: ClientConfig, proxies: Option<Arc<Matcher>>) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        Self { tcp, tls: Arc::new(tls), proxies }
    }

    /// Opens a connection, which has to stand within `limit`.
    pub(crate) async fn open_within(&self, uri: Uri, limit: Option<Duration>) -> Result<Stream, BoxError> {
        match limit {
            None => self.open(uri).await,
            Some(limit) => time::timeout(limit, self.open(uri)).await.map_err(|_| ConnectTimeout(limit))?,
        }
    }

    fn open(&self, uri: Uri) -> Connecting<Stream> {
        let proxy = self.proxies.as_ref().and_then(|proxies| proxies.intercept(&uri));
        let (secured, proxied) = match proxy {
            None => (HttpsConnector::from((self.tcp.clone(), Arc::clone(&self.tls))).call(uri), false),
            Some(proxy) if uri.scheme() == Some(&Scheme::HTTPS) => (self.tunnel(&proxy).call(uri), false),
            Some(proxy) => {
                let connecting = self.tcp.clone().call(proxy.uri().clone());
                let plain: Connecting<Secured> =
                    Box::pin(async move { Ok(MaybeHttpsStream::Http(connecting.await?)) });
                (plain, true)
            }
        };
        Box::pin(async move { Ok(Stream { inner: secured.await?, proxied }) })
    }

    fn tunnel(&self, proxy: &Intercept) -> HttpsConnector<Tunnel<HttpConnector<Resolver>>> {
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.tcp.clone());
        if let Some(credentials) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(credentials.clone());
        }
        HttpsConnector::from((tunnel, Arc::clone(&self.tls)))
    }
}

/// The connection was not open in time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectTimeout(pub(crate) Duration);

impl fmt::Display for ConnectTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no connection within {:?}", self.0)
    }
}

impl StdError for ConnectTimeout {}

/// An open connection.
pub(crate) struct Stream {
    inner: Secured,
    /// Whether requests on it are read by a proxy, which wants whole URLs.
    proxied: bool,
}

impl Stream {
    /// Whether a proxy reads the requests on it.
    pub(crate) fn is_proxied(&self) -> bool {
        self.proxied
    }

    /// Whether both sides have agreed on HTTP/2.
    pub(crate) fn is_http2(&self) -> bool {
        self.inner.connected().is_negotiated_h2()
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, pieces)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::{policy::UrlPolicy, tls};

    #[tokio::test]
    async fn small_writes_are_sent_without_waiting_for_more() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let resolver = Resolver::new(HashMap::new(), UrlPolicy::Trusted);
        let connector = Connector::new(resolver, tls::config(Vec::new(), true).unwrap(), None);
        let uri = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let MaybeHttpsStream::Http(socket) = connector.open(uri).await.unwrap().inner else {
            panic!("a plain connection")
        };
        assert!(socket.inner().nodelay().unwrap());
    }
}
