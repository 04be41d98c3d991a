//! Who may call: whoever has the master key, or shows another that the database may know.

use http::{HeaderMap, HeaderName, header::AUTHORIZATION};
use llmux_core::{Caller, Error, ErrorKind, ExposeSecret, KeyHash, Result, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Headers that may hold the key, by precedence: LiteLLM's own, then those of the SDKs.
static KEY_HEADERS: [HeaderName; 6] = [
    HeaderName::from_static("x-litellm-api-key"),
    AUTHORIZATION,
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
    HeaderName::from_static("ocp-apim-subscription-key"),
];

/// Whose key a request shows.
pub(crate) enum Presented {
    /// The operator's, or nobody asks for one.
    Operator,
    /// Another one.
    Key(KeyHash),
}

/// The rules of access.
#[derive(Debug, Default)]
pub(crate) struct Access {
    /// The digest of the master key; keys are compared by digest, in constant time.
    master: Option<[u8; 32]>,
    custom_header: Option<HeaderName>,
}

impl Access {
    pub(crate) fn new(master: Option<&SecretString>, custom_header: Option<HeaderName>) -> Self {
        Self { master: master.map(|key| digest(key.expose_secret().as_bytes())), custom_header }
    }

    /// Whether anybody may call.
    pub(crate) fn is_open(&self) -> bool {
        self.master.is_none()
    }

    /// Whether this header may hold the gateway's own key.
    pub(crate) fn holds_key(&self, name: &HeaderName) -> bool {
        KEY_HEADERS.contains(name) || self.custom_header.as_ref() == Some(name)
    }

    /// Whose key a request shows.
    ///
    /// # Errors
    /// 401 when it shows none, or something that no key looks like: nobody looks that up.
    pub(crate) fn presented(&self, headers: &HeaderMap, query: Option<&str>) -> Result<Presented> {
        let Some(master) = &self.master else { return Ok(Presented::Operator) };
        let key = self.key(headers, query).ok_or_else(no_key)?;
        let hash = KeyHash::of(key);
        if bool::from(hash.as_bytes().ct_eq(master)) {
            return Ok(Presented::Operator);
        }
        // Whatever made a key, this is how it begins.
        if key.starts_with(b"sk-") {
            Ok(Presented::Key(hash))
        } else {
            Err(refused("the API key is not valid: keys begin with `sk-`"))
        }
    }

    /// Lets a request pass or refuses it.
    pub(crate) fn check(&self, headers: &HeaderMap, query: Option<&str>) -> Result<()> {
        let Some(master) = &self.master else { return Ok(()) };
        let key = self.key(headers, query).ok_or_else(no_key)?;
        if bool::from(digest(key).ct_eq(master)) { Ok(()) } else { Err(refused("the API key is not valid")) }
    }

    /// Lets a request pass that changes what is served. Without a key nobody may: whoever can add a model can send
    /// the operator's keys anywhere.
    pub(crate) fn check_operator(&self, headers: &HeaderMap, query: Option<&str>) -> Result<()> {
        if self.is_open() {
            let message = "set `general_settings.master_key` to manage models by request";
            return Err(Error::client(ErrorKind::PermissionDenied, message).with_code("master_key_required"));
        }
        self.check(headers, query)
    }

    /// Who sends a request to the control plane, which finds out what a key may do.
    ///
    /// # Errors
    /// When there is no master key: then nobody manages anything by request.
    pub(crate) fn identify(&self, headers: &HeaderMap, query: Option<&str>) -> Result<Caller> {
        if self.is_open() {
            let message = "set `general_settings.master_key` to manage keys, teams and users by request";
            return Err(Error::client(ErrorKind::PermissionDenied, message).with_code("master_key_required"));
        }
        let Some(key) = self.key(headers, query) else { return Ok(Caller::Unknown) };
        let operator = self.check(headers, query).is_ok();
        Ok(if operator { Caller::Operator } else { Caller::Key(KeyHash::of(key)) })
    }

    /// A number for whoever sent the request: the same for the same key.
    pub(crate) fn caller(&self, headers: &HeaderMap, query: Option<&str>) -> Option<u64> {
        let digest = digest(self.key(headers, query)?);
        digest.first_chunk::<8>().map(|first| u64::from_le_bytes(*first))
    }

    fn key<'r>(&self, headers: &'r HeaderMap, query: Option<&'r str>) -> Option<&'r [u8]> {
        let named = self.custom_header.iter().chain(&KEY_HEADERS);
        let header = named.filter_map(|name| headers.get(name)).map(|value| bare(value.as_bytes()));
        let query = query.into_iter().flat_map(|query| query.split('&'));
        let query = query.filter_map(|pair| pair.strip_prefix("key=")).map(str::as_bytes);
        header.chain(query).find(|key| !key.is_empty())
    }
}

/// The key without the word `Bearer`, which may be left out. Of AWS's signatures it is the id of the access key that
/// they name: the signature itself says nothing here, since the gateway does not know the secret.
fn bare(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    let value = signed_by(value).unwrap_or(value);
    match value.split_at_checked(7) {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case(b"bearer ") => key.trim_ascii(),
        _ => value,
    }
}

/// The access key's id in `AWS4-HMAC-SHA256 Credential=ID/date/region/service/aws4_request, …`.
fn signed_by(value: &[u8]) -> Option<&[u8]> {
    let rest = value.strip_prefix(b"AWS4-HMAC-SHA256")?;
    let at = memchr::memmem::find(rest, b"Credential=")?;
    rest.get(at.saturating_add("Credential=".len())..)?.split(|byte| *byte == b'/').next()
}

fn digest(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

fn no_key() -> Error {
    refused("no API key was sent: set `Authorization: Bearer <key>` or `x-api-key`")
}

fn refused(message: &str) -> Error {
    Error::client(ErrorKind::Authentication, message).with_code("invalid_api_key")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &'static str, value: &str) -> Result<()> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        Access::new(Some(&"sk-master".into()), Some(HeaderName::from_static("x-mine"))).check(&headers, None)
    }

    #[test]
    fn the_key_is_found_wherever_an_sdk_puts_it() {
        for (name, value) in [
            ("authorization", "Bearer sk-master"),
            ("authorization", "bearer  sk-master "),
            ("authorization", "sk-master"),
            ("x-api-key", "sk-master"),
            ("api-key", "sk-master"),
            ("x-litellm-api-key", "Bearer sk-master"),
            ("x-mine", "sk-master"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=sk-master/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0",
            ),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=Bearer sk-master/20260101/us-east-1/bedrock/aws4_request",
            ),
        ] {
            assert!(check(name, value).is_ok(), "{name}: {value}");
        }
        let access = Access::new(Some(&"sk-master".into()), None);
        assert!(access.check(&HeaderMap::new(), Some("a=b&key=sk-master")).is_ok());
    }

    #[test]
    fn a_wrong_key_is_refused_without_being_repeated() {
        let error = check("authorization", "Bearer sk-wrong").unwrap_err();
        assert_eq!((error.status().as_u16(), error.code()), (401, Some("invalid_api_key")));
        assert!(!error.message().contains("wrong"));
        assert!(check("cookie", "sk-master").is_err());
    }

    #[test]
    fn the_gateways_own_header_wins_so_that_another_may_hold_a_providers_token() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer token-for-someone-else".parse().unwrap());
        headers.insert("x-litellm-api-key", "sk-master".parse().unwrap());
        assert!(Access::new(Some(&"sk-master".into()), None).check(&headers, None).is_ok());
    }
}
