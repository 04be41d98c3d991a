//! The pooled client.

use std::{
    collections::HashMap, future::poll_fn, net::SocketAddr, path::Path, pin::pin, sync::Arc, task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{
    HeaderValue, Request,
    header::{ACCEPT_ENCODING, PROXY_AUTHORIZATION},
};
use http_body_util::Full;
use hyper_util::{
    client::{legacy::Client, proxy::matcher::Matcher},
    rt::{TokioExecutor, TokioTimer},
};
use llmux_core::{Result, Timeouts, Transport, TransportBody, TransportReply};
use rustls::pki_types::CertificateDer;

use crate::{
    Proxies, UrlPolicy,
    body::LimitedBody,
    connector::{CONNECT_LIMIT, Connector},
    deadline::Deadlines,
    decode::{Coding, DecodedBody},
    failure::{self, Target},
    proxy,
    resolver::Resolver,
    tls,
};

/// Connections are dropped after so long without use: below what load balancers commonly allow, so that they
/// are seldom closed from the other side just as a request goes out.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// HTTP/2: what one stream may send ahead of its reader, in bytes.
const STREAM_WINDOW: u32 = 256 << 10;
/// HTTP/2: what all streams of a connection may send ahead of their readers, in bytes.
const CONNECTION_WINDOW: u32 = 4 << 20;
/// HTTP/2: how often a connection with open streams is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// The [`Transport`] over the network: HTTP/1.1 and HTTP/2, plain and TLS, with a pool of open connections.
///
/// It adds nothing to a request but `host` and `accept-encoding: identity`, and follows no redirects. Answers
/// that are compressed nevertheless (gzip, deflate) are decompressed. Clones share the pool.
#[derive(Clone)]
pub struct HttpTransport {
    client: Client<Connector, Full<Bytes>>,
    policy: UrlPolicy,
    proxies: Option<Arc<Matcher>>,
}

impl HttpTransport {
    /// Starts from the defaults: all URLs trusted, the operating system's roots, no proxies, HTTP/2 where the
    /// provider offers it over TLS, idle connections kept for 50 seconds.
    pub fn builder() -> Builder {
        Builder {
            max_idle_per_host: usize::MAX,
            idle_timeout: IDLE_TIMEOUT,
            http2: true,
            policy: UrlPolicy::default(),
            proxies: Proxies::new(),
            roots: Vec::new(),
            fixed: HashMap::new(),
        }
    }
}

/// Puts an [`HttpTransport`] together.
#[must_use]
pub struct Builder {
    max_idle_per_host: usize,
    idle_timeout: Duration,
    http2: bool,
    policy: UrlPolicy,
    proxies: Proxies,
    roots: Vec<CertificateDer<'static>>,
    fixed: HashMap<String, Vec<SocketAddr>>,
}

impl Builder {
    /// How many unused connections are kept to one host; unbounded unless set.
    pub fn max_idle_per_host(mut self, connections: usize) -> Self {
        self.max_idle_per_host = connections;
        self
    }

    /// How long an unused connection is kept.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Whether HTTP/2 is offered to TLS servers.
    pub fn http2(mut self, offered: bool) -> Self {
        self.http2 = offered;
        self
    }

    /// Which destinations may be called.
    pub fn url_policy(mut self, policy: UrlPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Which requests go through a forward proxy.
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Trusts the certificates in a PEM file too, besides the operating system's.
    ///
    /// # Errors
    /// When the file cannot be read or holds no certificate.
    pub fn ca_file(mut self, path: impl AsRef<Path>) -> Result<Self> {
        self.roots.extend(tls::read_certificates(path.as_ref())?);
        Ok(self)
    }

    /// Connects to these addresses for this host instead of asking the resolver. A port of 0 means the URL's.
    pub fn resolve(mut self, host: impl Into<String>, addresses: Vec<SocketAddr>) -> Self {
        self.fixed.insert(host.into(), addresses);
        self
    }

    /// Makes the transport. No connection is opened yet.
    ///
    /// # Errors
    /// When a proxy or a root certificate cannot be used.
    pub fn build(self) -> Result<HttpTransport> {
        let proxies = self.proxies.matcher()?.map(Arc::new);
        let resolver = Resolver::new(self.fixed, self.policy);
        let connector = Connector::new(resolver, tls::config(self.roots, self.http2)?, proxies.clone());
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(self.idle_timeout)
            .pool_max_idle_per_host(self.max_idle_per_host)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .http2_keep_alive_interval(PING_INTERVAL)
            .build(connector);
        Ok(HttpTransport { client, policy: self.policy, proxies })
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, mut request: Request<Bytes>, timeouts: Timeouts) -> Result<TransportReply> {
        self.policy.check(request.uri())?;
        let target = Target::of(request.uri());
        let proxy_credentials =
            self.proxies.as_ref().and_then(|proxies| proxy::authorization(proxies, request.uri()));
        let headers = request.headers_mut();
        headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
        if let Some(credentials) = proxy_credentials {
            headers.insert(PROXY_AUTHORIZATION, credentials);
        }

        let mut deadlines = Deadlines::new(timeouts);
        let exchange = CONNECT_LIMIT.scope(timeouts.connect, self.client.request(request.map(Full::new)));
        let mut exchange = pin!(exchange);
        let answer = poll_fn(|cx| match exchange.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(answer.map_err(|error| failure::no_answer(&target, error))),
            Poll::Pending => deadlines.poll(cx, &target).map(Err),
        });
        let (mut head, body) = answer.await?.into_parts();

        let body = LimitedBody::new(body, deadlines, target);
        let body: TransportBody = match Coding::take(&mut head.headers) {
            None => Box::pin(body),
            Some(coding) => Box::pin(DecodedBody::new(body, coding)),
        };
        Ok(TransportReply::new(head.status, head.headers, body))
    }
}
