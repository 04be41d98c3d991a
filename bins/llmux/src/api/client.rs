//! Requests to one server.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Response, Url};
use secrecy::{ExposeSecret, SecretString};

use super::ApiError;

/// Which server to talk to, and as whom.
#[derive(Debug, clap::Args)]
pub(crate) struct Endpoint {
    /// The server: its address alone, or the base URL of its API (`https://host/openai/v1`).
    #[arg(long, env = "LLMUX_URL", default_value = "http://127.0.0.1:4000")]
    pub(crate) url: Url,

    /// The key to present as bearer token.
    #[arg(long, env = "LLMUX_API_KEY", hide_env_values = true, value_parser = secret)]
    pub(crate) key: Option<SecretString>,
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// For a connection.
    pub(crate) connect: Duration,
    /// For the next bytes of an answer, its first included.
    pub(crate) idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), idle: Duration::from_secs(600) }
    }
}

/// A client of one server that keeps its connections.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    root: String,
}

impl Client {
    /// Prepares a client; nothing is sent.
    pub(crate) fn new(endpoint: &Endpoint, timeouts: Timeouts) -> anyhow::Result<Self> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &endpoint.key {
            let mut bearer = HeaderValue::try_from(format!("Bearer {}", key.expose_secret()))
                .context("the key has characters that no HTTP header can carry")?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("llmux/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(timeouts.connect)
            .read_timeout(timeouts.idle);
        if is_loopback(&endpoint.url) {
            // A proxy of the surroundings cannot reach what runs on this machine.
            builder = builder.no_proxy();
        }
        let http = builder.build().context("cannot set up the HTTP client")?;
        Ok(Self { http, root: api_root(&endpoint.url)? })
    }

    /// The full URL of an API path such as `/models`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    /// Gets `path`; any status but a 2xx is an error.
    pub(crate) async fn get(&self, path: &str) -> Result<Response, ApiError> {
        ApiError::check(self.http.get(self.url(path)).send().await?).await
    }

    /// Posts a JSON body to `path`; any status but a 2xx is an error.
    pub(crate) async fn post(&self, path: &str, body: Bytes) -> Result<Response, ApiError> {
        let request = self.http.post(self.url(path)).header(CONTENT_TYPE, "application/json").body(body);
        ApiError::check(request.send().await?).await
    }
}

fn secret(text: &str) -> Result<SecretString, Infallible> {
    Ok(SecretString::from(text))
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The URL that API paths are appended to: an address alone gets `/v1`, any other path stands as it is.
fn api_root(url: &Url) -> anyhow::Result<String> {
    if !matches!(url.scheme(), "http" | "https") {
        bail!("`{url}` is not an http or https URL");
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/chat/completions").unwrap_or(path);
    let mut root = url.clone();
    root.set_query(None);
    root.set_fragment(None);
    root.set_path(if path.is_empty() { "/v1" } else { path });
    Ok(root.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(url: &str) -> String {
        api_root(&url.parse().unwrap()).unwrap()
    }

    #[test]
    fn an_address_alone_gets_v1() {
        assert_eq!(root("http://127.0.0.1:4000"), "http://127.0.0.1:4000/v1");
        assert_eq!(root("http://127.0.0.1:4000/"), "http://127.0.0.1:4000/v1");
    }

    #[test]
    fn a_path_stands_as_it_is() {
        assert_eq!(root("https://host/openai/v1/"), "https://host/openai/v1");
        assert_eq!(root("https://host/v1/chat/completions"), "https://host/v1");
        assert_eq!(root("https://host/api?x=1#y"), "https://host/api");
    }

    #[test]
    fn only_http_urls_are_taken() {
        assert!(api_root(&"ftp://host/".parse().unwrap()).is_err());
    }

    #[test]
    fn loopback_is_known_by_name_and_number() {
        let is = |url: &str| is_loopback(&url.parse().unwrap());
        assert!(is("http://localhost:4000") && is("http://127.0.0.9") && is("http://[::1]:4000"));
        assert!(!is("http://192.0.2.1") && !is("https://example.com"));
    }
}
