//! AWS Signature Version 4, over a finished request.
//!
//! Source: "Create a signed AWS API request", AWS Identity and Access Management user guide.

use std::time::SystemTime;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{
    HeaderName, HeaderValue, Request, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST},
};
use llmux_core::{Error, ErrorKind, ExposeSecret, Result};
use percent_encoding::{percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::{ask::UNRESERVED, aws::Keys, date};

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// Whom a signature is for: a service in a region.
#[derive(Clone, Debug)]
pub struct Scope {
    region: String,
    service: String,
}

impl Scope {
    /// `service` by its name for signatures, such as `bedrock` or `sts`, in `region`.
    #[must_use]
    pub fn new(service: impl Into<String>, region: impl Into<String>) -> Self {
        Self { region: region.into(), service: service.into() }
    }

    /// The region.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }
}

/// Signs a request: adds the headers `authorization`, `x-amz-date` and, for temporary keys,
/// `x-amz-security-token`, replacing those that are there.
///
/// Signed are the method, the path, the query, the host, the content type, all headers that begin with `x-amz-`
/// or `x-goog-`, and the body; other headers may still change on the way.
///
/// # Errors
/// When the request has no host, or the key holds characters that no header can carry.
pub fn sign(request: &mut Request<Bytes>, keys: &Keys, scope: &Scope, time: SystemTime) -> Result<()> {
    let stamp = date::amz(time);
    let headers = request.headers_mut();
    headers.insert(DATE, header(&stamp)?);
    match &keys.session_token {
        Some(token) => {
            let mut value = header(token.expose_secret())?;
            value.set_sensitive(true);
            headers.insert(TOKEN, value);
        }
        None => _ = headers.remove(TOKEN),
    }

    let (names, canonical) = canonical_request(request)?;
    let day = stamp.split('T').next().unwrap_or_default();
    let credential_scope = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let to_sign = format!("AWS4-HMAC-SHA256\n{stamp}\n{credential_scope}\n{}", hash(canonical.as_bytes()));
    let seed = format!("AWS4{}", keys.secret_access_key.expose_secret());
    let steps = [day, &scope.region, &scope.service, "aws4_request", &to_sign];
    let signature = steps.iter().try_fold(seed.into_bytes(), |key, step| hmac(&key, step.as_bytes()))?;

    let value = format!(
        "AWS4-HMAC-SHA256 Credential={}/{credential_scope}, SignedHeaders={names}, Signature={}",
        keys.access_key_id,
        hex(&signature)
    );
    let mut value = header(&value)?;
    value.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, value);
    Ok(())
}

/// The names of the signed headers, and the request in its canonical form.
fn canonical_request(request: &Request<Bytes>) -> Result<(String, String)> {
    let uri = request.uri();
    let host = match request.headers().get(HOST).and_then(|host| host.to_str().ok()) {
        Some(host) => host.to_owned(),
        None => host_of(uri)?,
    };
    let mut headers = vec![("host".to_owned(), host)];
    for name in request.headers().keys() {
        let theirs = |prefix| name.as_str().starts_with(prefix);
        if name == CONTENT_TYPE || theirs("x-amz-") || theirs("x-goog-") {
            let values = request.headers().get_all(name).iter();
            let values: Vec<String> = values.map(collapsed).collect();
            headers.push((name.as_str().to_owned(), values.join(",")));
        }
    }
    headers.sort();
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let (method, path, query) = (request.method(), canonical_path(uri.path()), canonical_query(uri));
    let body = hash(request.body());
    Ok((names.clone(), format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{body}")))
}

/// The host as the `host` header will have it: the port only where it is not the scheme's own.
fn host_of(uri: &Uri) -> Result<String> {
    let host = uri.host().ok_or_else(|| Error::new(ErrorKind::Internal, "a request to sign has no host"))?;
    let usual = match uri.scheme_str() {
        Some("http") => 80,
        _ => 443,
    };
    Ok(match uri.port_u16() {
        Some(port) if port != usual => format!("{host}:{port}"),
        _ => host.to_owned(),
    })
}

/// The path without empty and dot segments, encoded once more than it is sent, as all services but S3 want it.
fn canonical_path(path: &str) -> String {
    let mut segments: Vec<String> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => _ = segments.pop(),
            segment => segments.push(utf8_percent_encode(segment, UNRESERVED).to_string()),
        }
    }
    let end = if path.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    format!("/{}{end}", segments.join("/"))
}

fn canonical_query(uri: &Uri) -> String {
    let encoded = |text: &str| {
        let plain = percent_decode_str(text).decode_utf8_lossy();
        utf8_percent_encode(&plain, UNRESERVED).to_string()
    };
    let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(String, String)> = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encoded(name), encoded(value)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// A header's value without blanks around it, and with single ones inside.
fn collapsed(value: &HeaderValue) -> String {
    let text = String::from_utf8_lossy(value.as_bytes());
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn header(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text)
        .map_err(|_| Error::new(ErrorKind::Authentication, "the AWS key holds characters no key has"))
}

fn hmac(key: &[u8], data: &[u8]) -> Result<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .map_err(|_| Error::new(ErrorKind::Internal, "a signing key has an impossible length"))?;
    mac.update(data);
    Ok(mac.finalize().into_bytes().to_vec())
}

fn hash(data: &[u8]) -> String {
    hex(&Sha256::digest(data))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
