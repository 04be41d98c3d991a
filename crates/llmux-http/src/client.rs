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
use hyper_util::client::proxy::matcher::Matcher;
use llmux_core::{Result, Timeouts, Transport, TransportBody, TransportReply};
use rustls::pki_types::CertificateDer;

use crate::{
    Proxies, UrlPolicy,
    body::LimitedBody,
    connector::Connector,
    deadline::Deadlines,
    decode::{Coding, DecodedBody},
    failure::{self, Target},
    payload::Payload,
    pool::Pool,
    proxy,
    resolver::Resolver,
    tls,
};

/// Connections are dropped after so long without use: below what load balancers commonly allow, so that they
/// are seldom closed from the other side just as a request goes out.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// The [`Transport`] over the network: HTTP/1.1 and HTTP/2, plain and TLS, with a pool of open connections.
///
/// It adds nothing to a request but `host` and `accept-encoding: identity`, and follows no redirects. Answers
/// that are compressed nevertheless (gzip, deflate) are decompressed. Clones share the pool.
#[derive(Clone)]
pub struct HttpTransport {
    pool: Arc<Pool>,
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
        let pool = Pool::new(connector, self.idle_timeout, self.max_idle_per_host);
        Ok(HttpTransport { pool, policy: self.policy, proxies })
    }
}

impl HttpTransport {
    async fn exchange(&self, mut request: Request<Payload>, timeouts: Timeouts) -> Result<TransportReply> {
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
        let mut exchange = pin!(self.pool.send(request, timeouts.connect));
        let answer = poll_fn(|cx| match exchange.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(answer.map_err(|failed| failure::no_answer(&target, failed))),
            Poll::Pending => deadlines.poll(cx, &target).map(Err),
        });
        let (answer, lease) = answer.await?;
        let (mut head, body) = answer.into_parts();

        let body = LimitedBody::new(body, lease, deadlines, target);
        let body: TransportBody = match Coding::take(&mut head.headers) {
            None => Box::pin(body),
            Some(coding) => Box::pin(DecodedBody::new(body, coding)),
        };
        Ok(TransportReply::new(head.status, head.headers, body))
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Request<Bytes>, timeouts: Timeouts) -> Result<TransportReply> {
        self.exchange(request.map(|body| Payload::Whole(Full::new(body))), timeouts).await
    }

    async fn send_stream(
        &self,
        request: Request<TransportBody>,
        timeouts: Timeouts,
    ) -> Result<TransportReply> {
        self.exchange(request.map(Payload::Streamed), timeouts).await
    }
}
