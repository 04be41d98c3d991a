//! What failed exchanges are called.

use std::{error::Error as StdError, fmt, io};

use http::{Uri, uri::Authority};
use llmux_core::{Error, ErrorKind};

use crate::{
    connector::{BoxError, ConnectTimeout},
    policy::{self, Forbidden},
    resolver::ResolveError,
};

/// The other side, as error messages name it: host and port, never user, path or query.
#[derive(Clone)]
pub(crate) struct Target {
    authority: Option<Authority>,
    default_port: u16,
}

impl Target {
    pub(crate) fn of(uri: &Uri) -> Self {
        let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        Self { authority: uri.authority().cloned(), default_port }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.authority {
            Some(authority) => {
                write!(f, "{}:{}", authority.host(), authority.port_u16().unwrap_or(self.default_port))
            }
            None => f.write_str("the provider"),
        }
    }
}

/// Why a request has no answer.
pub(crate) enum Failed {
    /// No connection could be opened.
    Connect(BoxError),
    /// The connection broke off, or what came on it is no HTTP.
    Exchange(hyper::Error),
}

/// The error for a request without an answer.
pub(crate) fn no_answer(target: &Target, failed: Failed) -> Error {
    let error = match failed {
        Failed::Connect(error) => error,
        Failed::Exchange(error) => {
            // A body that is passed on may itself be what failed.
            if let Some(own) = cause::<Error>(&error) {
                return Error::client(own.kind(), own.message());
            }
            let message = format!("{target} gave no answer: {}", why_broken(&error));
            return Error::upstream(ErrorKind::Connection, message).with_source(error);
        }
    };
    if let Some(ConnectTimeout(limit)) = cause(&*error) {
        let message = format!("connect timeout: no connection to {target} within {limit:?}");
        return Error::upstream(ErrorKind::Timeout, message).with_source(error);
    }
    if let Some(ResolveError::Forbidden(_)) = cause(&*error) {
        return policy::refused(&Forbidden.to_string());
    }
    let message = format!("cannot connect to {target}: {}", why_unconnected(&*error));
    Error::upstream(ErrorKind::Connection, message).with_source(error)
}

/// The error for a body that ends before its time.
pub(crate) fn broke_off(target: &Target, error: hyper::Error) -> Error {
    let message = format!("the connection broke off: {target}: {}", why_broken(&error));
    Error::upstream(ErrorKind::Connection, message).with_source(error)
}

fn why_unconnected(error: &(dyn StdError + 'static)) -> String {
    if let Some(ResolveError::Lookup(_)) = cause(error) {
        return "its name cannot be resolved".to_owned();
    }
    if let Some(tls) = tls_cause(error) {
        return format!("TLS: {tls}");
    }
    match cause::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => "connection refused".to_owned(),
        Some(kind) if kind != io::ErrorKind::Other => kind.to_string(),
        _ => innermost(error).to_string(),
    }
}

fn why_broken(error: &(dyn StdError + 'static)) -> String {
    if let Some(io) = cause::<io::Error>(error) {
        return io.kind().to_string();
    }
    match cause::<hyper::Error>(error) {
        Some(error) if error.is_incomplete_message() => "the connection was closed".to_owned(),
        Some(error) if error.is_parse() => "what it sent is no HTTP".to_owned(),
        _ => innermost(error).to_string(),
    }
}

/// rustls's own error, which I/O errors wrap without naming it as their source.
fn tls_cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    chain(error).find_map(|link| {
        let inner = link.downcast_ref::<io::Error>().and_then(io::Error::get_ref)?;
        inner.downcast_ref().or_else(|| tls_cause(inner))
    })
}

fn cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    chain(error).find_map(|link| link.downcast_ref())
}

fn innermost<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    chain(error).last().unwrap_or(error)
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&link| link.source())
}
