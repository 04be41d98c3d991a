//! Where requests of one deployment go: prepared URLs and headers, so that a request only clones them.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Uri,
    header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE},
    uri::PathAndQuery,
};
use llmux_core::{Error, ErrorKind, ExposeSecret, ProviderSettings, Result, SecretString};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The base URL and the headers of a deployment.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    base: String,
    headers: HeaderMap,
}

impl Target {
    /// A target at `base`, with the deployment's own headers.
    pub(crate) fn new(base: &str, settings: &ProviderSettings) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // Answers are watched or translated as they pass; unpacking them first would cost more than it saves.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.extend(settings.headers.clone());
        Self { base: base.trim_end_matches('/').to_owned(), headers }
    }

    /// The base URL without query or credentials.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Adds a header unless the deployment's settings have it already.
    pub(crate) fn header(&mut self, name: HeaderName, value: &str) -> Result<()> {
        if !self.headers.contains_key(&name) {
            let value = HeaderValue::from_str(value)
                .map_err(|_| setting(name.as_str(), "is not a valid header value"))?;
            self.headers.insert(name, value);
        }
        Ok(())
    }

    /// Adds the key; `scheme` is the word before it, if any.
    pub(crate) fn key(&mut self, name: HeaderName, scheme: &str, key: &SecretString) -> Result<()> {
        if self.headers.contains_key(&name) {
            return Ok(());
        }
        let key = key.expose_secret().trim();
        let text = if scheme.is_empty() { key.to_owned() } else { format!("{scheme} {key}") };
        let mut value =
            HeaderValue::from_str(&text).map_err(|_| setting("api_key", "holds characters no key has"))?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(())
    }

    /// Adds the key as a bearer token.
    pub(crate) fn bearer(&mut self, key: &SecretString) -> Result<()> {
        self.key(AUTHORIZATION, "Bearer", key)
    }

    /// The URL of a path below the base.
    pub(crate) fn uri(&self, path: &str) -> Result<Uri> {
        // A base that was given with the version, or with the whole path, is understood too.
        let path = match path.strip_prefix("/v1") {
            Some(rest) if self.base.ends_with("/v1") => rest,
            _ => path,
        };
        let url = if self.base.ends_with(path) { self.base.clone() } else { format!("{}{path}", self.base) };
        let uri: Uri = url.parse().map_err(|_| setting("api_base", "is not a valid URL"))?;
        match uri.scheme_str() {
            Some("http" | "https") => Ok(uri),
            _ => Err(setting("api_base", "must begin with http:// or https://")),
        }
    }

    /// Sends a client's own request here: to its path below the base, with the deployment's headers over its own. Its
    /// content type stays. A version that the base ends in is not repeated.
    pub(crate) fn relay(&self, mut head: Request<()>) -> Result<Request<()>> {
        let path = head.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        let version = self.base.rsplit('/').next().filter(|last| is_version(last));
        let below = version.and_then(|version| path.strip_prefix('/')?.strip_prefix(version));
        let path = below.filter(|rest| rest.is_empty() || rest.starts_with(['/', '?'])).unwrap_or(path);
        let uri: Uri = format!("{}{path}", self.base).parse().map_err(|_| {
            Error::client(ErrorKind::InvalidRequest, "the path cannot stand in a URL of the provider")
        })?;
        *head.uri_mut() = uri;
        for (name, value) in self.headers.iter().filter(|(name, _)| *name != CONTENT_TYPE) {
            head.headers_mut().insert(name, value.clone());
        }
        Ok(head)
    }

    /// The URL of a path below the base, with a query.
    pub(crate) fn query(&self, path: &str, query: &[(String, String)]) -> Result<Uri> {
        let pairs = query.iter().map(|(name, value)| format!("{}={}", segment(name), segment(value)));
        let url = format!("{}?{}", self.uri(path)?, pairs.collect::<Vec<_>>().join("&"));
        url.parse().map_err(|_| {
            Error::client(ErrorKind::InvalidRequest, "the request's fields cannot stand in a URL")
        })
    }

    /// A request for what is at `uri`.
    pub(crate) fn get(&self, uri: &Uri) -> Request<Bytes> {
        let mut request = self.post(uri, Bytes::new());
        *request.method_mut() = Method::GET;
        request.headers_mut().remove(CONTENT_TYPE);
        request
    }

    /// A request for what is at a URL that the provider has told. Its own hosts, which are that of the base and
    /// those below the domains of `own`, get the key; others are asked without, and over TLS only.
    pub(crate) fn follow(&self, url: &str, own: &[&str]) -> Result<Request<Bytes>> {
        let bad = || Error::upstream(ErrorKind::BadReply, "the provider names an address that is none");
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let base: Uri = self.base.parse().map_err(|_| bad())?;
        let https = uri.scheme_str() == Some("https");
        let host = uri.host().ok_or_else(bad)?;
        let below = own.iter().any(|domain| {
            host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        });
        if (uri.scheme(), uri.authority()) == (base.scheme(), base.authority()) || (https && below) {
            return Ok(self.get(&uri));
        }
        if !https {
            return Err(bad());
        }
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = uri;
        Ok(request)
    }

    /// A request to `uri`.
    pub(crate) fn post(&self, uri: &Uri, body: Bytes) -> Request<Bytes> {
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// What a segment of a path keeps as it is (RFC 3986, section 3.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as one segment of a path, or as a part of a query.
pub(crate) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Whether a segment of a path is a version, such as `v1` or `v1beta`.
fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()))
}

