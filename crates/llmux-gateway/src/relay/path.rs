//! What of a client's path may be put behind a provider's base URL.

use std::borrow::Cow;

use http::Uri;
use llmux_core::{Error, ErrorKind, Result};
use percent_encoding::percent_decode_str;

/// How often a path may be percent-encoded over itself.
const ROUNDS: usize = 4;

/// The path and query to send: the path as it is, if nobody on the way can read it as another place, and the query
/// without `key`, which is the gateway's.
///
/// # Errors
/// 400 for dots, doubled slashes, whole URLs, backslashes and control characters, encoded or not.
pub(super) fn safe(path: &str, query: Option<&str>) -> Result<Uri> {
    check_through(path)?;
    let query = query.map(without_key).filter(|query| !query.is_empty());
    let target = match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    target.parse().map_err(|_| refused())
}

/// Refuses a path that somebody on the way could read as another place, however often it is encoded.
///
/// # Errors
/// As [`safe`].
pub(super) fn check_through(path: &str) -> Result<()> {
    let mut text = Cow::Borrowed(path);
    let mut settled = false;
    for _ in 0..ROUNDS {
        check(&text)?;
        let decoded = percent_decode_str(&text).decode_utf8().map_err(|_| refused())?.into_owned();
        settled = decoded == *text;
        if settled {
            break;
        }
        text = Cow::Owned(decoded);
    }
    if settled { Ok(()) } else { Err(refused()) }
}

fn check(path: &str) -> Result<()> {
    let mut segments = path.strip_prefix('/').ok_or_else(refused)?.split('/').peekable();
    while let Some(segment) = segments.next() {
        let hollow = segment.is_empty() && segments.peek().is_some();
        // Some servers cut parameters off before they resolve dots: `..;x` is `..` to them.
        let name = segment.split(';').next().unwrap_or_default();
        if hollow || matches!(name, "." | "..") || segment.contains(['\\', '?', '#']) || has_control(segment)
        {
            return Err(refused());
        }
    }
    Ok(())
}

fn has_control(segment: &str) -> bool {
    segment.chars().any(char::is_control)
}

pub(super) fn refused() -> Error {
    let message =
        "the path must name a place at the provider, without `.`, `..`, `//`, `\\` or control characters";
    Error::client(ErrorKind::InvalidRequest, message).with_code("invalid_path")
}

/// The query without the parameter in which Google's clients send their key.
pub(super) fn without_key(query: &str) -> String {
    let is_key = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        percent_decode_str(name).decode_utf8_lossy() == "key"
    };
    query.split('&').filter(|pair| !is_key(pair)).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_at_the_provider_pass_as_they_are() {
        for path in [
            "/v1/chat/completions",
            "/",
            "/v1/files/",
            "/v1beta/models/a:generateContent",
            "/guardrail/arn%3Aaws%3Abedrock%3A1%2Fx/apply",
            "/v1/a..b/.hidden/...",
            "/v1/caf%C3%A9",
        ] {
            assert_eq!(safe(path, Some("a=b&c")).unwrap(), format!("{path}?a=b&c").as_str());
        }
    }

    #[test]
    fn whatever_could_lead_elsewhere_is_refused() {
        for path in [
            "/../admin",
            "/v1/./x",
            "/v1/..",
            "/%2e%2e/admin",
            "/v1/.%2E/admin",
            "/%252e%252e/admin",
            "/%25252525252e/admin",
            "/v1%2f..%2fadmin",
            "/..;a=b/admin",
            "//evil.example/x",
            "/%2fevil.example/x",
            "/v1//x",
            "/http://evil.example",
            "/https:%2F%2Fevil.example",
            "/v1\\..\\x",
            "/v1%5c..%5cx",
            "/v1%0d%0ahost:%20evil",
            "/v1%00",
            "/v1%3fkey",
            "/v1%23x",
            "/%ff",
            "v1/x",
            "@evil.example/x",
            "",
        ] {
            let error = safe(path, None).err().unwrap_or_else(|| panic!("{path} passed"));
            assert_eq!((error.status().as_u16(), error.code()), (400, Some("invalid_path")), "{path}");
        }
    }

    #[test]
    fn the_gateways_key_is_taken_out_of_the_query() {
        for (query, left) in [
            ("key=sk-g&alt=sse", "/x?alt=sse"),
            ("alt=sse&key=sk-g", "/x?alt=sse"),
            ("%6Bey=sk-g", "/x"),
            ("key", "/x"),
            ("keys=1", "/x?keys=1"),
        ] {
            assert_eq!(safe("/x", Some(query)).unwrap(), left);
        }
    }
}
