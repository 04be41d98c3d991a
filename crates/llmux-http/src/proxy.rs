//! Forward proxies on the way to providers.

use http::{HeaderValue, Uri, uri::Scheme};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use llmux_core::{Error, ErrorKind, Result};

/// Which requests go through a forward proxy, by the rules of the usual variables `HTTP_PROXY`, `HTTPS_PROXY`
/// and `NO_PROXY`. A proxy's URL may hold a user and a password; it is never shown.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Proxies {
    http: String,
    https: String,
    no: String,
}

impl Proxies {
    /// No proxies.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The proxy for `http` URLs, itself reached over plain HTTP.
    #[must_use]
    pub fn http(mut self, url: impl Into<String>) -> Self {
        self.http = url.into();
        self
    }

    /// The proxy for `https` URLs, itself reached over plain HTTP: requests pass it in a tunnel.
    #[must_use]
    pub fn https(mut self, url: impl Into<String>) -> Self {
        self.https = url.into();
        self
    }

    /// Hosts that are called directly: names, which include their subdomains, addresses and networks,
    /// separated by commas; `*` for all.
    #[must_use]
    pub fn except(mut self, hosts: impl Into<String>) -> Self {
        self.no = hosts.into();
        self
    }

    /// The matcher for these rules; `None` when nothing goes through a proxy.
    pub(crate) fn matcher(self) -> Result<Option<Matcher>> {
        if self.http.is_empty() && self.https.is_empty() {
            return Ok(None);
        }
        for url in [&self.http, &self.https] {
            check(url)?;
        }
        Ok(Some(Matcher::builder().http(self.http).https(self.https).no(self.no).build()))
    }
}

/// Refuses what the matcher would leave out silently. The URL may hold a password, so it is not repeated.
fn check(url: &str) -> Result<()> {
    let refuse = |message: &str| Err(Error::new(ErrorKind::InvalidRequest, message));
    if url.is_empty() {
        return Ok(());
    }
    let complete = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let Ok(uri) = complete.parse::<Uri>() else { return refuse("a proxy's URL cannot be read") };
    match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTP => Ok(()),
        _ => refuse("a proxy must be reached over plain HTTP: http://host:port"),
    }
}

/// The credentials for a request that a proxy reads itself: those to `http` URLs.
pub(crate) fn authorization(matcher: &Matcher, uri: &Uri) -> Option<HeaderValue> {
    let plain = uri.scheme() == Some(&Scheme::HTTP);
    plain.then(|| matcher.intercept(uri)).flatten().as_ref().and_then(Intercept::basic_auth).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_that_cannot_be_used_is_refused_without_showing_it() {
        for url in
            ["https://user:secret@proxy:3128", "socks5://user:secret@proxy", "http://user:secret@ proxy"]
        {
            let error = Proxies::new().https(url).matcher().err().unwrap();
            assert!(!format!("{error:?}").contains("secret"), "{url}");
        }
    }

    #[test]
    fn exceptions_are_called_directly() {
        let proxies = Proxies::new().https("proxy:3128").except("internal.example, 10.0.0.0/8");
        let matcher = proxies.matcher().unwrap().unwrap();
        let intercepted = |url: &str| matcher.intercept(&url.parse().unwrap()).is_some();
        assert!(intercepted("https://api.example.com/"));
        assert!(!intercepted("https://a.internal.example/"));
        assert!(!intercepted("https://10.1.2.3/"));
        assert!(!intercepted("http://api.example.com/"));
    }

    #[test]
    fn without_proxies_there_is_nothing_to_match() {
        assert!(Proxies::new().except("*").matcher().unwrap().is_none());
    }
}
