//! Forms of `multipart/form-data` (RFC 7578, framed as RFC 2046 says), as they arrive.
//!
//! A form is never in memory as a whole: [`Scanner`] cuts the bytes into events, and [`Rewriter`] gives another form
//! with some fields in front and some left out. Everything else stays the bytes that it was, the boundary included.

mod rewrite;
mod scan;

pub use rewrite::Rewriter;
pub use scan::{Event, Scanner};

use llmux_core::{Error, ErrorKind, Result};

/// The longest boundary, by RFC 2046, section 5.1.1.
const MAX_BOUNDARY: usize = 70;

/// What separates the parts of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boundary(String);

impl Boundary {
    /// Reads it from the content type of a form; `None` when that is none.
    ///
    /// # Errors
    /// A 400 when it is a form whose boundary is missing or malformed.
    pub fn of(content_type: &str) -> Result<Option<Self>> {
        let mut parts = content_type.split(';');
        let kind = parts.next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("multipart/form-data") {
            return Ok(None);
        }
        let named = parts.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
        });
        let plain = |text: &&str| {
            !text.is_empty()
                && text.len() <= MAX_BOUNDARY
                && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
        };
        named.filter(plain).map(|boundary| Some(Self(boundary.to_owned()))).ok_or_else(|| {
            Error::client(ErrorKind::InvalidRequest, "the content type of the form names no proper boundary")
                .with_param("content-type")
        })
    }

    /// What stands in front of each part, and begins what stands behind the last.
    fn delimiter(&self) -> Vec<u8> {
        [b"\r\n--", self.0.as_bytes()].concat()
    }
}

fn malformed(what: &str) -> Error {
    Error::client(ErrorKind::InvalidRequest, format!("the form is malformed: {what}"))
}

#[cfg(test)]
mod tests;
