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
        legacy::connect::{Connected, Connection, HttpConnector, proxy::Tunnel},
        proxy::matcher::{Intercept, Matcher},
    },
    rt::TokioIo,
};
use rustls::ClientConfig;
use tokio::{net::TcpStream, time};
use tower_service::Service;

use crate::resolver::Resolver;

type BoxError = Box<dyn StdError + Send + Sync>;
type Secured = MaybeHttpsStream<TokioIo<TcpStream>>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// How long a connection may be silent before the kernel asks whether the other side is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);

tokio::task_local! {
    /// The time that the request being polled grants for opening a connection. The client below offers no way
    /// to hand such a value to its connector, and calls it while the request's future is polled.
    pub(crate) static CONNECT_LIMIT: Option<Duration>;
}

/// Opens connections for the client's pool.
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

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Connecting<Stream>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let opening = self.open(uri);
        match CONNECT_LIMIT.try_with(|limit| *limit).ok().flatten() {
            None => opening,
            Some(limit) => {
                Box::pin(
                    async move { time::timeout(limit, opening).await.map_err(|_| ConnectTimeout(limit))? },
                )
            }
        }
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

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.inner.connected().proxy(self.proxied)
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
