//! Fetching images and documents that clients name by their address.

mod cache;

use std::{future::poll_fn, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};
use llmux_core::{Error, ErrorKind, FetchedMedia, MediaSource, Result, Timeouts, Transport, TransportReply};

use crate::{Builder, HttpTransport, UrlPolicy};
use cache::Cache;

/// Longest chain of redirects.
const MOST_HOPS: usize = 5;

/// What fetching may cost.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FetchLimits {
    /// Largest image or document, in bytes.
    pub size: usize,
    /// Time for one, redirects included.
    pub time: Duration,
    /// Most memory that remembered ones take, in bytes; 0 remembers none.
    pub cache: usize,
    /// Time for which one is remembered.
    pub cache_time: Duration,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            size: 20 << 20,
            time: Duration::from_secs(20),
            cache: 64 << 20,
            cache_time: Duration::from_secs(300),
        }
    }
}

/// Fetches from public addresses only, unless a host is trusted by name.
pub struct MediaFetcher {
    public: HttpTransport,
    /// For hosts that the operator trusts, wherever they are.
    trusted: Option<(HttpTransport, Vec<String>)>,
    limits: FetchLimits,
    cache: Cache,
}

impl MediaFetcher {
    /// A fetcher whose connections are as `builder` has them, but for the policy.
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn new(builder: Builder, limits: FetchLimits) -> Result<Self> {
        let cache = Cache::new(limits.cache, limits.cache_time);
        Ok(Self { public: builder.url_policy(UrlPolicy::PublicOnly).build()?, trusted: None, limits, cache })
    }

    /// Trusts these hosts, which may have addresses that are not public; `*` trusts all.
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn trusting(mut self, builder: Builder, hosts: Vec<String>) -> Result<Self> {
        self.trusted = Some((builder.url_policy(UrlPolicy::Trusted).build()?, hosts));
        Ok(self)
    }

    fn transport(&self, uri: &Uri) -> &HttpTransport {
        let host = uri.host().unwrap_or_default();
        let with_port = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
        let names =
            |known: &&String| *known == "*" || known.eq_ignore_ascii_case(host) || **known == with_port;
        match &self.trusted {
            Some((transport, hosts)) if hosts.iter().find(names).is_some() => transport,
            _ => &self.public,
        }
    }

    async fn follow(&self, url: &str) -> Result<(FetchedMedia, bool)> {
        let mut uri: Uri = url.parse().map_err(|_| wrong(None, "is not a valid URL"))?;
        for _ in 0..=MOST_HOPS {
            let reply = self.ask(&uri).await?;
            if let Some(next) = redirect(&reply, &uri)? {
                uri = next;
                continue;
            }
            if reply.status != StatusCode::OK {
                return Err(wrong(Some(&uri), &format!("answered {}", reply.status)));
            }
            let keeps = !forbids_storing(&reply.headers);
            return Ok((self.read(reply, &uri).await?, keeps));
        }
        Err(wrong(Some(&uri), "redirects too often"))
    }

    async fn ask(&self, uri: &Uri) -> Result<TransportReply> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = uri.clone();
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("image/*, application/pdf, */*;q=0.5"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static("llmux"));
        self.transport(uri).send(request, Timeouts::default()).await.map_err(|failed| {
            if failed.code() == Some("url_not_allowed") {
                return failed;
            }
            wrong(Some(uri), "cannot be reached")
        })
    }

    async fn read(&self, reply: TransportReply, uri: &Uri) -> Result<FetchedMedia> {
        let too_large = || wrong(Some(uri), &format!("is larger than {} bytes", self.limits.size));
        let TransportReply { headers, mut body, .. } = reply;
        if body.size_hint().lower() > self.limits.size as u64 {
            return Err(too_large());
        }
        let mut read = BytesMut::new();
        while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            let frame = frame.map_err(|_| wrong(Some(uri), "broke off"))?;
            let Ok(piece) = frame.into_data() else { continue };
            if read.len().saturating_add(piece.len()) > self.limits.size {
                return Err(too_large());
            }
            read.extend_from_slice(&piece);
        }
        let mime = media_type(&headers, &read)
            .ok_or_else(|| wrong(Some(uri), "is neither an image nor a document that models read"))?;
        Ok(FetchedMedia::new(mime, read.freeze()))
    }
}

#[async_trait]
impl MediaSource for MediaFetcher {
    async fn fetch(&self, url: &str) -> Result<FetchedMedia> {
        if let Some(known) = self.cache.get(url) {
            return Ok(known);
        }
        let (media, keeps) =
            tokio::time::timeout(self.limits.time, self.follow(url)).await.map_err(|_| {
                let uri = url.parse().ok();
                wrong(uri.as_ref(), &format!("did not come within {:?}", self.limits.time))
            })??;
        if keeps {
            self.cache.put(url, &media);
        }
        Ok(media)
    }
}

/// Where an answer leads on. From `https` it never leads to `http`.
fn redirect(reply: &TransportReply, from: &Uri) -> Result<Option<Uri>> {
    if !matches!(reply.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let wrong = || wrong(Some(from), "redirects to nowhere");
    let location =
        reply.headers.get(header::LOCATION).and_then(|value| value.to_str().ok()).ok_or_else(wrong)?;
    let next: Uri = location.parse().map_err(|_| wrong())?;
    let mut parts = next.into_parts();
    if parts.scheme.is_none() {
        // Relative to the directory only where the path says so: images are named absolutely.
        if !location.starts_with('/') {
            return Err(wrong());
        }
        (parts.scheme, parts.authority) = (from.scheme().cloned(), from.authority().cloned());
    }
    let next = Uri::from_parts(parts).map_err(|_| wrong())?;
    if from.scheme_str() == Some("https") && next.scheme_str() != Some("https") {
        return Err(wrong());
    }
    Ok(Some(next))
}

fn forbids_storing(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CACHE_CONTROL).into_iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .any(|word| matches!(word.trim().to_ascii_lowercase().as_str(), "no-store" | "private" | "no-cache"))
}

/// The media type: what the bytes show, else what the server says, if a model can read it.
fn media_type(headers: &HeaderMap, bytes: &[u8]) -> Option<String> {
    let shown = match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [b'%', b'P', b'D', b'F', ..] => Some("application/pdf"),
        _ => None,
    };
    if let Some(shown) = shown {
        return Some(shown.to_owned());
    }
    let said =
        headers.get(header::CONTENT_TYPE)?.to_str().ok()?.split(';').next()?.trim().to_ascii_lowercase();
    let known = ["image/", "audio/", "video/"].iter().any(|start| said.starts_with(start))
        || matches!(said.as_str(), "text/plain" | "text/csv" | "text/markdown" | "application/msword")
        || said.starts_with("application/vnd.openxmlformats-officedocument.");
    known.then_some(said)
}

/// The client's mistake; only the host is told, since paths and queries may hold keys.
fn wrong(uri: Option<&Uri>, what: &str) -> Error {
    let host = uri.and_then(Uri::host).unwrap_or("the address");
    Error::client(ErrorKind::InvalidRequest, format!("an image or document at `{host}` {what}"))
        .with_code("media_not_fetched")
}