/// An error about a deployment's setting.
pub(crate) fn setting(name: &str, problem: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, format!("`{name}` {problem}")).with_param(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(base: &str, path: &str) -> String {
        Target::new(base, &ProviderSettings::default()).uri(path).unwrap().to_string()
    }

    #[test]
    fn a_base_url_may_end_in_a_slash_the_version_or_the_whole_path() {
        for base in ["https://a.b", "https://a.b/", "https://a.b/v1", "https://a.b/v1/messages"] {
            assert_eq!(uri(base, "/v1/messages"), "https://a.b/v1/messages", "{base}");
        }
        assert_eq!(uri("https://a.b/x/v1", "/chat/completions"), "https://a.b/x/v1/chat/completions");
    }

    #[test]
    fn a_base_url_without_scheme_is_refused_by_name() {
        let error = Target::new("a.b", &ProviderSettings::default()).uri("/x").unwrap_err();
        assert_eq!(error.param(), Some("api_base"));
    }

    fn relayed(base: &str, path: &str) -> String {
        let head = Request::builder().uri(path).body(()).unwrap();
        Target::new(base, &ProviderSettings::default()).relay(head).unwrap().uri().to_string()
    }

    #[test]
    fn a_clients_own_path_is_put_below_the_base_without_repeating_its_version() {
        for (base, path, expected) in [
            ("https://a.b/v1", "/v1/files?limit=2", "https://a.b/v1/files?limit=2"),
            ("https://a.b/v1", "/files", "https://a.b/v1/files"),
            ("https://a.b/v1", "/v1beta/x", "https://a.b/v1/v1beta/x"),
            ("https://a.b/x/v1beta", "/v1beta?a=b", "https://a.b/x/v1beta?a=b"),
            ("https://a.b", "/v1/files", "https://a.b/v1/files"),
            ("https://a.b/vault", "/vault/x", "https://a.b/vault/vault/x"),
        ] {
            assert_eq!(relayed(base, path), expected);
        }
    }

    #[test]
    fn a_relayed_request_keeps_its_content_type_and_gets_the_deployments_headers() {
        let mut target = Target::new("https://a.b", &ProviderSettings::default());
        target.bearer(&SecretString::from("sk-up")).unwrap();
        let head =
            Request::post("/x").header("content-type", "audio/mpeg").header("x-own", "1").body(()).unwrap();
        let sent = target.relay(head).unwrap();
        assert_eq!(
            (sent.method(), &sent.headers()["content-type"]),
            (&Method::POST, &"audio/mpeg".parse().unwrap())
        );
        assert_eq!(
            (&sent.headers()["authorization"], &sent.headers()["x-own"]),
            (&"Bearer sk-up".parse().unwrap(), &"1".parse().unwrap())
        );
    }

    #[test]
    fn the_key_is_never_shown() {
        let mut target = Target::new("https://a.b", &ProviderSettings::default());
        target.bearer(&SecretString::from("sk-canary")).unwrap();
        assert!(!format!("{target:?}").contains("canary"));
    }
}
