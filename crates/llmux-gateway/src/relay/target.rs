//! Where a path of the operator's own leads: address and query.

use http::Uri;
use llmux_core::{Error, ErrorKind, Result};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};

use super::path;

/// A configured address. What a client sends can only stand below its path and in its query.
#[derive(Debug)]
pub(super) struct Target {
    /// Scheme, host and path, without a slash at the end.
    base: String,
    /// The target's own query.
    fixed: Vec<String>,
    /// Parameters that a client may leave out.
    defaults: Vec<String>,
    /// A client's parameter replaces a fixed one of the same name.
    merge: bool,
}

impl Target {
    /// An address with its query.
    ///
    /// # Errors
    /// When it is no `http` or `https` address.
    pub(super) fn new(address: &str, defaults: &Map<String, Value>, merge: bool) -> Result<Self> {
        let wrong = || Error::new(ErrorKind::InvalidRequest, "is not an address").with_param("target");
        let uri: Uri = address.trim().parse().map_err(|_| wrong())?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), authority) else {
            return Err(wrong());
        };
        let base = format!("{scheme}://{authority}{}", uri.path().trim_end_matches('/'));
        let fixed = uri.query().map(pairs).unwrap_or_default();
        Ok(Self { base, fixed, defaults: defaults.iter().map(default).collect(), merge })
    }

    /// The address, without query.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// The address for a request; `below` is empty or begins with `/`. `keyed` says that `key` in the query is the
    /// gateway's.
    ///
    /// # Errors
    /// 400 when the path could lead elsewhere.
    pub(super) fn uri(&self, below: &str, query: Option<&str>, keyed: bool) -> Result<Uri> {
        if !below.is_empty() {
            path::check_through(below)?;
        }
        let query = match keyed {
            true => query.map(path::without_key),
            false => query.map(str::to_owned),
        };
        let mut sent = pairs(query.as_deref().unwrap_or_default());
        let has = |list: &[String], pair: &str| list.iter().any(|other| name(other) == name(pair));
        let mut all: Vec<String> = Vec::new();
        if self.merge {
            all.extend(self.fixed.iter().filter(|pair| !has(&sent, pair)).cloned());
        } else {
            sent.retain(|pair| !has(&self.fixed, pair));
            all.extend(self.fixed.iter().cloned());
        }
        let missing = self.defaults.iter().filter(|pair| !has(&sent, pair) && !has(&self.fixed, pair));
        all.extend(missing.cloned());
        all.extend(sent);
        let mut uri = format!("{}{below}", self.base);
        if !all.is_empty() {
            uri.push('?');
            uri.push_str(&all.join("&"));
        }
        uri.parse().map_err(|_| path::refused())
    }
}

fn pairs(query: &str) -> Vec<String> {
    query.split('&').filter(|pair| !pair.is_empty()).map(str::to_owned).collect()
}

/// The decoded name of a parameter.
fn name(pair: &str) -> String {
    let name = pair.split('=').next().unwrap_or_default();
    percent_decode_str(name).decode_utf8_lossy().into_owned()
}

fn default((name, value): (&String, &Value)) -> String {
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    format!("{}={}", encode(name), encode(&value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn target(address: &str, merge: bool) -> Target {
        let defaults = json!({"limit": 5, "q": "a b"});
        Target::new(address, defaults.as_object().unwrap(), merge).unwrap()
    }

    #[test]
    fn what_a_client_sends_stands_below_the_target() {
        let target = target("https://h:8443/base/", false);
        let uri = |below: &str, query: Option<&str>| target.uri(below, query, true).unwrap().to_string();
        assert_eq!(uri("", None), "https://h:8443/base?limit=5&q=a%20b");
        assert_eq!(uri("/v1/x", Some("q=1&key=sk")), "https://h:8443/base/v1/x?limit=5&q=1");
        assert_eq!(
            target.uri("", Some("key=own"), false).unwrap(),
            "https://h:8443/base?limit=5&q=a%20b&key=own"
        );
        for below in ["/../x", "//evil.example", "/%2e%2e/x", "/http://evil.example", "/a\\b"] {
            assert_eq!(target.uri(below, None, true).unwrap_err().code(), Some("invalid_path"), "{below}");
        }
    }

    #[test]
    fn the_targets_own_query_stays_unless_it_may_be_replaced() {
        let query = |merge: bool, sent: &str| {
            let uri = target("https://h/?limit=1&own=2", merge).uri("", Some(sent), true).unwrap();
            uri.query().unwrap().to_owned()
        };
        assert_eq!(query(false, "limit=9&other=3"), "limit=1&own=2&q=a%20b&other=3");
        assert_eq!(query(false, "l%69mit=9"), "limit=1&own=2&q=a%20b");
        assert_eq!(query(true, "limit=9"), "own=2&q=a%20b&limit=9");
    }

    #[test]
    fn only_addresses_without_keys_are_targets() {
        for wrong in ["ftp://h", "/x", "https://user:pw@h/", "nonsense"] {
            assert!(Target::new(wrong, &Map::new(), false).is_err(), "{wrong}");
        }
    }
}
